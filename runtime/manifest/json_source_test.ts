import { expect } from "@std/expect";
import { JsonSyntaxError, parseJson } from "./json_source.ts";

Deno.test("parseJson() knows where each key and each item of an array stands", () => {
  const source = parseJson(
    '{\n  "a": [1, { "b": [] }, [2, "x"]],\n  "c\\"d": {\n    "e,:": true\n  },\n  "f": null }',
  );
  expect(source.value).toEqual({ a: [1, { b: [] }, [2, "x"]], 'c"d': { "e,:": true }, f: null });
  const at = (...path: (string | number)[]) => Object.values(source.locate(path)).join(":");
  expect(at("a")).toBe("2:3");
  expect(at("a", 0)).toBe("2:9");
  expect(at("a", 1)).toBe("2:12");
  expect(at("a", 1, "b")).toBe("2:14");
  expect(at("a", 2, 1)).toBe("2:29");
  expect(at('c"d', "e,:")).toBe("4:5");
  expect(at("f")).toBe("6:3");
});

Deno.test("locate() gives the nearest container of what is not there", () => {
  const source = parseJson('{\n "a": {\n "b": 1 } }');
  expect(source.locate(["a", "x", "y"])).toEqual({ line: 2, column: 2 });
  expect(source.locate(["x"])).toEqual({ line: 1, column: 1 });
});

Deno.test("parseJson() finds keys that stand twice in one object, and only those", () => {
  const source = parseJson('{"a":{"b":1,"b":2},"c":{"b":1},"d":[{"a":1},{"a":2}],"a":3}');
  expect(source.duplicates).toEqual([["a", "b"], ["a"]]);
});

Deno.test("parseJson() says where a text stops being JSON", () => {
  const mistake = (text: string) => {
    try {
      parseJson(text);
    } catch (error) {
      return error as JsonSyntaxError;
    }
    throw new Error("parsed");
  };
  expect(mistake('{\n "a": 1,\n}').position).toEqual({ line: 3, column: 1 });
  expect(mistake('{\n "a": ').position).toEqual({ line: 2, column: 7 });
  expect(mistake("{'a': 1}").position).toEqual({ line: 1, column: 2 });
  expect(mistake('{\n "a": 1,\n}').message).not.toMatch(/position/);
});
