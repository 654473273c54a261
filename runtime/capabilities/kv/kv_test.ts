import { expect } from "@std/expect";
import { join } from "node:path";
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { linkForTest } from "../../testing.ts";
import { expectAllOf, payloadOf } from "../_testing.ts";
import { bytes, call, type GuestBucket, hostOf, onEachBackend, open, text } from "./_testing.ts";
import { MemoryBackend } from "./backend.ts";
import { DenoKvBackend, openBackend } from "./deno_kv.ts";
import { kvGrant } from "./grant.ts";
import { kv, kvOn } from "./mod.ts";
import { KvProcess, MAX_KEY_BYTES, MAX_KEYS_AT_ONCE, MAX_OPEN_HANDLES, MAX_VALUE_BYTES } from "./store.ts";

onEachBackend("a function gets what it has set, until it deletes it", async (backend) => {
  const bucket = open(hostOf(backend));
  expect(await bucket.get("a")).toBe(undefined);
  expect(await bucket.exists("a")).toBe(false);
  await bucket.delete("a");
  for (const value of ["1", "", "\0\xff", "2"]) {
    await bucket.set("a", bytes(value));
    expect(text(await bucket.get("a"))).toBe(value);
  }
  expect(await bucket.exists("a")).toBe(true);
  await bucket.delete("a");
  expect(await bucket.get("a")).toBe(undefined);
  for (const key of ["", "\0", "a\0b", "é", "\u{1f3dd}", "a/b"]) await bucket.set(key, bytes(key));
  for (const key of ["", "\0", "a\0b", "é", "\u{1f3dd}", "a/b"]) expect(text(await bucket.get(key))).toBe(key);
  expect((await bucket.listKeys()).keys).toEqual(["", "\0", "a\0b", "a/b", "é", "\u{1f3dd}"]);
});

onEachBackend("a neighbour sees nothing of a function's store, and a shared store is one for all", async (backend) => {
  const process = new KvProcess(backend);
  const stores = { default: true, carts: "shop" } as const;
  const [one, two] = [hostOf(process, "one", stores), hostOf(process, "two", { ...stores, other: "carts" })];
  // Names that would be one when they were joined.
  const [ab, a] = [hostOf(process, "a-b", { c: true }), hostOf(process, "a", { "b-c": true, one: "one" })];
  const own = open(one);
  await own.set("k", bytes("one's"));
  await open(ab, "c").set("k", bytes("ab"));
  for (const other of [open(two), open(one, "carts"), open(two, "other"), open(a, "b-c"), open(a, "one")]) {
    expect(await other.get("k")).toBe(undefined);
    expect((await other.listKeys()).keys).toEqual([]);
    await other.delete("k");
  }
  expect(text(await own.get("k"))).toBe("one's");
  await open(one, "carts").set("k", bytes("shared"));
  expect(text(await open(two, "carts").get("k"))).toBe("shared");
});

onEachBackend(
  "a store that was not granted is refused, and the operator reads the line to add",
  async (backend, records) => {
    const host = hostOf(backend, "f", { default: true });
    for (const version of ["draft", "draft2"]) {
      for (const name of ["carts", "__proto__", "Default"]) {
        expect(await payloadOf(() => open(host, name, version))).toEqual({ tag: "access-denied" });
      }
      open(host, "", version);
    }
    const { Store } = host["fermyon:spin/key-value@2.0.0"] as { Store: { open(label: string): unknown } };
    expect(await payloadOf(() => Store.open("carts"))).toEqual({ tag: "access-denied" });
    expect(records[0]!.message).toContain('"kv": { "stores": { "carts": true } }');
  },
);

onEachBackend("keys and values are bounded, and what is too long is an error with its number", async (backend) => {
  const host = hostOf(backend);
  const bucket = open(host);
  const longest = "k".repeat(MAX_KEY_BYTES);
  await bucket.set(longest, new Uint8Array(MAX_VALUE_BYTES).fill(7));
  expect((await bucket.get(longest))!.length).toBe(MAX_VALUE_BYTES);
  await bucket.set("\0".repeat(MAX_KEY_BYTES / 2), bytes(""));
  expect((await bucket.listKeys(longest)).keys).toEqual([]);
  const tooLong = { tag: "other", val: expect.stringMatching(/bytes, and may have/) };
  for (const key of [`${longest}k`, "é".repeat(MAX_KEY_BYTES / 2 + 1), "\0".repeat(MAX_KEY_BYTES / 2 + 1)]) {
    const attempts = [
      () => bucket.get(key),
      () => bucket.set(key, bytes("")),
      () => bucket.delete(key),
      () => bucket.exists(key),
      () => bucket.listKeys(key),
      () => call(host, "batch#getMany", bucket, [key]),
      () => call(host, "batch#setMany", bucket, [["before", bytes("")], [key, bytes("")]]),
      () => call(host, "batch#deleteMany", bucket, [longest, key]),
      () => call(host, "atomics#increment", bucket, key, 1n),
    ];
    for (const attempt of attempts) expect(await payloadOf(attempt)).toEqual(tooLong);
  }
  const big = new Uint8Array(MAX_VALUE_BYTES + 1);
  expect(await payloadOf(() => bucket.set("big", big))).toEqual(tooLong);
  expect(await payloadOf(() => call(host, "batch#setMany", bucket, [["before", bytes("")], ["big", big]]))).toEqual(
    tooLong,
  );
  // A batch that is refused has done nothing.
  expect([await bucket.exists("before"), await bucket.exists(longest)]).toEqual([false, true]);
});

onEachBackend("lists come in pages, and batches are bounded", async (backend) => {
  const host = hostOf(backend);
  const [bucket, old] = [open(host), open(host, "default", "draft")];
  const names = Array.from({ length: MAX_KEYS_AT_ONCE + 3 }, (_, i) => `key-${String(i).padStart(5, "0")}`);
  const entries = names.map((name) => [name, bytes(name)] as const);
  const tooMany = { tag: "other", val: expect.stringContaining("keys in one call") };
  expect(await payloadOf(() => call(host, "batch#setMany", bucket, entries))).toEqual(tooMany);
  await call(host, "batch#setMany", bucket, entries.slice(0, MAX_KEYS_AT_ONCE));
  await call(host, "batch#setMany", bucket, entries.slice(MAX_KEYS_AT_ONCE));
  const first = await bucket.listKeys();
  const second = await bucket.listKeys(first.cursor);
  expect([first.keys.length, second]).toEqual([MAX_KEYS_AT_ONCE, { keys: names.slice(-3), cursor: undefined }]);
  const firstOld = await old.listKeys<bigint>();
  const secondOld = await old.listKeys(firstOld.cursor);
  expect([firstOld.cursor, secondOld]).toEqual([
    BigInt(MAX_KEYS_AT_ONCE),
    { keys: names.slice(-3), cursor: undefined },
  ]);
  expect((await old.listKeys(2n ** 64n - 1n)).keys).toEqual([]);
  const { Store } = host["fermyon:spin/key-value@2.0.0"] as {
    Store: { open(label: string): { getKeys(): Promise<string[]> } };
  };
  expect(await Store.open("default").getKeys()).toEqual(names);
  expect(await payloadOf(() => call(host, "batch#getMany", bucket, names))).toEqual(tooMany);
  expect(await payloadOf(() => call(host, "batch#deleteMany", bucket, names))).toEqual(tooMany);
});

Deno.test("what takes many steps ends with its task", async () => {
  const task = new Task({ function: "f" });
  let lists = 0;
  const backend = new MemoryBackend();
  const list = backend.list.bind(backend);
  backend.list = (...args) => {
    if (++lists === 2) task.end();
    return list(...args);
  };
  await withTask(task, async () => {
    const bucket = open(hostOf(backend), "default", "draft");
    for (let i = 0; i < 4 * MAX_KEYS_AT_ONCE; i++) await bucket.set(`${i}`, bytes(""));
    expect(await payloadOf(() => bucket.listKeys(2n ** 64n - 1n))).toEqual({ tag: "other", val: "the task is over" });
  });
  expect(lists).toBe(2);
});

onEachBackend("a batch gets, sets and deletes many, each by itself", async (backend) => {
  const host = hostOf(backend);
  const bucket = open(host);
  await call(host, "batch#setMany", bucket, [["a", bytes("1")], ["b", bytes("2")], ["a", bytes("3")]]);
  expect(await call(host, "batch#getMany", bucket, ["b", "none", "a"])).toEqual([
    ["b", bytes("2")],
    ["none", undefined],
    ["a", bytes("3")],
  ]);
  expect(await call(host, "batch@draft#getMany", bucket, ["none", "a"])).toEqual([undefined, ["a", bytes("3")]]);
  await call(host, "batch#deleteMany", bucket, ["a", "none", "a"]);
  expect((await bucket.listKeys()).keys).toEqual(["b"]);
  for (let i = 0; i < 70; i++) await bucket.set(`big-${i}`, new Uint8Array(MAX_VALUE_BYTES));
  const all = Array.from({ length: 70 }, (_, i) => `big-${i}`);
  expect(await payloadOf(() => call(host, "batch#getMany", bucket, all))).toEqual({
    tag: "other",
    val: expect.stringContaining("ask for fewer keys"),
  });
});

onEachBackend("a counter is exact when 1,000 tasks add to it at once", async (backend) => {
  const process = new KvProcess(backend);
  const sums = await Promise.all(Array.from({ length: 1000 }, async (_, i) => {
    const task = new Task({ function: "f" });
    const host = hostOf(process);
    const sum = await withTask(task, () => call(host, "atomics#increment", open(host), "hits", i % 2 === 0 ? 3n : -1n));
    task.end();
    return sum;
  }));
  expect(new Set(sums).size).toBeGreaterThan(500);
  expect(text(await open(hostOf(process)).get("hits"))).toBe("1000");
});

onEachBackend("two processes that add to one counter lose nothing", async (backend) => {
  const hosts = [hostOf(backend), hostOf(backend)];
  await Promise.all(
    hosts.flatMap((host) => Array.from({ length: 50 }, () => call(host, "atomics#increment", open(host), "n", 1n))),
  );
  expect(text(await open(hosts[0]!).get("n"))).toBe("100");
});

onEachBackend("an increment begins at 0, stays within its type, and counts numbers only", async (backend) => {
  const host = hostOf(backend);
  const bucket = open(host);
  const add = (delta: bigint, key = "n", version = "draft2") =>
    call(host, `atomics@${version}#increment`, bucket, key, delta);
  expect([await add(5n), await add(-7n), await add(0n)]).toEqual([5n, -2n, -2n]);
  expect(await add(2n ** 63n - 1n, "high")).toBe(2n ** 63n - 1n);
  expect(await add(-(2n ** 63n), "low")).toBe(-(2n ** 63n));
  const overflow = { tag: "other", val: expect.stringContaining("64 bits") };
  expect(await payloadOf(() => add(1n, "high"))).toEqual(overflow);
  expect(await payloadOf(() => add(-1n, "low"))).toEqual(overflow);
  expect(await add(2n ** 64n - 1n, "unsigned", "draft")).toBe(2n ** 64n - 1n);
  expect(await payloadOf(() => add(1n, "unsigned", "draft"))).toEqual(overflow);
  await bucket.set("set", bytes("41"));
  expect(await add(1n, "set")).toBe(42n);
  for (const value of ["", "x", "1.5", "0x1", " 1", "1".repeat(30)]) {
    await bucket.set("set", bytes(value));
    expect(await payloadOf(() => add(1n, "set"))).toEqual({
      tag: "other",
      val: '"set" is no decimal number'.replace('"set"', 'the value of "set"'),
    });
    expect(text(await bucket.get("set"))).toBe(value);
  }
});

onEachBackend("a swap succeeds once, and who was late gets a handle for what is there now", async (backend) => {
  const host = hostOf(backend);
  const bucket = open(host);
  const { Cas } = host["wasi:keyvalue/atomics@0.2.0-draft2"] as unknown as {
    Cas: { new: (bucket: unknown, key: string) => Promise<{ current(): Uint8Array | undefined }> };
  };
  const [first, late] = [await Cas.new(bucket, "k"), await Cas.new(bucket, "k")];
  expect(first.current()).toBe(undefined);
  await call(host, "atomics#swap", first, bytes("1"));
  const failed = await payloadOf(() => call(host, "atomics#swap", late, bytes("2"))) as {
    tag: string;
    val: { current(): Uint8Array | undefined };
  };
  expect([failed.tag, text(failed.val.current())]).toEqual(["cas-failed", "1"]);
  await call(host, "atomics#swap", failed.val, bytes("2"));
  expect(text(await bucket.get("k"))).toBe("2");
  // A swap uses its handle up, so that a task may make any number of them one after the other.
  for (let i = 0; i <= MAX_OPEN_HANDLES; i++) {
    await call(host, "atomics#swap", await Cas.new(bucket, "k"), bytes("2"));
  }
  // The same value again is another version, and so is one that is gone.
  const stale = await Cas.new(bucket, "k");
  await bucket.set("k", bytes("2"));
  expect(await payloadOf(() => call(host, "atomics#swap", stale, bytes("3")))).toMatchObject({ tag: "cas-failed" });
  const gone = await Cas.new(bucket, "k");
  await bucket.delete("k");
  expect(await payloadOf(() => call(host, "atomics#swap", gone, bytes("3")))).toMatchObject({ tag: "cas-failed" });
  const big = await Cas.new(bucket, "k");
  expect(await payloadOf(() => call(host, "atomics#swap", big, new Uint8Array(MAX_VALUE_BYTES + 1)))).toEqual({
    tag: "store-error",
    val: { tag: "other", val: expect.stringContaining("may have") },
  });
});

Deno.test("a task has so many handles open and no more, until it closes one", async () => {
  const task = new Task({ function: "f" });
  await withTask(task, async () => {
    const host = hostOf(new MemoryBackend());
    const { Store } = host["fermyon:spin/key-value@2.0.0"] as {
      Store: { open(label: string): { [Symbol.dispose](): void } };
    };
    const opened = Array.from({ length: MAX_OPEN_HANDLES }, () => Store.open("default"));
    expect(await payloadOf(() => Store.open("default"))).toEqual({ tag: "store-table-full" });
    expect(await payloadOf(() => open(host))).toEqual({ tag: "other", val: "too many stores and swaps are open" });
    opened[0]![Symbol.dispose]();
    opened[0]![Symbol.dispose]();
    const bucket = open(host);
    expect(await payloadOf(() => Store.open("default"))).toEqual({ tag: "store-table-full" });
    bucket[Symbol.dispose]();
    Store.open("default");
  });
  task.end();
});

Deno.test("when the store fails, the guest gets an error without the reason, and the operator the reason", async () => {
  const records: string[] = [];
  const task = new Task({ function: "f", sink: ({ message }) => records.push(message) });
  const fails = () => Promise.reject(new Error("disk at /secret/place is full"));
  await withTask(task, async () => {
    const bucket = open(hostOf({ get: fails, write: fails, list: fails, usage: fails }));
    expect(await payloadOf(() => bucket.set("a", bytes("1")))).toEqual({
      tag: "other",
      val: "the store failed to set",
    });
  });
  task.end();
  expect(records[0]).toContain("disk at /secret/place is full");
});

Deno.test("what was acknowledged is there when the file is opened again", async () => {
  const directory = await Deno.makeTempDir({ prefix: "skerry-kv-" });
  const path = join(directory, "kv.sqlite3");
  const task = new Task({ function: "f" });
  await withTask(task, async () => {
    for (const expected of [undefined, "kept"]) {
      const file = await Deno.openKv(path);
      const bucket = open(hostOf(new DenoKvBackend(file)));
      expect(text(await bucket.get("a"))).toBe(expected);
      await bucket.set("a", bytes("kept"));
      file.close();
    }
  });
  task.end();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("KV_URL says where the data is, and a place that cannot be opened is refused with what to do", async () => {
  const before = Deno.env.get("KV_URL");
  const file = await Deno.makeTempFile();
  try {
    Deno.env.set("KV_URL", "memory:");
    expect(await openBackend()).toBeInstanceOf(MemoryBackend);
    Deno.env.set("KV_URL", join(file, "below-a-file", "kv"));
    await expect(openBackend()).rejects.toThrow(/opening the key-value store .*--allow-write.*KV_URL/);
    Deno.env.set("KV_URL", "redis://:t0p-s3cr3t@example.com");
    await expect(openBackend()).rejects.toThrow(/KV_URL begins with "redis:", which is not understood(?!.*s3cr3t)/);
  } finally {
    if (before === undefined) Deno.env.delete("KV_URL");
    else Deno.env.set("KV_URL", before);
    await Deno.remove(file);
  }
});

onEachBackend(
  "Spin's async interface does the same, and gives keys as a stream with a result after it",
  async (backend) => {
    const host = hostOf(backend, "f", { default: true });
    type Keys = [AsyncIterable<string>, Promise<unknown>];
    interface AsyncStore extends GuestBucket {
      getKeys(): Promise<Keys>;
    }
    const { Store } = host["spin:key-value/key-value@3.0.0"] as { Store: { open(label: string): Promise<AsyncStore> } };
    expect(await payloadOf(() => Store.open("carts"))).toEqual({ tag: "access-denied" });
    const store = await Store.open("default");
    const bucket = open(host);
    for (let i = 0; i < 3; i++) await store.set(`k${i}`, bytes(`${i}`));
    expect([text(await bucket.get("k1")), await store.exists("k1"), await store.exists("no")]).toEqual([
      "1",
      true,
      false,
    ]);
    expect(await store.get("no")).toBe(undefined);
    await store.delete("k0");
    const [keys, end] = await store.getKeys();
    expect(await Array.fromAsync(keys)).toEqual(["k1", "k2"]);
    expect(await end).toEqual({ tag: "ok", val: undefined });
    // Who stops reading has had no error.
    const [some, ended] = await store.getKeys();
    for await (const key of some) {
      expect(key).toBe("k1");
      break;
    }
    expect(await ended).toEqual({ tag: "ok", val: undefined });
    const [unread, dropped] = await store.getKeys();
    await unread[Symbol.asyncIterator]().return!();
    expect(await dropped).toEqual({ tag: "ok", val: undefined });
    backend.list = () => Promise.reject(new Error("disk on fire"));
    const [broken, why] = await store.getKeys();
    expect(await Array.fromAsync(broken)).toEqual([]);
    expect(await why).toEqual({ tag: "err", val: { tag: "other", val: "the store failed to list" } });
  },
);

Deno.test("a malformed grant of kv is refused, and an empty one is a store of the function's own", () => {
  expect(kvGrant.parse({})).toEqual({ stores: { default: true }, maxBytes: 2 ** 30, maxKeys: 1_000_000 });
  const bad = [
    { store: {} },
    { stores: ["default"] },
    { stores: { default: false } },
    { stores: { default: "" } },
    { stores: { default: "Shop Carts" } },
    { stores: { default: "../x" } },
    { stores: { ["x".repeat(64)]: true } },
    { maxBytes: 0 },
    { maxBytes: "1 GB" },
    { maxKeys: 1.5 },
    { maxkeys: 5 },
  ];
  expect(bad.filter((grant) => kvGrant.safeParse(grant).success)).toEqual([]);
});

Deno.test("the capability provides what it names", async () => {
  const { host } = await linkForTest(kvOn(() => new MemoryBackend()));
  expect(Object.keys(host).sort()).toEqual([...kv.interfaces].sort());
});

Deno.test("every function of the WIT is there, and what is async may wait", async () => {
  expect(await expectAllOf(new URL("./wit/", import.meta.url), hostOf(new MemoryBackend()))).toBe(25);
});
