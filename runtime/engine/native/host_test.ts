import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { nativeEngine } from "./mod.ts";

/** What linking says of a component that imports `functions` of an interface with a class `Thing`. */
async function problem(functions: string, host: Record<string, unknown>): Promise<string | undefined> {
  const bytes = new Uint8Array(
    await parse(`(component (import "test:it/things" (instance
      (export "thing" (type $thing (sub resource)))
      ${functions})))`),
  );
  const component = await nativeEngine.load(bytes, { name: "it" });
  return await component.link({ "test:it/things": host }).then(() => undefined, (error) => error.message);
}

class Thing {
  say(): void {}
  static make(): Thing {
    return new Thing();
  }
}

Deno.test("what every object has is nothing that a host offers", async () => {
  const host = { Thing, run: () => {} };
  for (
    const name of [
      ...["to-string", "value-of", "constructor", "has-own-property", "is-prototype-of", "to-locale-string"],
      ...["[static]thing.call", "[static]thing.bind", "[static]thing.to-string", "[static]thing.constructor"],
    ]
  ) {
    expect([name, await problem(`(export "${name}" (func))`, host)]).toEqual([
      name,
      expect.stringContaining(`test:it/things#${name} `),
    ]);
  }
  for (const name of ["constructor", "to-string", "value-of"]) {
    const method = `(export "[method]thing.${name}" (func (param "self" (borrow $thing))))`;
    expect([name, await problem(method, host)]).toEqual([name, expect.stringContaining(`#[method]thing.${name} `)]);
  }
});

Deno.test("a host may offer functions of such names, and what a class has of another", async () => {
  class Inherits extends Thing {
    override say(): void {}
    override toString(): string {
      return "a thing";
    }
    static override bind(): void {}
  }
  const host = { Thing: Inherits, run: () => {}, toString: () => "hello", constructor: () => {} };
  expect(
    await problem(
      `(export "run" (func)) (export "constructor" (func)) (export "to-string" (func (result string)))
       (export "[static]thing.make" (func (result (own $thing)))) (export "[static]thing.bind" (func))
       (export "[method]thing.to-string" (func (param "self" (borrow $thing)) (result string)))
       (export "[method]thing.say" (func (param "self" (borrow $thing))))
       (export "[constructor]thing" (func (result (own $thing))))`,
      host,
    ),
  ).toBe(undefined);
});
