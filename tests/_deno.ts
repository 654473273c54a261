/**
 * Other versions of Deno, from npm.
 *
 * @module
 */
import { join } from "node:path";

/** Where another Deno is, or why there is none. */
export type OtherDeno = { readonly path: string } | { readonly missing: string };

/** Longest time for npm to bring it. */
const MAX_INSTALL_MS = 180_000;

/** Has npm bring a version of Deno, once, into `.skerry/`: it is 40 MB. */
export async function otherDeno(version: string): Promise<OtherDeno> {
  const folder = join(import.meta.dirname!, "..", ".skerry", `deno-${version}`);
  const there = await find(folder);
  if (there !== undefined) return { path: there };
  await Deno.mkdir(folder, { recursive: true });
  // The package's own script only copies the binary of its dependency for this platform.
  const flags = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--loglevel=error"];
  try {
    const { success, stderr } = await new Deno.Command("npm", {
      args: ["install", ...flags, "--prefix", folder, `deno@${version}`],
      signal: AbortSignal.timeout(MAX_INSTALL_MS),
      stdout: "null",
    }).output();
    const path = success ? await find(folder) : undefined;
    if (path !== undefined) return { path };
    const said = new TextDecoder().decode(stderr).trim().split("\n").at(0);
    return { missing: `npm has no deno@${version} for this platform${said ? `: ${said}` : ""}` };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
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
