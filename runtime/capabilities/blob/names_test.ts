import { expect } from "@std/expect";
import { decodeKey, decodeParts, encodeKey, encodeParts } from "./names.ts";

const NAMES = [
  "a",
  "A",
  "é",
  "e\u0301",
  ".",
  "..",
  "a.",
  "a ",
  "/",
  "../a",
  "a/b",
  "a//b",
  "a/",
  "a\\b",
  "a\0b",
  "~41",
  "+a",
];
const LONG = [".".repeat(1024), "a.".repeat(512), "é".repeat(512), "A".repeat(200), "a".repeat(200), "a".repeat(201)];

Deno.test("a name is told apart by file systems that take upper for lower case, or one spelling for another", () => {
  const paths = [...NAMES, ...LONG].map((name) => encodeParts(name).join("/").normalize("NFC").toLowerCase());
  expect(new Set(paths).size).toBe(paths.length);
});

Deno.test("a name is a file name everywhere, and comes back as it was", () => {
  for (const name of [...NAMES, ...LONG]) {
    const parts = encodeParts(name);
    for (const part of parts) {
      expect(part).toMatch(/^[=+][a-z0-9_.~-]*$/);
      expect(part.length).toBeLessThan(255);
      // Windows takes both off.
      expect(part).not.toMatch(/[. ]$/);
    }
    expect(parts.map((part) => part[0]).join("")).toMatch(/^\+*=$/);
    expect(decodeParts(parts)).toBe(name);
  }
});

Deno.test("a key has no step up and no empty one, and comes back as it was", () => {
  for (const name of [...NAMES, ...LONG]) {
    const key = encodeKey(name);
    expect(key).toMatch(/^[A-Za-z0-9_.~/-]+$/);
    for (const segment of key.split("/")) expect(["", ".", ".."]).not.toContain(segment);
    expect(new URL(key, "http://host/bucket/").pathname).toBe(`/bucket/${key}`);
    expect(decodeKey(key)).toBe(name);
  }
  const keys = [...NAMES, ...LONG].map(encodeKey);
  expect(new Set(keys).size).toBe(keys.length);
});

Deno.test("what is no encoded name is no name", () => {
  for (const encoded of ["~", "~4", "~4G", "~ff", "~e9", "a~zz"]) {
    expect([encoded, decodeKey(encoded), decodeParts([`=${encoded}`])]).toEqual([encoded, undefined, undefined]);
  }
});
