import { expect } from "@std/expect";
import { isExternName, isLabel, parseFunctionName } from "./names.ts";

Deno.test("labels are kebab case, each word all lower or all upper case", () => {
  for (const label of ["a", "a1", "a-1", "a-1-b-2", "B-1-C", "DNS-timeout", "a11-B11-123-ABC-abc"]) {
    expect([label, isLabel(label)]).toEqual([label, true]);
  }
  for (const label of ["", "1", "1-a", "a-", "a--b", "aBc", "a_b", "a.b", "ä", "aB", "-a", "a-Bc", "A-bC"]) {
    expect([label, isLabel(label)]).toEqual([label, false]);
  }
});

Deno.test("extern names are labels, functions of resources, interfaces and dependencies", () => {
  const valid = [
    "run",
    "[constructor]fields",
    "[method]fields.get-all",
    "[static]outgoing-body.finish",
    "wasi:http/types",
    "wasi:http/types@0.2.12",
    "a:b/c@0.0.0-abcd.1.2+efg.4.ee.5",
    "ns-1-a:b-1-c/D-2",
    "url=<https://example.com/x.wasm>",
    "[async]fetch",
    "[async method]fields.get-all",
    "a:b/c@1.2.3-rc.1",
  ];
  for (const name of valid) expect([name, isExternName(name)]).toEqual([name, true]);
  const invalid = [
    "[method]fields",
    "[constructor]a.b",
    "a:b/c@1",
    "a:b/c@",
    "a:b/c@2.0.0-",
    "A:b/c",
    "ns:pkg-A/b",
    "a:b",
    "a:b:c/d",
    "a:b/c/d",
    "wasi:http/TyPeS",
    "run@1.0.0",
    "[]a",
    "[async ]a",
    "[toString]a",
    "[method",
    "a:b@1.0.0/c",
    "a/b:c",
    "url=<https://example.com",
  ];
  for (const name of invalid) expect([name, isExternName(name)]).toEqual([name, false]);
  expect(isExternName("a:b/c@1", true)).toBe(true);
});

Deno.test("function names are taken apart", () => {
  expect(parseFunctionName("get-stdout")).toEqual({ kind: "function", member: "get-stdout" });
  expect(parseFunctionName("[static]body.finish")).toEqual({ kind: "static", resource: "body", member: "finish" });
  expect(parseFunctionName("[async]fetch")).toEqual({ kind: "function", member: "fetch" });
  expect(parseFunctionName("[async static]a.b")).toEqual({ kind: "static", resource: "a", member: "b" });
  expect(parseFunctionName("[constructor]fields")).toEqual({ kind: "constructor", resource: "fields", member: "" });
});
