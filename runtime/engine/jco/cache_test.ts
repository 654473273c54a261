import { expect } from "@std/expect";
import { pathToFileURL } from "node:url";
import { withFolder } from "../../../tests/_folder.ts";
import { GENERATED_FOLDERS_KEPT } from "../../limits.ts";
import { prune, readFacts, touch, writeFolder } from "./cache.ts";

/** A cache of its own. */
const withCache = (body: (cacheDir: URL) => Promise<void>) => withFolder((folder) => body(pathToFileURL(`${folder}/`)));

/** Makes a folder look as if it had been used so many hours ago. */
async function age(dir: URL, hours: number): Promise<void> {
  const time = new Date(Date.now() - hours * 3_600_000);
  for (const file of [new URL("component.json", dir), dir]) await Deno.utime(file, time, time).catch(() => {});
}

Deno.test("a folder is written as a whole, and the second writer of it does no harm", async () => {
  await withCache(async (cacheDir) => {
    const dir = new URL("abc/", cacheDir);
    expect(await readFacts(dir)).toBe(undefined);
    await writeFolder(dir, new Map([["a.js", new Uint8Array([1])]]), { n: 1 });
    await writeFolder(dir, new Map([["a.js", new Uint8Array([2])]]), { n: 2 });
    expect(await readFacts(dir)).toEqual({ n: 1 });
    expect(await Deno.readFile(new URL("a.js", dir))).toEqual(new Uint8Array([1]));
    expect((await Array.fromAsync(Deno.readDir(cacheDir))).length).toBe(1);
  });
});

Deno.test("a folder that cannot be written leaves nothing behind", async () => {
  await withCache(async (cacheDir) => {
    const files = new Map([["no/such/folder.js", new Uint8Array(1)]]);
    await expect(writeFolder(new URL("abc/", cacheDir), files, {})).rejects.toThrow(Deno.errors.NotFound);
    expect(await Array.fromAsync(Deno.readDir(cacheDir))).toEqual([]);
  });
});

Deno.test("pruning removes what was not used for the longest time, and half-written folders, but nothing young", async () => {
  await withCache(async (cacheDir) => {
    for (let i = 0; i < GENERATED_FOLDERS_KEPT + 3; i++) {
      const dir = new URL(`${i}/`, cacheDir);
      await writeFolder(dir, new Map(), {});
      await age(dir, i + 2);
    }
    const last = new URL(`${GENERATED_FOLDERS_KEPT + 2}/`, cacheDir);
    await touch(last);
    for (const name of ["x.old", "x.young"]) await Deno.mkdir(new URL(`${name}/`, cacheDir));
    await age(new URL("x.old/", cacheDir), 5);
    await prune(cacheDir);
    const names = new Set((await Array.fromAsync(Deno.readDir(cacheDir))).map((entry) => entry.name));
    expect(names.has("x.old")).toBe(false);
    expect(names.has("x.young")).toBe(true);
    expect(names.has(String(GENERATED_FOLDERS_KEPT + 2))).toBe(true);
    expect(names.has(String(GENERATED_FOLDERS_KEPT + 1))).toBe(false);
    expect(names.has(String(GENERATED_FOLDERS_KEPT - 1))).toBe(false);
    expect(names.has(String(GENERATED_FOLDERS_KEPT - 2))).toBe(true);
  });
});
