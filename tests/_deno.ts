/**
 * Versions of Deno: this one, by what it does, and others, from npm.
 *
 * @module
 */
import { join } from "node:path";

/** Whether `version`, by default this Deno's, is `other` or later. */
export function isSince(other: string, version: string = Deno.version.deno): boolean {
  const number = (text: string) => text.split(".").reduce((sum, part) => sum * 1000 + Number.parseInt(part), 0);
  return number(version) >= number(other);
}

/** Deno's own HTTP/1.1 server reads ahead of whoever serves, without end, in these versions: denoland/deno#36869. */
export function readsAhead(version?: string): boolean {
  return isSince("2.8.3", version) && !isSince("2.9.7", version);
}

/** Where another Deno is, or why there is none. */
export type OtherDeno = { readonly path: string } | { readonly missing: string };

/** Longest time for npm to bring it. */
const MAX_INSTALL_MS = 180_000;

/** Has npm bring a version of Deno, once, into `.skerry/`: it is 40 MB. */
export async function otherDeno(version: string): Promise<OtherDeno> {
  const folder = join(import.meta.dirname!, "..", ".skerry", `deno-${version}`);
  const there = await find(folder);
  if (there !== undefined) return { path: there };
  await Deno.mkdir(join(folder, ".."), { recursive: true });
  // In a folder of its own until it is whole: npm may be ended in the middle of the file, and others may do the same.
  const draft = await Deno.makeTempDir({ dir: join(folder, ".."), prefix: `deno-${version}-` });
  // The package's own script only copies the binary of its dependency for this platform.
  const flags = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--loglevel=error"];
  const late = AbortSignal.timeout(MAX_INSTALL_MS);
  try {
    const { success, stderr } = await new Deno.Command("npm", {
      args: ["install", ...flags, "--prefix", draft, `deno@${version}`],
      signal: late,
      stdout: "null",
      stderr: "piped",
    }).output();
    if (success && await find(draft) !== undefined && await find(folder) === undefined) {
      await Deno.remove(folder, { recursive: true }).catch(() => {});
      await Deno.rename(draft, folder).catch(() => {});
    }
    const path = await find(folder);
    if (path !== undefined) return { path };
    if (late.aborted) return { missing: `npm has not brought deno@${version} within ${MAX_INSTALL_MS} ms` };
    const said = new TextDecoder().decode(stderr).trim().split("\n").at(0);
    return { missing: `npm has no deno@${version} for this platform${said ? `: ${said}` : ""}` };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  } finally {
    await Deno.remove(draft, { recursive: true }).catch(() => {});
  }
}

async function find(folder: string): Promise<string | undefined> {
  const scope = join(folder, "node_modules", "@deno");
  const platforms = await Array.fromAsync(Deno.readDir(scope)).catch(() => []);
  for (const { name } of platforms) {
    const path = join(scope, name, Deno.build.os === "windows" ? "deno.exe" : "deno");
    if (await Deno.stat(path).then((info) => info.isFile, () => false)) return path;
  }
  return undefined;
}
