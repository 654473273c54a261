import { expect } from "@std/expect";
import { chainOf, handsOn } from "./middleware.ts";

const links = (functions: Record<string, string[]>) =>
  Object.entries(functions).map(([name, middleware]) => ({ name, middleware }));
const chain = (functions: Record<string, string[]>) => chainOf(links(functions)[0]!, links(functions));

Deno.test("what stands in front of middleware stands in front of all behind it", () => {
  expect(chain({ api: [] })).toEqual([]);
  expect(chain({ api: ["a", "b"], a: ["c"], b: ["c"], c: [] })).toEqual(["c", "a", "c", "b"]);
});

Deno.test("a chain that goes round in a circle is refused with the circle", () => {
  expect(chain({ api: ["api"] })).toEqual({
    index: 0,
    message: "goes round in a circle, api → api; take one of them out",
  });
  expect(chain({ api: ["ok", "a"], ok: [], a: ["b"], b: ["a"] })).toEqual({
    index: 1,
    message: "goes round in a circle, api → a → b → a; take one of them out",
  });
});

Deno.test("middleware that there is not is refused with what it may be", () => {
  expect(chain({ api: ["auht"], auth: [] })).toEqual({
    index: 0,
    message: 'there is no function "auht"; write "auth"',
  });
  expect(chain({ api: ["zzz"], auth: [] })).toMatchObject({
    message: 'there is no function "zzz"; make one, or take it out',
  });
});

Deno.test("a chain is no longer than functions may call each other", () => {
  const functions: Record<string, string[]> = { api: ["m1"] };
  for (let i = 1; i <= 7; i++) functions[`m${i}`] = i < 7 ? [`m${i + 1}`] : [];
  expect(chain(functions)).toHaveLength(7);
  functions.m7 = ["m8"];
  functions.m8 = [];
  expect(chain(functions)).toMatchObject({ message: expect.stringContaining("at most 7 functions") });
  const doubling: Record<string, string[]> = { api: ["a0", "a0"] };
  for (let i = 0; i < 40; i++) doubling[`a${i}`] = [`a${i + 1}`, `a${i + 1}`];
  doubling.a40 = [];
  expect(chain(doubling)).toMatchObject({ message: expect.stringContaining("at most 7 functions") });
});

Deno.test("middleware is what imports the next handler", () => {
  expect(handsOn([{ name: "wasi:http/types@0.3.0" }])).toBe(false);
  expect(handsOn([{ name: "wasi:http/types@0.3.0" }, { name: "wasi:http/handler@0.3.0" }])).toBe(true);
});
