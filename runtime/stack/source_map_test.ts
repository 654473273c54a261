import { expect } from "@std/expect";
import { SourceMap } from "./source_map.ts";

/** Two pieces of a.ts, an empty line, and two pieces of b.ts with one of the bundler's own between them. */
const MAP = SourceMap.parse(JSON.stringify({
  version: 3,
  file: "bundle.js",
  sources: ["a.ts", null, "b.ts"],
  names: ["greet"],
  // [0→a 0:0 "greet"], [8→a 0:16]; nothing; [4→b 40:2], [6], [9→b 39:100].
  mappings: "AAAAA,QAAgB;;IEwCd,E,GADkG",
}))!;

Deno.test("a place in a bundle is found in its source", () => {
  expect(MAP.file).toBe("bundle.js");
  expect(MAP.place(0, 0)).toEqual({ source: "a.ts", line: 0, column: 0 });
  expect(MAP.place(0, 7)).toEqual({ source: "a.ts", line: 0, column: 0 });
  expect(MAP.place(0, 8)).toEqual({ source: "a.ts", line: 0, column: 16 });
  expect(MAP.place(0, 9999)).toEqual({ source: "a.ts", line: 0, column: 16 });
  expect(MAP.place(2, 4)).toEqual({ source: "b.ts", line: 40, column: 2 });
  expect(MAP.place(2, 9)).toEqual({ source: "b.ts", line: 39, column: 100 });
  expect(MAP.place(2)).toEqual({ source: "b.ts", line: 40, column: 2 });
});

Deno.test("what is before the first piece, on an empty line or the bundler's own is of no source", () => {
  for (const [line, column] of [[1, 0], [1, undefined], [2, 3], [2, 6], [2, 8], [3, 0], [-1, 0]] as const) {
    expect([line, column, MAP.place(line, column)]).toEqual([line, column, undefined]);
  }
});

Deno.test("a line's first piece with a source is found past the bundler's own", () => {
  const map = SourceMap.parse(JSON.stringify({ version: 3, sources: ["a.ts"], mappings: "A,IAEA;C" }))!;
  expect(map.place(0)).toEqual({ source: "a.ts", line: 2, column: 0 });
  expect(map.place(1)).toBe(undefined);
});

Deno.test("what is no source map is none", () => {
  for (const text of ["", "null", "{}", `{"sources":[],"mappings":1}`, `{"sources":["a"],"mappings":"AA?A"}`]) {
    expect(SourceMap.parse(text)).toBe(undefined);
  }
  const empty = SourceMap.parse(`{"sources":[],"mappings":"AAAA"}`);
  expect(empty?.place(0, 0)).toBe(undefined);
});

Deno.test("a map of millions of lines is one list, and its last line is found", () => {
  // With a list for each, V8 would end the process.
  const lines = 30_000_000;
  const map = SourceMap.parse(`{"sources":["a.ts"],"mappings":"${";".repeat(lines)}AAAA"}`)!;
  expect(map.place(lines, 0)).toEqual({ source: "a.ts", line: 0, column: 0 });
  expect(map.place(lines - 1, 0)).toBe(undefined);
  expect(map.place(lines + 1, 0)).toBe(undefined);
});
