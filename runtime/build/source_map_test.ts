import { expect } from "@std/expect";
import { sourcePlace } from "./_source_map.ts";

/** Two pieces of a.ts, an empty line, and two pieces of b.ts with one of the bundler's own between them. */
const MAP = JSON.stringify({
  version: 3,
  sources: ["a.ts", null, "b.ts"],
  names: [],
  // [0→a 0:0], [8→a 0:16]; nothing; [4→b 40:2], [6], [9→b 39:100].
  mappings: "AAAA,QAAgB;;IEwCd,E,GADkG",
});

Deno.test("a place in a bundle is found in its source", () => {
  expect(sourcePlace(MAP, 0, 0)).toEqual({ source: "a.ts", line: 0, column: 0 });
  expect(sourcePlace(MAP, 0, 7)).toEqual({ source: "a.ts", line: 0, column: 0 });
  expect(sourcePlace(MAP, 0, 8)).toEqual({ source: "a.ts", line: 0, column: 16 });
  expect(sourcePlace(MAP, 1, 3)).toEqual({ source: "a.ts", line: 0, column: 16 });
  expect(sourcePlace(MAP, 2, 4)).toEqual({ source: "b.ts", line: 40, column: 2 });
  expect(sourcePlace(MAP, 2, 7)).toEqual({ source: "b.ts", line: 40, column: 2 });
  expect(sourcePlace(MAP, 9, 0)).toEqual({ source: "b.ts", line: 39, column: 100 });
});

Deno.test("what is before the first piece, or no source map, is nowhere", () => {
  const late = JSON.stringify({ version: 3, sources: ["a.ts"], mappings: ";IAAA" });
  expect([sourcePlace(late, 0, 9), sourcePlace(late, 1, 3), sourcePlace(late, 1, 4)?.source]).toEqual([
    undefined,
    undefined,
    "a.ts",
  ]);
  for (const text of ["", "null", "{}", `{"sources":[],"mappings":"AAAA"}`]) {
    expect(sourcePlace(text, 0, 0)).toBe(undefined);
  }
});
