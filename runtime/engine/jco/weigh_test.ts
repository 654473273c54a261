import { expect } from "@std/expect";
import { LIFTED_VALUE_BYTES } from "../../limits.ts";
import { weigh } from "./weigh.ts";

const weighed = (text: string) => weigh(text, "taken", (what) => new Error(`unexpected: ${what}`));

/** What a generated function charges for `value`, made by `before` and given to the host. */
const charged = (before: string, value: string) =>
  /charge\((\d+)\)/.exec(weighed(`function f() { ${before}\n _trackHostOperation(() => g(${value})); }`))?.[1];

/** A list of 100 elements of fixed length. */
const list = (name: string, element: string) =>
  `const ${name} = []; for (let i = 0; i < 100; i++) { const base = a + i * 1; ${name}.push(${element}); }`;

const LIST = 100 * (1 + LIFTED_VALUE_BYTES);
const parts = (count: number) => String(Math.ceil(count) * LIFTED_VALUE_BYTES);

Deno.test("what is given to the host weighs as much as the largest of what it may be", () => {
  const lists = `${list("small", "x")} ${list("large", "[x, x]")}`;
  const variant = (value: string) => `let v; switch (n) { case 0: v = { tag: 'a' }; break; case 1: v = ${value}; }`;
  const small = LIST / LIFTED_VALUE_BYTES;
  const large = (LIST + 200 * LIFTED_VALUE_BYTES) / LIFTED_VALUE_BYTES;
  expect(charged(lists, "small")).toBe(parts(small));
  expect(charged(lists, "small, large")).toBe(parts(Math.ceil(small) + Math.ceil(large)));
  expect(charged(lists, "{ tag: small, val: x }")).toBe(parts(Math.ceil(small) + 2));
  expect(charged(lists, "n ? small : large")).toBe(parts(large));
  expect(charged(lists + variant("{ tag: 'b', val: small }"), "v")).toBe(parts(Math.ceil(small) + 1));
  expect(charged(lists + variant("{ tag: 'b', val: undefined }"), "v")).toBe(undefined);
  expect(charged("", "x")).toBe(undefined);
});

Deno.test("what is lifted in another shape than expected is refused: it would weigh nothing", () => {
  expect(() => weighed("for (let i = 0; i < len0; i++) {}")).toThrow("unexpected: for (let i = 0; i < len");
  const other = "for (let i = 0; i < 5; i++) { list.push(x); }";
  expect(() => weighed(`function f() { ${other} }`)).toThrow(`unexpected: ${other}`);
  expect(() => weighed(`function f() { ${list("l", "x")} _trackHostOperation(g); }`)).toThrow("_trackHostOperation");
  expect(() => weighed(`function f() { ${list("l", "x")} task.resolve([l]); }`)).toThrow("unexpected: task.resolve");
  expect(() => weighed("({ liftFn: _liftFlatOther({}) })")).toThrow("unexpected: _liftFlatOther");
  expect(() => weighed("({ liftFn: _liftFlatTuple({}) })")).toThrow("unexpected: _liftFlatTuple without elemLiftFns");
  expect(() => weighed("({ liftFn: _liftFlatList({ knownLen: 5 }) })")).toThrow("unexpected: _liftFlatList");
});
