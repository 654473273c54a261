import { expect } from "@std/expect";
import { join } from "node:path";
import { mapFileOf, Script } from "./script.ts";

/** Lines 1 and 3 of the bundle are lines 11 and 4 of app.ts; in line 3 only from column 5. */
const MAP = { version: 3, file: "my.app.js", sources: ["src/app.ts"], names: [], mappings: "AAUA;;IAPE" };

async function withWasm(body: (wasm: string) => Promise<void> | void): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "skerry-script-" });
  try {
    await body(join(dir, "app.wasm"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("places in a bundle become places in the sources, as each engine writes them", async () => {
  await withWasm(async (wasm) => {
    await Deno.writeTextFile(mapFileOf(wasm), JSON.stringify(MAP));
    const { toSource } = new Script(wasm);
    for (
      const [text, told] of [
        ["find@my.app.js:1:9", "find@src/app.ts:11:1"],
        ["@my.app.js:3:6\nasync*f@my.app.js:1:1", "@src/app.ts:4:3\nasync*f@src/app.ts:11:1"],
        ["    at find (/my.app.js:3:60)", "    at find (src/app.ts:4:3)"],
        ['stack: Some("    at f (/my.app.js:1:2)\\n")', 'stack: Some("    at f (src/app.ts:11:1)\\n")'],
        ['(new RangeError("no", "my.app.js", 3))', '(new RangeError("no", "src/app.ts", 4))'],
      ] as const
    ) expect(toSource(text)).toBe(told);
    // Of another file, of no source, or no place at all.
    for (
      const text of [
        "find@other.js:1:9",
        "find@not-my.app.js:1:9",
        "find@myXapp.js:1:9",
        "http://x/my.app.js:1:9",
        "find@my.app.js:2:1",
        "find@my.app.js:3:2",
        "find@my.app.js:900:2",
        "find@my.app.js:0:0",
        "my.app.js and 3",
        '"my.app.js", 2)',
      ]
    ) expect(toSource(text)).toBe(text);
  });
});

Deno.test("a source map is read when the first place is to be found, and not again", async () => {
  await withWasm(async (wasm) => {
    const { toSource } = new Script(wasm);
    expect(toSource("all is well")).toBe("all is well");
    await Deno.writeTextFile(mapFileOf(wasm), JSON.stringify(MAP));
    expect(toSource("f@my.app.js:1:1")).toBe("f@src/app.ts:11:1");
    await Deno.remove(mapFileOf(wasm));
    expect(toSource("f@my.app.js:1:1")).toBe("f@src/app.ts:11:1");
  });
});

Deno.test("without a source map, or with one that is none, a text stays as it is", async () => {
  await withWasm(async (wasm) => {
    expect(new Script(wasm).toSource("f@my.app.js:1:1")).toBe("f@my.app.js:1:1");
    for (
      const map of ["", "{}", JSON.stringify({ ...MAP, file: undefined }), JSON.stringify({ ...MAP, mappings: "?" })]
    ) {
      await Deno.writeTextFile(mapFileOf(wasm), map);
      expect(new Script(wasm).toSource("f@my.app.js:1:1")).toBe("f@my.app.js:1:1");
    }
  });
});
