import { expect } from "@std/expect";
import { checkNames } from "./check_names.ts";
import type { Definition, ExternName } from "./model.ts";

function importing(...names: (string | ExternName)[]): () => void {
  const definitions = names.map((name, offset): Definition => {
    const extern = typeof name === "string" ? { name } : name;
    const kind = extern.implements === undefined ? "func" : "instance";
    return { kind: "import", name: extern, type: { kind, type: 0 }, offset };
  });
  return () => checkNames({ definitions, customs: [], start: 0, end: 0 }, "x");
}

Deno.test("names that some language could not tell apart do not stand beside each other", () => {
  importing("foo", "foo-bar", "[constructor]foo", "[method]foo.bar", "[static]foo.baz", "foo:bar/baz")();
  for (const other of ["foo", "FOO", "[constructor]FOO", "[method]foo.BAR", "[static]foo.bar", "[method]foo.foo"]) {
    expect(importing("foo", "[constructor]foo", "[method]foo.bar", other)).toThrow("conflicts with previous name");
  }
});

Deno.test("imports and exports have names of their own", () => {
  const definitions: Definition[] = [
    { kind: "import", name: { name: "a" }, type: { kind: "func", type: 0 }, offset: 1 },
    { kind: "export", name: { name: "a" }, sort: "func", index: 0, offset: 2 },
  ];
  checkNames({ definitions, customs: [], start: 0, end: 0 }, "x");
  definitions.push({ kind: "export", name: { name: "A" }, sort: "func", index: 0, offset: 0x33 });
  expect(() => checkNames({ definitions, customs: [], start: 0, end: 0 }, "x")).toThrow("at offset 0x33");
});

Deno.test("what is named like a method is a function", () => {
  const definitions: Definition[] = [
    { kind: "import", name: { name: "[method]a.b" }, type: { kind: "instance", type: 0 }, offset: 1 },
  ];
  expect(() => checkNames({ definitions, customs: [], start: 0, end: 0 }, "x")).toThrow("is not a func");
});

Deno.test("only an instance with a plain name implements an interface", () => {
  importing({ name: "a", implements: "a:b/c" }, { name: "b", implements: "a:b/c@1.0.0" })();
  expect(importing({ name: "a", implements: "b" })).toThrow("must be an interface");
  expect(importing({ name: "a", implements: "" })).toThrow("must be an interface");
  expect(importing({ name: "a:b/c", implements: "d:e/f" })).toThrow("not valid with `implements`");
});

Deno.test("names are checked in types and in components inside, used or not", () => {
  const twice = (kind: "component-type" | "instance-type"): Definition => ({
    kind: "type",
    offset: 0,
    type: {
      kind,
      declarations: [0, 1].map((offset) => ({
        kind: "export-decl",
        name: { name: "a" },
        type: { kind: "func", type: 0 },
        offset,
      })),
    },
  });
  for (const definition of [twice("component-type"), twice("instance-type")]) {
    const inner = { definitions: [definition], customs: [], start: 0, end: 0 };
    expect(() => checkNames(inner, "x")).toThrow("conflicts");
    const outer: Definition = { kind: "component", component: inner, offset: 0 };
    expect(() => checkNames({ definitions: [outer], customs: [], start: 0, end: 0 }, "x")).toThrow("conflicts");
  }
});
