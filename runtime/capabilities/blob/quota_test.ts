import { expect } from "@std/expect";
import { payloadOf } from "../_testing.ts";
import { blobstore, bucketAt, bytes, fill, get, hostOf, names, onEachBackend, put, types } from "./_testing.ts";
import { type Amount, MemoryBackend } from "./backend.ts";
import { blobGrant } from "./grant.ts";
import { mostOf } from "./store.ts";
import { Usages } from "./usage.ts";

const text = (length: number) => "x".repeat(length);
/** What `payloadOf` says of what was not refused. */
const DONE = "no error";
const inDefault = (object: string, container = "default") => ({ container, object });

onEachBackend(
  "a container holds so many bytes, until some are deleted, replaced or moved away",
  async (backend, log) => {
    const containers = { default: true, other: true } as const;
    const host = hostOf(backend, "f", { containers, maxBytes: 100 });
    const { createContainer, copyObject, moveObject } = blobstore(host);
    const [container, other] = [await createContainer("default"), await createContainer("other")];
    await put(host, container, "a", text(60));
    const full = 'the container "default" is full: 60 of 100 bytes';
    expect(await payloadOf(() => put(host, container, "b", text(41)))).toBe(full);
    expect(await payloadOf(() => copyObject(inDefault("a"), inDefault("b")))).toBe(full);
    expect(log.map(({ message }) => message)).toContain(
      `blob: ${full}. To allow more, write "maxBytes" in the grant "blob" in function.json.`,
    );
    expect(await names(container)).toEqual(["a"]);
    // What is there may be replaced by as much as there is room for, and an empty object takes none.
    await put(host, container, "a", text(100));
    await put(host, container, "empty", "");
    expect(await payloadOf(() => put(host, container, "b", text(1)))).toMatch(/100 of 100 bytes$/);
    await moveObject(inDefault("a"), inDefault("moved"));
    expect(await payloadOf(() => put(host, container, "b", text(1)))).toMatch(/100 of 100 bytes$/);
    await put(host, other, "o", text(1));
    expect(await payloadOf(() => moveObject(inDefault("moved"), inDefault("m", "other")))).toBe(
      'the container "other" is full: 1 of 100 bytes',
    );
    await other.deleteObject("o");
    await moveObject(inDefault("moved"), inDefault("m", "other"));
    await put(host, container, "b", text(100));
    await container.clear();
    await put(host, container, "c", text(100));
    await blobstore(host).deleteContainer("default");
    await createContainer("default");
    await put(host, container, "d", text(100));
    expect([await names(container), await names(other)]).toEqual([["d"], ["m"]]);
  },
);

onEachBackend("a container holds so many objects, however small", async (backend) => {
  const host = hostOf(backend, "f", { maxObjects: 2 });
  const container = await blobstore(host).createContainer("default");
  await put(host, container, "a", "");
  await put(host, container, "b", "");
  const full = 'the container "default" is full: 2 of 2 objects';
  expect(await payloadOf(() => put(host, container, "c", ""))).toBe(full);
  expect(await payloadOf(() => blobstore(host).copyObject(inDefault("a"), inDefault("c")))).toBe(full);
  await put(host, container, "b", "again");
  await blobstore(host).moveObject(inDefault("a"), inDefault("c"));
  await container.deleteObjects(["b", "none"]);
  await put(host, container, "d", "");
  expect(await names(container)).toEqual(["c", "d"]);
});

onEachBackend("of writes at once, as many become objects as there is room for", async (backend) => {
  const host = hostOf(backend, "f", { maxBytes: 100 });
  const container = await blobstore(host).createContainer("default");
  const writing = Array.from({ length: 20 }, (_, i) => payloadOf(() => put(host, container, `${i}`, text(10))));
  const refused = (await Promise.all(writing)).filter((payload) => payload !== DONE);
  // By what waits to be finished, or by the container, whichever was first.
  for (const payload of refused) expect(payload).toMatch(/ is full: \d+ of 100 bytes$/);
  expect((await names(container)).length).toBe(20 - refused.length);
  // One after the other from here, so that nothing waits to be finished, to the last byte.
  for (let i = 0; i < 20 && (await names(container)).length < 10; i++) await put(host, container, `${i}`, text(10));
  expect(await payloadOf(() => put(host, container, "one more", "x"))).toMatch(/default.* 100 of 100 bytes$/);
  expect(await backend.usage(["functions", "f", "=default"])).toEqual({ bytes: 100, objects: 10 });
});

onEachBackend("values that are finished at once are counted each, and one object is counted once", async (backend) => {
  const host = hostOf(backend, "f", { maxBytes: 100 });
  const container = await blobstore(host).createContainer("default");
  const finished = async (name: string) => {
    const value = types(host).OutgoingValue.newOutgoingValue();
    await container.writeData(name, value);
    await fill(value, bytes(text(10)));
    return () => payloadOf(() => types(host).OutgoingValue.finish(value));
  };
  await put(host, container, "there", text(40));
  const finish: (() => Promise<unknown>)[] = [];
  for (let i = 0; i < 9; i++) finish.push(await finished(`${i}`));
  const payloads = await Promise.all(finish.map((step) => step()));
  expect(payloads.filter((payload) => payload === DONE).length).toBe(6);
  expect(payloads.filter((payload) => /full: 100 of 100 bytes$/.test(`${payload}`)).length).toBe(3);
  // The same object, replaced and deleted by many at once, is taken away once.
  const again: (() => Promise<unknown>)[] = [];
  for (let i = 0; i < 5; i++) again.push(await finished("there"));
  await Promise.all([...again.map((step) => step()), ...again.map(() => container.deleteObject("there"))]);
  await container.deleteObject("there");
  for (let i = 0; i < 4; i++) await put(host, container, `more ${i}`, text(10));
  expect(await payloadOf(() => put(host, container, "one more", "x"))).toMatch(/default.* 100 of 100 bytes$/);
});

onEachBackend("what is not finished takes room, until it is dropped", async (backend) => {
  const host = hostOf(backend, "f", { maxBytes: 100 });
  const { OutgoingValue } = types(host);
  const container = await blobstore(host).createContainer("default");
  expect(await payloadOf(() => put(host, container, "a", text(101)))).toBe(
    "what waits to be finished is full: 0 of 100 bytes",
  );
  const first = OutgoingValue.newOutgoingValue();
  await fill(first, bytes(text(60)));
  const unfinished = Usages.of(backend).unfinished("f");
  while (unfinished.bytes < 60) await new Promise((resolve) => setTimeout(resolve));
  expect(await payloadOf(() => put(host, container, "b", text(41)))).toBe(
    "what waits to be finished is full: 60 of 100 bytes",
  );
  // Another function's are its own.
  const neighbour = hostOf(backend, "g", { maxBytes: 100 });
  await put(neighbour, await blobstore(neighbour).createContainer("default"), "a", text(100));
  first[Symbol.dispose]();
  while (unfinished.bytes > 0) await new Promise((resolve) => setTimeout(resolve));
  await put(host, container, "b", text(100));
  expect(await get(host, container, "b")).toBe(text(100));
});

onEachBackend("what was there before, and what another function writes, is counted", async (backend) => {
  const grant = { containers: { default: "shared" } } as const;
  const [one, two] = [hostOf(backend, "one", grant), hostOf(backend, "two", { ...grant, maxBytes: 100 })];
  const container = await blobstore(one).createContainer("default");
  await put(one, container, "before", text(50));
  const same = await blobstore(two).getContainer("default");
  expect(await payloadOf(() => put(two, same, "a", text(51)))).toBe(
    'the container "default" is full: 50 of 100 bytes',
  );
  // Who was granted more may write more, and the other one sees that.
  await put(one, container, "before", text(100));
  expect(await payloadOf(() => put(two, same, "a", text(1)))).toBe('the container "default" is full: 100 of 100 bytes');
});

Deno.test("a container on a disk or in memory is bounded by itself, and a bucket is not", () => {
  const most = (grant: object, quota: Amount | undefined, ceilings?: Readonly<Record<string, number>>) =>
    mostOf({ backend: { quota }, grant: blobGrant.parse(grant), ceilings });
  const { quota } = new MemoryBackend();
  expect(most({}, quota)).toEqual({ bytes: 10 * 2 ** 30, objects: 100_000 });
  expect(most({ maxBytes: 5 }, quota)).toEqual({ bytes: 5, objects: 100_000 });
  expect(most({}, bucketAt("http://127.0.0.1:1").quota)).toBe(undefined);
  expect(most({ maxObjects: 5 }, undefined)).toEqual({ bytes: Infinity, objects: 5 });
  // What the operator allows bounds a bucket as well, and gives a disk no more than it had.
  expect(most({}, undefined, { maxBytes: 7 })).toEqual({ bytes: 7, objects: Infinity });
  expect(most({}, quota, { maxBytes: 7, maxObjects: 2 ** 40 })).toEqual({ bytes: 7, objects: 100_000 });
  for (const wrong of [{ maxBytes: 0 }, { maxBytes: "1 GB" }, { maxObjects: 1.5 }, { maxbytes: 5 }]) {
    expect([wrong, blobGrant.safeParse(wrong).success]).toEqual([wrong, false]);
  }
});
