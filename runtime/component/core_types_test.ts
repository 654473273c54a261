import { expect } from "@std/expect";
import { coreTypeDef } from "./core_types.ts";
import { Reader } from "./reader.ts";

const moduleType = (...declarations: number[][]) => () =>
  coreTypeDef(new Reader(new Uint8Array([0x50, declarations.length, ...declarations.flat()]), "x"));

const memory = [0x02, 0x00, 0x01];
const importMemory = (name: number) => [0x00, 1, 0x6d, 1, name, ...memory];
const exportMemory = (name: number) => [0x03, 1, name, ...memory];
const A = 0x61;
const B = 0x62;

Deno.test("a module type has each import and each export once", () => {
  moduleType(importMemory(A), importMemory(B), exportMemory(A), exportMemory(B))();
  expect(moduleType(importMemory(A), importMemory(A))).toThrow('duplicate import name ["m","a"]');
  expect(moduleType(exportMemory(B), exportMemory(B))).toThrow('duplicate export name "b"');
});

Deno.test("a function in a module type has a type that was there before", () => {
  const type = [0x01, 0x60, 0, 0];
  const func = [0x03, 1, A, 0x00, 0];
  moduleType(type, func)();
  expect(moduleType(func, type)).toThrow("type index out of bounds");
});

Deno.test("a memory is no larger than its addresses reach", () => {
  const pages = (...count: number[]) => moduleType([0x03, 1, A, 0x02, 0x00, ...count]);
  pages(0x80, 0x80, 0x04)();
  expect(pages(0x81, 0x80, 0x04)).toThrow("at most 65536 pages");
});

Deno.test("a table of what is not shared is not shared", () => {
  const table = (flags: number) => moduleType([0x03, 1, A, 0x01, 0x70, flags, 0, 1]);
  table(1)();
  expect(table(3)).toThrow("shared tables must have a shared element type at offset 0x");
});
