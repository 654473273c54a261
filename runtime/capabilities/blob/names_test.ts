import { expect } from "@std/expect";
import { payloadOf } from "../_testing.ts";
import { blobstore, get, hostOf, names, onEachBackend, put } from "./_testing.ts";
import { decodeKey, decodeParts, encodeKey, encodeParts } from "./names.ts";
import { MAX_NAME_BYTES } from "./store.ts";

/** Names that would be paths, or one name, if they were not encoded. */
const NAMES = [
  "a",
  "A",
  "é",
  "e\u0301",
  ".",
  "..",
  "...",
  "../a",
  "../../../../etc/passwd",
  "/etc/passwd",
  "a/../b",
  "a//b",
  "a/b",
  "a/",
  "a/b/",
  "a/b/.",
  "a/b/c/d",
  "/",
  "a\\b",
  "a\0b",
  "\n",
  " ",
  "a ",
  "a.",
  "a%2fb",
  "a+b",
  "a b",
  "a?b#c&d",
  "~2e",
  "=a",
  ".container",
  "~container",
  "~41",
  "+a",
  "con",
  "NUL.txt",
  "\u{1f3dd}",
  "-rf",
  "<&\"'>",
  "x".repeat(201),
  "x".repeat(200),
  ".".repeat(250),
  "é".repeat(150),
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
    for (const segment of key.split("/")) {
      expect(["", ".", ".."]).not.toContain(segment);
      expect(segment.length).toBeLessThan(255);
    }
    expect(new URL(key, "http://host/bucket/").pathname).toBe(`/bucket/${key}`);
    expect(decodeKey(key)).toBe(name);
  }
  const keys = [...NAMES, ...LONG].map(encodeKey);
  expect(new Set(keys).size).toBe(keys.length);
  // A store that keeps objects in folders has no file of the same name.
  const folders = new Set(keys.flatMap((key) => [...key.matchAll(/\//g)].map(({ index }) => key.slice(0, index))));
  expect(keys.filter((key) => folders.has(key))).toEqual([]);
});

Deno.test("what is no encoded name is no name", () => {
  for (const encoded of ["~", "~4", "~4G", "~ff", "~e9", "a~zz", "~~", "a~"]) {
    expect([encoded, decodeKey(encoded), decodeParts([`=${encoded}`])]).toEqual([encoded, undefined, undefined]);
  }
  for (const key of ["a/b", "a~/b/c", "/", "~container/x"]) expect([key, decodeKey(key)]).toEqual([key, undefined]);
});

onEachBackend("any name is a name, and none is a path", async (backend) => {
  const host = hostOf(backend);
  const container = await blobstore(host).createContainer("default");
  for (const name of NAMES) await put(host, container, name, `contents of ${name}`);
  for (const name of NAMES) expect([name, await get(host, container, name)]).toEqual([name, `contents of ${name}`]);
  expect(await names(container)).toEqual([...NAMES].sort());
  expect(await names(container, 1n)).toEqual([...NAMES].sort());
  for (const name of ["~", "=", "b", "a/b/c", "x".repeat(202), "etc/passwd", "a.."]) {
    expect([name, await container.hasObject(name)]).toEqual([name, false]);
  }
  await container.deleteObject("a");
  expect([await container.hasObject("A"), await container.hasObject("a/b")]).toEqual([true, true]);
  await container.deleteObjects(NAMES.slice(2));
  expect(await names(container)).toEqual(["A"]);
  for (const name of ["", "x".repeat(MAX_NAME_BYTES + 1), "é".repeat(MAX_NAME_BYTES / 2 + 1)]) {
    const refused = /^the name of the object (is empty|has \d+ bytes, and may have 1024)$/;
    const attempts = [
      () => container.hasObject(name),
      () => container.objectInfo(name),
      () => container.getData(name, 0n, 1n),
      () => put(host, container, name, ""),
      () => container.deleteObject(name),
      () => container.deleteObjects(["A", name]),
      () => blobstore(host).copyObject({ container: "default", object: "A" }, { container: "default", object: name }),
    ];
    for (const attempt of attempts) expect(await payloadOf(attempt)).toMatch(refused);
  }
  // A call that is refused has done nothing.
  expect(await names(container)).toEqual(["A"]);
});
