import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { expectAllOf, inTask, payloadOf, withFolder } from "../_testing.ts";
import {
  ALL,
  blobstore,
  bytes,
  fill,
  get,
  hostOf,
  names,
  onEachBackend,
  put,
  readAll,
  text,
  types,
} from "./_testing.ts";
import { type Backend, MemoryBackend } from "./backend.ts";
import { FolderBackend, openFolder } from "./folder.ts";
import { blobGrant } from "./grant.ts";
import { blob, openBackend } from "./mod.ts";
import { S3Backend } from "./s3.ts";
import { MAX_NAMES_AT_ONCE, MAX_OPEN_HANDLES, MAX_SYNC_BYTES } from "./store.ts";

onEachBackend("a function makes its container, and a container is what its grant says", async (backend, records) => {
  const host = hostOf(backend, "f", { containers: { default: true, "Fotos: é/..": true } });
  const { createContainer, getContainer, deleteContainer, containerExists } = blobstore(host);
  for (const name of ["default", "Fotos: é/.."]) {
    const missing = `there is no container ${JSON.stringify(name)}`;
    expect(await containerExists(name)).toBe(false);
    expect(await payloadOf(() => getContainer(name))).toBe(missing);
    expect(await payloadOf(() => deleteContainer(name))).toBe(missing);
    const before = BigInt(Math.floor(Date.now() / 1000)) - 2n;
    const container = await createContainer(name);
    expect(container.name()).toBe(name);
    const info = await container.info();
    expect(info.name).toBe(name);
    expect(info.createdAt).toBeGreaterThanOrEqual(before);
    expect(info.createdAt).toBeLessThan(before + 3600n);
    expect(await payloadOf(() => createContainer(name))).toBe(`there is a container ${JSON.stringify(name)}`);
    await put(host, await getContainer(name), "a", "1");
    await deleteContainer(name);
    expect(await containerExists(name)).toBe(false);
    expect(await payloadOf(() => container.info())).toBe(missing);
    expect(await payloadOf(() => container.listObjects())).toBe(missing);
    expect(await payloadOf(() => put(host, container, "a", "1"))).toBe(missing);
    await createContainer(name);
    expect(await names(container)).toEqual([]);
  }
  for (const name of ["photos", "", "__proto__", "Default", "../f/default"]) {
    for (const attempt of [createContainer, getContainer, deleteContainer, containerExists]) {
      expect(await payloadOf(() => attempt(name))).toBe(`access denied to the container ${JSON.stringify(name)}`);
    }
  }
  expect(records[0]!.message).toContain('"blob": { "containers": { "photos": true } }');
});

onEachBackend("what was written is read, whole and in parts", async (backend) => {
  const host = hostOf(backend);
  const container = await blobstore(host).createContainer("default");
  expect(await container.hasObject("a")).toBe(false);
  expect(await payloadOf(() => container.objectInfo("a"))).toBe('there is no object "a" in the container "default"');
  expect(await payloadOf(() => get(host, container, "a"))).toMatch(/^there is no object "a"/);
  await put(host, container, "a", "0123456789");
  expect(await container.hasObject("a")).toBe(true);
  const info = await container.objectInfo("a");
  expect(info).toMatchObject({ name: "a", container: "default", size: 10n });
  expect(Math.abs(Number(info.createdAt) - Date.now() / 1000)).toBeLessThan(3600);
  const parts: [start: bigint, end: bigint, expected: string][] = [
    [0n, ALL, "0123456789"],
    [0n, 9n, "0123456789"],
    [0n, 0n, "0"],
    [3n, 5n, "345"],
    [9n, 9n, "9"],
    [9n, 100n, "9"],
    [5n, 2n ** 53n, "56789"],
    [10n, 20n, ""],
    [ALL, ALL, ""],
  ];
  for (const [start, end, expected] of parts) {
    expect([start, end, await get(host, container, "a", start, end)]).toEqual([start, end, expected]);
    const value = await container.getData("a", start, end);
    expect(value.size()).toBe(BigInt(expected.length));
    expect(text(await readAll(types(host).IncomingValue.incomingValueConsumeAsync(value)))).toBe(expected);
  }
  expect(await payloadOf(() => container.getData("a", 5n, 4n))).toBe("the range begins at 5, after its end at 4");
  await put(host, container, "a", "");
  expect([await get(host, container, "a"), (await container.objectInfo("a")).size]).toEqual(["", 0n]);
});

onEachBackend("a large value streams in and out, and is whole", async (backend) => {
  const host = hostOf(backend);
  const container = await blobstore(host).createContainer("default");
  const large = new Uint8Array(9 * 2 ** 20 + 5).map((_, at) => at * 31 >> 3);
  const { OutgoingValue, IncomingValue } = types(host);
  // First the bytes, then the name, as some guests do.
  const value = OutgoingValue.newOutgoingValue();
  await fill(value, large);
  await container.writeData("large", value);
  expect(await container.hasObject("large")).toBe(false);
  await OutgoingValue.finish(value);
  expect((await container.objectInfo("large")).size).toBe(BigInt(large.length));
  const stream = IncomingValue.incomingValueConsumeAsync(await container.getData("large", 0n, ALL));
  const back = await readAll(stream);
  expect(back.length).toBe(large.length);
  expect(back.every((byte, at) => byte === large[at])).toBe(true);
  const part = await container.getData("large", 8n * 2n ** 20n - 2n, 8n * 2n ** 20n + 1n);
  expect(await IncomingValue.incomingValueConsumeSync(part)).toEqual(large.slice(8 * 2 ** 20 - 2, 8 * 2 ** 20 + 2));
  expect(await names(container)).toEqual(["large"]);
});

onEachBackend("a value is an object once it is finished, and not before", async (backend) => {
  const host = hostOf(backend);
  const container = await blobstore(host).createContainer("default");
  await put(host, container, "a", "old");
  const { OutgoingValue } = types(host);
  const begin = async (name: string) => {
    const value = OutgoingValue.newOutgoingValue();
    await container.writeData(name, value);
    await fill(value, bytes("new"));
    return value;
  };
  const dropped = await begin("a");
  expect(await get(host, container, "a")).toBe("old");
  dropped[Symbol.dispose]();
  const forgotten = new Task({ function: "f" });
  await withTask(forgotten, () => begin("b"));
  forgotten.end();
  const late = await begin("a");
  expect([await get(host, container, "a"), await container.hasObject("b")]).toEqual(["old", false]);
  await OutgoingValue.finish(late);
  expect(await get(host, container, "a")).toBe("new");
  expect(await names(container)).toEqual(["a"]);

  const nowhere = OutgoingValue.newOutgoingValue();
  await fill(nowhere, bytes("x"));
  expect(await payloadOf(() => OutgoingValue.finish(nowhere))).toBe("the value was written to no object");
  const twice = await begin("a");
  expect(await payloadOf(() => container.writeData("b", twice))).toMatch(/to an object before$/);
  expect(await payloadOf(() => twice.outgoingValueWriteBody())).toBe(undefined);
  const unended = OutgoingValue.newOutgoingValue();
  unended.outgoingValueWriteBody();
  await expect(OutgoingValue.finish(unended)).rejects.toThrow(/its stream has not been dropped/);
  const empty = OutgoingValue.newOutgoingValue();
  await container.writeData("empty", empty);
  await OutgoingValue.finish(empty);
  expect(await get(host, container, "empty")).toBe("");
  const orphans = [await begin("c"), await begin("c".repeat(500))];
  await blobstore(host).deleteContainer("default");
  for (const orphan of orphans) {
    expect(await payloadOf(() => OutgoingValue.finish(orphan))).toMatch(/^there is no such container/);
  }
  await blobstore(host).createContainer("default");
  expect(await names(container)).toEqual([]);
});

onEachBackend("a value that is being read stays as it was, whatever becomes of the object", async (backend) => {
  const host = hostOf(backend);
  const container = await blobstore(host).createContainer("default");
  await put(host, container, "a", "old".repeat(30_000));
  const [first, second] = [await container.getData("a", 0n, ALL), await container.getData("a", 0n, ALL)];
  await put(host, container, "a", "new");
  const { IncomingValue } = types(host);
  expect(text(await IncomingValue.incomingValueConsumeSync(first))).toBe("old".repeat(30_000));
  await container.deleteObject("a");
  expect(text(await readAll(IncomingValue.incomingValueConsumeAsync(second)))).toBe("old".repeat(30_000));
  expect(await container.hasObject("a")).toBe(false);
  await container.deleteObject("a");
});

onEachBackend("lists come in pages, can be skipped, and are cleared", async (backend) => {
  const host = hostOf(backend);
  const container = await blobstore(host).createContainer("default");
  const all = Array.from({ length: 12 }, (_, i) => `object-${String(i).padStart(2, "0")}`);
  for (const name of all) await put(host, container, name, name);
  const stream = await container.listObjects();
  expect(await stream.readStreamObjectNames(0n)).toEqual([[], false]);
  const [first, firstEnd] = await stream.readStreamObjectNames(5n);
  expect([first.length, firstEnd]).toEqual([5, false]);
  expect(await stream.skipStreamObjectNames(4n)).toEqual([4n, false]);
  const [rest, end] = await stream.readStreamObjectNames(ALL);
  expect([rest.length, end]).toEqual([3, true]);
  expect(await stream.readStreamObjectNames(10n)).toEqual([[], true]);
  expect(await stream.skipStreamObjectNames(10n)).toEqual([0n, true]);
  const skipping = await container.listObjects();
  expect(await skipping.skipStreamObjectNames(ALL)).toEqual([12n, true]);
  expect(new Set([...first, ...rest]).size).toBe(8);
  const tooMany = Array.from({ length: MAX_NAMES_AT_ONCE + 1 }, (_, i) => `${i}`);
  expect(await payloadOf(() => container.deleteObjects(tooMany))).toMatch(/^1001 names in one call/);
  await container.clear();
  expect(await names(container)).toEqual([]);
  expect(await blobstore(host).containerExists("default")).toBe(true);
});

onEachBackend("objects are copied and moved, within a container and to another", async (backend) => {
  const host = hostOf(backend, "f", { containers: { default: true, other: true, none: true } });
  const { createContainer, copyObject, moveObject } = blobstore(host);
  const [container, other] = [await createContainer("default"), await createContainer("other")];
  const at = (object: string, container = "default") => ({ container, object });
  await put(host, container, "a", "1");
  await put(host, other, "a", "2");
  await copyObject(at("a"), at("b"));
  await copyObject(at("a"), at("a", "other"));
  await copyObject(at("a"), at("a"));
  expect([await get(host, container, "a"), await get(host, container, "b")]).toEqual(["1", "1"]);
  expect(await get(host, other, "a")).toBe("1");
  await put(host, container, "a", "3");
  expect(await get(host, container, "b")).toBe("1");
  await moveObject(at("a"), at(`long/${"é".repeat(100)}`, "other"));
  expect([await container.hasObject("a"), await get(host, other, `long/${"é".repeat(100)}`)]).toEqual([false, "3"]);
  await moveObject(at("b"), at("b"));
  expect(await get(host, container, "b")).toBe("1");
  for (const transfer of [copyObject, moveObject]) {
    expect(await payloadOf(() => transfer(at("none"), at("b")))).toMatch(/^there is no object "none"/);
    expect(await payloadOf(() => transfer(at("b"), at("b", "none")))).toBe('there is no container "none"');
    expect(await payloadOf(() => transfer(at("b"), at("b", "secret")))).toMatch(/^access denied/);
    expect(await payloadOf(() => transfer(at("b", "secret"), at("b")))).toMatch(/^access denied/);
  }
  expect(await get(host, container, "b")).toBe("1");
});

onEachBackend("a neighbour sees nothing of a function's container, and a shared one is for all", async (backend) => {
  const containers = { default: true, photos: "shop" } as const;
  const [one, two] = [hostOf(backend, "one", { containers }), hostOf(backend, "two", { containers })];
  const mine = await blobstore(one).createContainer("default");
  await put(one, mine, "a", "one's");
  expect(await blobstore(two).containerExists("default")).toBe(false);
  const theirs = await blobstore(two).createContainer("default");
  expect(await names(theirs)).toEqual([]);
  await theirs.deleteObject("a");
  for (const name of ["../one/default/a", "../../one/=default/=a", "/functions/one/=default/=a"]) {
    expect(await theirs.hasObject(name)).toBe(false);
  }
  await put(one, await blobstore(one).createContainer("photos"), "p", "shared");
  expect(await get(two, await blobstore(two).getContainer("photos"), "p")).toBe("shared");
  // Names that would be one when they were joined.
  const odd = hostOf(backend, "shop", { containers: { default: true, "one/default": true } });
  expect(await blobstore(odd).containerExists("default")).toBe(false);
  expect(await names(await blobstore(odd).createContainer("one/default"))).toEqual([]);
  await blobstore(two).deleteContainer("default");
  expect(await get(one, mine, "a")).toBe("one's");
});

Deno.test("a task has so many handles open and no more, until it closes one", () =>
  inTask(async () => {
    const host = hostOf(new MemoryBackend());
    const { OutgoingValue, IncomingValue } = types(host);
    const container = await blobstore(host).createContainer("default");
    await put(host, container, "a", "1");
    const open = [];
    for (let i = 1; i < MAX_OPEN_HANDLES; i++) open.push(OutgoingValue.newOutgoingValue());
    const full = "too many containers, values and lists are open";
    const attempts = [
      () => OutgoingValue.newOutgoingValue(),
      () => container.getData("a", 0n, 1n),
      () => container.listObjects(),
      () => blobstore(host).getContainer("default"),
    ];
    for (const attempt of attempts) expect(await payloadOf(attempt)).toBe(full);
    open[0]![Symbol.dispose]();
    open[0]![Symbol.dispose]();
    // What is used up is closed, a stream when it is dropped.
    expect(await payloadOf(() => container.getData("b", 0n, 1n))).toMatch(/^there is no object/);
    await IncomingValue.incomingValueConsumeSync(await container.getData("a", 0n, 1n));
    const stream = IncomingValue.incomingValueConsumeAsync(await container.getData("a", 0n, 1n));
    expect(await payloadOf(attempts[1]!)).toBe(full);
    stream[Symbol.dispose]();
    (await container.getData("a", 0n, 1n))[Symbol.dispose]();
    await container.writeData("b", open[1]!);
    await OutgoingValue.finish(open[1]!);
    OutgoingValue.newOutgoingValue();
    (await container.listObjects())[Symbol.dispose]();
    OutgoingValue.newOutgoingValue();
    expect(await payloadOf(attempts[0]!)).toBe(full);
  }));

Deno.test("more than fits in the host's memory is read as a stream alone", () =>
  inTask(async () => {
    const backend: Backend = new MemoryBackend();
    const host = hostOf(backend);
    const container = await blobstore(host).createContainer("default");
    const upload = await backend.begin();
    await upload.write(new Uint8Array(MAX_SYNC_BYTES + 1));
    await upload.commit({ container: ["functions", "f", "=default"], name: "a" });
    expect(await payloadOf(() => get(host, container, "a"))).toMatch(/have to be read as a stream$/);
    expect((await get(host, container, "a", 1n)).length).toBe(MAX_SYNC_BYTES);
  }));

Deno.test("when the store fails, the guest gets an error without the reason, and the operator the reason", () =>
  withFolder((folder) =>
    inTask(async (records) => {
      const backend = await openFolder(folder);
      const host = hostOf(backend);
      const container = await blobstore(host).createContainer("default");
      await Deno.remove(`${folder}/tmp`, { recursive: true });
      const failed = await payloadOf(() => put(host, container, "a", "x".repeat(100_000)));
      // The stream breaks off at once, or the end is refused.
      expect(["the store failed to begin an object", { tag: "closed" }]).toContainEqual(failed);
      await Deno.mkdir(`${folder}/functions/f/=default/=dir/below`, { recursive: true });
      expect(await payloadOf(() => container.deleteObject("dir"))).toBe("the store failed to delete an object");
      expect(records.some(({ level, message }) => level === "error" && message.includes(folder))).toBe(true);
    })
  ));

Deno.test("BLOB_URL says where the data is, and what cannot be opened is refused with what to do", async () => {
  const variables = [
    "BLOB_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
  ];
  const before = variables.map((name) => [name, Deno.env.get(name)] as const);
  const file = await Deno.makeTempFile();
  try {
    for (const name of variables) Deno.env.delete(name);
    Deno.env.set("BLOB_URL", "memory:");
    expect(await openBackend()).toBeInstanceOf(MemoryBackend);
    Deno.env.set("BLOB_URL", `${file}-folder`);
    expect(await openBackend()).toBeInstanceOf(FolderBackend);
    Deno.env.set("BLOB_URL", `${file}/below`);
    await expect(openBackend()).rejects.toThrow(/opening the objects in .*below: .*--allow-write=.*BLOB_URL/);
    Deno.env.set("BLOB_URL", "s3://photos/pre/fix");
    await expect(openBackend()).rejects.toThrow(/AWS_ACCESS_KEY_ID is not set/);
    Deno.env.set("AWS_ACCESS_KEY_ID", "key");
    Deno.env.set("AWS_SECRET_ACCESS_KEY", "secret");
    expect(await openBackend()).toBeInstanceOf(S3Backend);
    Deno.env.set("AWS_ENDPOINT_URL_S3", "https://s3.example.com/path");
    await expect(openBackend()).rejects.toThrow(/AWS_ENDPOINT_URL_S3 is no origin/);
    for (const url of ["s3://", "s3://Photos", "https://photos", "s3://photos/a?b", "s3://a/../b"]) {
      Deno.env.set("BLOB_URL", url);
      await expect(openBackend()).rejects.toThrow(/it is no bucket\. Write s3:\/\/BUCKET/);
    }
  } finally {
    for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    await Deno.remove(file);
    await Deno.remove(`${file}-folder`, { recursive: true });
  }
});

Deno.test("a server that may not write says which permission is missing", async () => {
  const code = `import { openFolder } from ${JSON.stringify(import.meta.resolve("./folder.ts"))};
    try { await openFolder(); } catch (error) { console.log(error.code, error.message); }`;
  const args = ["run", "--quiet", "--no-check", "--allow-read", "--allow-env", "--no-prompt", "--ext=ts", "-"];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" }).spawn();
  await new Blob([code]).stream().pipeTo(child.stdin);
  const said = new TextDecoder().decode((await child.output()).stdout);
  expect(said).toMatch(
    /^setting-invalid opening the objects in \.skerry\/blobs: .*`deno task start:kv`.*--allow-write=\.skerry\/blobs;.*BLOB_URL/,
  );
});

Deno.test("a malformed grant of blob is refused, and an empty one is a container of the function's own", () => {
  expect(blobGrant.parse({})).toEqual({ containers: { default: true } });
  const bad = [
    { container: {} },
    { containers: ["default"] },
    { containers: { default: false } },
    { containers: { default: "" } },
    { containers: { default: "Shop Photos" } },
    { containers: { default: "../x" } },
    { containers: { "": true } },
    { containers: { ["x".repeat(64)]: true } },
  ];
  expect(bad.filter((grant) => blobGrant.safeParse(grant).success)).toEqual([]);
});

Deno.test("the capability provides what it names", () => {
  const linked = blob.link({
    function: "f",
    directory: "/",
    env: {},
    grant: blobGrant.parse({}),
    store: new MemoryBackend(),
  });
  expect(Object.keys(linked).sort()).toEqual([...blob.interfaces].sort());
});

Deno.test("every function of the WIT is there, and what is async may wait", async () => {
  expect(await expectAllOf(new URL("./wit/", import.meta.url), hostOf(new MemoryBackend()))).toBe(24);
});
