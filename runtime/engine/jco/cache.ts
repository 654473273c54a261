/**
 * The folder of generated code: whole folders or none, and not more of them than anyone needs.
 *
 * @module
 */
import { GENERATED_FOLDERS_KEPT } from "../../limits.ts";

/** What is younger may be in use by another process, or being written by it. In milliseconds. */
const SAFE_AGE_MS = 3_600_000;

/** The file in a folder that is written last, and whose time says when the folder was last used. */
const FACTS_FILE = "component.json";

/** What a folder says of its component; `undefined` if there is no such folder. */
export async function readFacts<Facts>(dir: URL): Promise<Facts | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(new URL(FACTS_FILE, dir)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Notes that a folder is in use, so that {@linkcode prune} leaves it. */
export async function touch(dir: URL): Promise<void> {
  const now = new Date();
  // Where that is not allowed, nothing is pruned either.
  await Deno.utime(new URL(FACTS_FILE, dir), now, now).catch(() => {});
}

/** Writes a folder, all of it or nothing. */
export async function writeFolder(
  dir: URL,
  files: ReadonlyMap<string, Uint8Array>,
  facts: unknown,
): Promise<void> {
  const draft = new URL(`${dir.href.replace(/\/$/, "")}.${crypto.randomUUID()}/`);
  await Deno.mkdir(draft, { recursive: true });
  try {
    for (const [name, content] of files) {
      await Deno.writeFile(new URL(name, draft), content);
    }
    await Deno.writeTextFile(new URL(FACTS_FILE, draft), JSON.stringify(facts));
    await Deno.rename(draft, dir);
  } catch (error) {
    await Deno.remove(draft, { recursive: true }).catch(() => {});
    // Another process has made the same folder meanwhile.
    if (await readFacts(dir) === undefined) throw error;
  }
}

/** Removes the folders that have not been used for the longest time, and what writers have left that never ended. */
export async function prune(cacheDir: URL): Promise<void> {
  const folders: { url: URL; usedAt: number; whole: boolean }[] = [];
  for await (const { name, isDirectory } of Deno.readDir(cacheDir)) {
    if (!isDirectory) continue;
    const url = new URL(`${name}/`, cacheDir);
    const facts = await Deno.stat(new URL(FACTS_FILE, url)).catch(() => undefined);
    const info = facts ?? await Deno.stat(url).catch(() => undefined);
    if (info !== undefined) folders.push({ url, usedAt: info.mtime?.getTime() ?? 0, whole: facts !== undefined });
  }
  folders.sort((a, b) => b.usedAt - a.usedAt);
  const old = Date.now() - SAFE_AGE_MS;
  const kept = new Set(folders.filter((folder) => folder.whole).slice(0, GENERATED_FOLDERS_KEPT));
  for (const folder of folders) {
    if (kept.has(folder) || folder.usedAt > old) continue;
    await Deno.remove(folder.url, { recursive: true }).catch(() => {});
  }
}
