import { expect } from "@std/expect";
import { coreDifference } from "./core_match.ts";
import type { CoreEntity } from "./core_module.ts";

const limits = (min: number, max?: number, shared = false) => ({
  min: BigInt(min),
  ...(max === undefined ? {} : { max: BigInt(max) }),
  shared,
  is64: false,
});
const memory = (min: number, max?: number, shared = false): CoreEntity => ({
  kind: "memory",
  type: { kind: "memory", limits: limits(min, max, shared) },
  func: undefined,
});
const table = (element: string, min: number, max?: number): CoreEntity => ({
  kind: "table",
  type: { kind: "table", element, limits: limits(min, max) },
  func: undefined,
});
const global = (type: string, mutable = false): CoreEntity => ({
  kind: "global",
  type: { kind: "global", type, mutable },
  func: undefined,
});
const func = (params: string[], results: string[]): CoreEntity => ({
  kind: "func",
  type: { kind: "func", type: 0 },
  func: { kind: "core-func", params, results },
});

Deno.test("a core module gets what it imports, or more", () => {
  expect(coreDifference(memory(1), memory(2))).toBe(undefined);
  expect(coreDifference(memory(1, 3), memory(1, 2))).toBe(undefined);
  expect(coreDifference(table("funcref", 1), table("funcref", 2, 2))).toBe(undefined);
  expect(coreDifference(global("i32"), global("i32"))).toBe(undefined);
  expect(coreDifference(func(["i32"], []), func(["i32"], []))).toBe(undefined);
});

Deno.test("a core module does not get less than it imports, nor something else", () => {
  expect(coreDifference(memory(2), memory(1))).toContain("memory limits");
  expect(coreDifference(memory(1, 2), memory(1))).toContain("memory limits");
  expect(coreDifference(memory(1, 2, true), memory(1, 2))).toContain("shared");
  expect(coreDifference(table("funcref", 1), table("externref", 1))).toContain("found externref");
  expect(coreDifference(table("funcref", 1, 1), table("funcref", 1, 2))).toContain("table limits");
  expect(coreDifference(global("i32"), global("i64"))).toContain("found i64");
  expect(coreDifference(global("i32", true), global("i32"))).toContain("mutable");
  expect(coreDifference(func([], []), func(["i32"], []))).toContain("found: (i32) -> ()");
  expect(coreDifference(func([], []), memory(1))).toContain("expected func");
});

Deno.test("types that are numbers of another module's are left to the runtime", () => {
  expect(coreDifference(func(["(ref 3)"], []), func(["(ref null 4)"], []))).toBe(undefined);
  expect(coreDifference(table("(ref null 1)", 1), table("(ref null 2)", 1))).toBe(undefined);
});
