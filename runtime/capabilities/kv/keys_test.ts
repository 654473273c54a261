import { expect } from "@std/expect";
import { bytes, call, hostOf, onEachBackend, open, text } from "./_testing.ts";

/** Keys that an encoding could take for each other, or for something else. */
const ODD = [
  "",
  "\0",
  "\0\0",
  "a",
  "a\0",
  "a\0b",
  "a/b",
  "a:b",
  "A",
  "é",
  "e\u0301",
  "..",
  "../g/default",
  '"]',
  "usage",
  "\u{1f3dd}",
  "\uffff",
  "\u{10ffff}",
  "\ud7ff",
  "\ufeffa",
  "%00",
  "\\0",
  "__proto__",
  "constructor",
  "x".repeat(1024),
  "\0".repeat(512),
];

onEachBackend("keys are what they are: odd ones are told apart, and listed once each", async (backend) => {
  const host = hostOf(backend);
  using bucket = open(host);
  for (const [i, key] of ODD.entries()) await bucket.set(key, bytes(`${i}`));
  for (const [i, key] of ODD.entries()) expect([key, text(await bucket.get(key))]).toEqual([key, `${i}`]);
  const { keys } = await bucket.listKeys();
  expect(keys.length).toBe(ODD.length);
  expect(new Set(keys)).toEqual(new Set(ODD));
  const many = await call(host, "batch#getMany", bucket, ODD) as [string, Uint8Array][];
  expect(many.map(([key, value]) => [key, text(value)])).toEqual(ODD.map((key, i) => [key, `${i}`]));
  for (const key of ODD.slice(1)) await bucket.delete(key);
  expect((await bucket.listKeys()).keys).toEqual([""]);
  expect(await call(host, "atomics#increment", bucket, "\0n", 2n)).toBe(2n);
});

onEachBackend("no names of a function and its stores run into another's", async (backend) => {
  // Whatever they were joined by, some of these would be one.
  const owners = [
    ["a", { "b": true, "b-c": true }],
    ["a-b", { "c": true, "b": true }],
    ["f", { default: true, usage: true, f: true }],
    ["default", { f: true, default: true }],
    ["function", { default: true }],
    ["shared", { default: true }],
  ] as const;
  const stores = owners.flatMap(([name, stores]) =>
    Object.keys(stores).map((store) => [name, store, open(hostOf(backend, name, stores), store)] as const)
  );
  for (const [name, store, bucket] of stores) {
    expect([name, store, await bucket.exists("key")]).toEqual([name, store, false]);
    await bucket.set("key", bytes(`${name}/${store}`));
  }
  for (const [name, store, bucket] of stores) expect(text(await bucket.get("key"))).toBe(`${name}/${store}`);
  const shared = open(hostOf(backend, "a", { mine: "default" }), "mine");
  expect(await shared.exists("key")).toBe(false);
});
