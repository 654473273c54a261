import { expect } from "@std/expect";
import { join } from "node:path";
import { withTask } from "../../context.ts";
import { patient } from "../../database.ts";
import { Task } from "../../task.ts";
import { inTask, killAfter, payloadOf, withFolder } from "../_testing.ts";
import { bytes, call, hostOf, onEachBackend, open, text } from "./_testing.ts";
import type { BucketId } from "./backend.ts";
import { DenoKvBackend } from "./deno_kv.ts";
import { KvProcess } from "./store.ts";

const value = (length: number) => new Uint8Array(length).fill(120);
const OWN: BucketId = ["own", "f", "default"];
const full = (held: number, most: number, unit = "bytes", name = "default") => ({
  tag: "other",
  val: `the store "${name}" is full: ${held} of ${most} ${unit}`,
});

onEachBackend("a store holds so many bytes, until some are deleted or replaced", async (backend, records) => {
  const host = hostOf(backend, "f", { default: true, other: true }, { maxBytes: 100 });
  const [bucket, other] = [open(host), open(host, "other")];
  await bucket.set("a", value(59));
  expect(await payloadOf(() => bucket.set("b", value(40)))).toEqual(full(60, 100));
  expect(await payloadOf(() => bucket.set("a", value(100)))).toEqual(full(60, 100));
  const { message, fields } = records[0]!;
  expect(message).toBe(
    'kv: the store "default" is full: 60 of 100 bytes. To allow more, write "maxBytes" in the grant "kv" in function.json.',
  );
  expect([fields, records.length]).toEqual([{ limit: "kv.maxBytes" }, 1]);
  // Its own store has room; a key takes the bytes that it has.
  await other.set("é", value(98));
  expect(await payloadOf(() => other.set("b", value(0)))).toEqual(full(100, 100, "bytes", "other"));
  // To the last byte, and not a key without a value.
  await bucket.set("b", value(39));
  expect(await backend.usage(OWN)).toEqual({ bytes: 100, entries: 2 });
  expect(await payloadOf(() => bucket.set("c", value(0)))).toEqual(full(100, 100));
  // What is full may be read, replaced by what is no larger, and emptied.
  await bucket.set("b", value(39));
  await bucket.set("b", value(9));
  await bucket.set("c", value(29));
  await bucket.delete("a");
  await bucket.delete("a");
  await bucket.delete("none");
  expect(await backend.usage(OWN)).toEqual({ bytes: 40, entries: 2 });
  await bucket.set("d", value(59));
  expect((await bucket.listKeys()).keys).toEqual(["b", "c", "d"]);
});

onEachBackend("a store holds so many keys, however small", async (backend) => {
  const bucket = open(hostOf(backend, "f", { default: true }, { maxKeys: 2 }));
  await bucket.set("", value(0));
  await bucket.set("a", value(0));
  expect(await payloadOf(() => bucket.set("b", value(0)))).toEqual(full(2, 2, "keys"));
  await bucket.set("a", value(1000));
  await bucket.delete("");
  await bucket.set("b", value(0));
  expect((await bucket.listKeys()).keys).toEqual(["a", "b"]);
});

onEachBackend("every way to write meets the quota, with its own error", async (backend) => {
  const host = hostOf(backend, "f", { default: true }, { maxBytes: 10 });
  const bucket = open(host);
  const { Cas } = host["wasi:keyvalue/atomics@0.2.0-draft2"] as unknown as {
    Cas: { new: (bucket: unknown, key: string) => Promise<unknown> };
  };
  const { Store } = host["fermyon:spin/key-value@2.0.0"] as unknown as {
    Store: { open(label: string): typeof bucket };
  };
  const spin3 = host["spin:key-value/key-value@3.0.0"] as unknown as {
    Store: { open(label: string): Promise<typeof bucket> };
  };
  await bucket.set("n", bytes("99999999"));
  expect(await call(host, "atomics#increment", bucket, "n", 1n)).toBe(100_000_000n);
  expect(await backend.usage(OWN)).toEqual({ bytes: 10, entries: 1 });
  const refused = full(10, 10);
  const attempts = [
    () => call(host, "atomics#increment", bucket, "n", 900_000_000n),
    () => call(host, "atomics@draft#increment", bucket, "m", 1n),
    () => call(host, "batch#setMany", bucket, [["n", bytes("100000000")], ["a", bytes("")]]),
    () => Store.open("default").set("a", bytes("")),
    async () => await (await spin3.Store.open("default")).set("a", bytes("")),
    () => open(host, "default", "draft").set("a", bytes("")),
  ];
  for (const attempt of attempts) expect(await payloadOf(attempt)).toEqual(refused);
  const cas = await Cas.new(bucket, "a");
  expect(await payloadOf(() => call(host, "atomics#swap", cas, bytes("")))).toEqual({
    tag: "store-error",
    val: refused,
  });
  expect(await call(host, "atomics#increment", bucket, "n", -99_999_999n)).toBe(1n);
  expect(await backend.usage(OWN)).toEqual({ bytes: 2, entries: 1 });
  await call(host, "atomics#swap", await Cas.new(bucket, "a"), bytes("1234567"));
  expect(await backend.usage(OWN)).toEqual({ bytes: 10, entries: 2 });
  await call(host, "batch#deleteMany", bucket, ["a", "n", "a"]);
  expect(await backend.usage(OWN)).toEqual({ bytes: 0, entries: 0 });
});

onEachBackend(
  "of writes at once, as many are done as there is room for, and the count stays right",
  async (backend) => {
    const process = new KvProcess(backend);
    const host = hostOf(process, "f", { default: true }, { maxBytes: 1000, maxKeys: 50 });
    const bucket = open(host);
    const writing = Array.from({ length: 40 }, (_, i) => payloadOf(() => bucket.set(`key-${i + 10}`, value(44))));
    const payloads = await Promise.all(writing);
    expect(payloads.filter((payload) => payload === "no error").length).toBe(20);
    expect(payloads.filter((payload) => payload !== "no error")).toEqual(Array(20).fill(full(1000, 1000)));
    const { keys } = await bucket.listKeys();
    expect(keys.length).toBe(20);
    // One key, written, grown, shrunk and deleted by many at once, is counted once.
    await call(host, "batch#deleteMany", bucket, keys);
    await Promise.all([
      ...Array.from({ length: 20 }, (_, i) => bucket.set("one", value(i))),
      ...Array.from({ length: 10 }, () => bucket.delete("one")),
      ...Array.from({ length: 20 }, (_, i) => bucket.set("one", value(20 - i))),
    ]);
    await bucket.set("one", value(7));
    expect(await backend.usage(OWN)).toEqual({ bytes: 10, entries: 1 });
  },
);

onEachBackend("a store that is far from full when many begin to write is no fuller in the end", async (backend) => {
  // Keys enough that writers do not wait for each other, and fewer than they write together.
  const most = { bytes: 2 ** 30, entries: 1100 };
  const writes = Array.from({ length: 1300 }, (_, i) => backend.write(OWN, `${i}`, value(1), { most }));
  const outcomes = await Promise.allSettled(writes);
  expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBe(1100);
  expect((await backend.usage(OWN)).entries).toBe(1100);
});

onEachBackend(
  "what another function writes to a shared store is counted, and each has its own bound",
  async (backend) => {
    const process = new KvProcess(backend);
    const stores = { default: "shop" };
    const [one, two] = [open(hostOf(process, "one", stores)), open(hostOf(process, "two", stores, { maxBytes: 10 }))];
    await one.set("a", value(9));
    expect(await payloadOf(() => two.set("b", value(0)))).toEqual(full(10, 10));
    await one.set("b", value(9));
    expect(await payloadOf(() => two.set("c", value(0)))).toEqual(full(20, 10));
    // Who may hold less may still give back.
    await two.set("a", value(8));
    await two.delete("b");
    expect(text(await two.get("a"))).toBe("x".repeat(8));
    await two.set("b", value(0));
  },
);

onEachBackend("a request that meets a quota has it in its record, by its place in the manifest", async (backend) => {
  const task = new Task({ function: "f" });
  await withTask(task, async () => {
    const bucket = open(hostOf(backend, "f", { default: true }, { maxKeys: 1 }));
    await bucket.set("a", value(0));
    for (const key of ["b", "c"]) await payloadOf(() => bucket.set(key, value(0)));
  });
  task.end();
  expect(Object.fromEntries(task.met)).toEqual({ "kv.maxKeys": 2 });
});

async function withFile(body: (path: string) => Promise<void>): Promise<void> {
  await withFolder((folder) => body(join(folder, "kv.sqlite3")));
}

Deno.test("two processes that write to one full store at once leave it full, and no fuller", () =>
  withFile(async (path) => {
    using one = patient(await Deno.openKv(path));
    using two = patient(await Deno.openKv(path));
    await inTask(async () => {
      const backends = [new DenoKvBackend(one), new DenoKvBackend(two)];
      const buckets = backends.map((backend) => open(hostOf(backend, "f", { default: true }, { maxKeys: 7 })));
      const payloads = await Promise.all(
        Array.from({ length: 24 }, (_, i) => payloadOf(() => buckets[i % 2]!.set(`${i}`, value(1)))),
      );
      expect(payloads.filter((payload) => payload === "no error").length).toBe(7);
      expect((await buckets[0]!.listKeys()).keys.length).toBe(7);
      expect(await backends[1]!.usage(OWN)).toEqual(await countOf(backends[0]!, buckets[0]!));
    });
  }));

Deno.test("what another process has written between a look and a write is counted, and not twice", () =>
  withFile(async (path) => {
    using one = patient(await Deno.openKv(path));
    using two = patient(await Deno.openKv(path));
    await inTask(async () => {
      const [backend, other] = [new DenoKvBackend(one), new DenoKvBackend(two)];
      const get = backend.get.bind(backend);
      const meanwhile: (Uint8Array | undefined)[] = [];
      backend.get = async (...where) => {
        const found = await get(...where);
        if (meanwhile.length > 0) await other.write(OWN, "a", meanwhile.shift());
        return found;
      };
      for (const others of [value(9), undefined, value(2)]) {
        meanwhile.push(others, others);
        await backend.write(OWN, "a", value(5));
        expect([meanwhile, await backend.usage(OWN)]).toEqual([[], { bytes: 6, entries: 1 }]);
      }
      meanwhile.push(value(9), value(2));
      await backend.write(OWN, "a", undefined);
      expect([await get(OWN, "a"), await backend.usage(OWN)]).toEqual([undefined, { bytes: 0, entries: 0 }]);
    });
  }));

/** What is there, counted by reading it. */
async function countOf(backend: DenoKvBackend, bucket: ReturnType<typeof open>) {
  const { keys } = await bucket.listKeys();
  let sum = 0;
  for (const key of keys) sum += bytes(key).length + (await backend.get(OWN, key))!.value.length;
  return { bytes: sum, entries: keys.length };
}

Deno.test("a store that was made before there were counts, or whose count somebody has deleted, is counted", () =>
  withFile(async (path) => {
    using kv = patient(await Deno.openKv(path));
    for (let i = 0; i < 150; i++) await kv.set(["skerry", "kv", "own", "f", "default", `${i + 100}`], value(7));
    await kv.set(["skerry", "kv", "own", "g", "default", "other"], value(7));
    await inTask(async () => {
      const backend = new DenoKvBackend(kv);
      const bucket = open(hostOf(backend, "f", { default: true }, { maxBytes: 1500 }));
      await bucket.delete("100");
      expect(await backend.usage(OWN)).toEqual({ bytes: 1490, entries: 149 });
      for (const broken of [undefined, new Deno.KvU64(2n ** 64n - 5n)]) {
        const key = ["skerry", "kv", "usage", ...OWN, "bytes"];
        if (broken === undefined) await kv.delete(key);
        else await kv.set(key, broken);
        expect(await payloadOf(() => bucket.set("new", value(8)))).toEqual(full(1490, 1500));
      }
    });
  }));

Deno.test("the count is right after a process was killed in the middle of writes", () =>
  withFile(async (path) => {
    await killAfter(30, new URL("./_writer.ts", import.meta.url), path);
    using kv = patient(await Deno.openKv(path));
    await inTask(async () => {
      const backend = new DenoKvBackend(kv);
      expect(await backend.usage(OWN)).toEqual(await countOf(backend, open(hostOf(backend))));
    });
  }));
