import { expect } from "@std/expect";
import { decodeComponent } from "../../component/mod.ts";
import { elaborate } from "./elaborate.ts";

/** Section 7 (types), 10 (imports), 11 (exports), 4 (components), 5 (instances), 6 (aliases), written by hand. */
const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const section = (id: number, ...items: number[][]) => {
  const content = [items.length, ...items.flat()];
  return [id, content.length, ...content];
};
const name = (text: string) => [0, text.length, ...new TextEncoder().encode(text)];
const U8 = 0x7d, STRING = 0x73;

/** `(func (param "x" T))` */
const func = (type: number, async = false) => [async ? 0x43 : 0x40, 1, 1, 0x78, type, 1, 0];

/** A component that gives a function of one type to a nested component which asks for another. */
function nested(given: number[], asked: number[]): Uint8Array {
  const inner = [...HEADER, ...section(7, asked), ...section(10, [...name("f"), 1, 0])];
  return new Uint8Array([
    ...HEADER,
    ...section(7, given),
    ...section(10, [...name("f"), 1, 0]),
    4,
    inner.length,
    ...inner,
    ...section(5, [0, 0, 1, 1, 0x66, 1, 0]),
  ]);
}

const load = (bytes: Uint8Array) => elaborate(bytes, decodeComponent(bytes, "test"), "test");

Deno.test("a nested component takes a function of the type that it asks for", () => {
  expect(load(nested(func(U8), func(U8))).owners).toEqual([undefined, 0]);
});

Deno.test("a nested component refuses a function of another type, and says what differs", () => {
  expect(() => load(nested(func(STRING), func(U8)))).toThrow(
    'decoding test: type mismatch for import "f": in parameter "x": expected u8, found string at offset 0x',
  );
  expect(() => load(nested(func(U8, true), func(U8)))).toThrow("expected a sync function");
});
