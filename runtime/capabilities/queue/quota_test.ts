import { expect } from "@std/expect";
import { join } from "node:path";
import { patient } from "../../database.ts";
import { Full } from "../../quota.ts";
import { linkForTest } from "../../testing.ts";
import { killAfter, payloadOf, withFolder } from "../_testing.ts";
import { Client, Message } from "./message.ts";
import { queueOn } from "./mod.ts";
import { queueGrant } from "./grant.ts";
import { type QueueMessage, QueueStore } from "./store.ts";

const message = (data: string): QueueMessage => ({ data: new TextEncoder().encode(data), sender: "f", sentAt: 0 });
const most = { bytes: 10, entries: 3 };

async function withStore(body: (store: QueueStore, kv: Deno.Kv) => Promise<void>): Promise<void> {
  using kv = await Deno.openKv(Deno.env.get("TEST_KV_URL") ?? ":memory:");
  for await (const { key } of kv.list({ prefix: ["skerry", "queue"] })) await kv.delete(key);
  await body(new QueueStore(kv, { leaseMs: 1000, now: () => 1_000_000 }), kv);
}

/** Of what there was too much; `undefined` when it was sent. */
async function refusal(store: QueueStore, data: string, queue = "q"): Promise<string | undefined> {
  try {
    await store.send(queue, message(data), most);
  } catch (error) {
    if (error instanceof Full) return `${error.held} of ${error.most} ${error.what}`;
    throw error;
  }
}

Deno.test("a queue holds so many bytes, until messages are handled, with what they say beside their data", () =>
  withStore(async (store) => {
    await store.send("q", { ...message("1234"), contentType: "é", metadata: [["a", "b"]] }, most);
    expect(await store.usage("q")).toEqual({ bytes: 8, entries: 1 });
    expect(await refusal(store, "123")).toBe("8 of 10 bytes");
    expect(await refusal(store, "12345678", "other")).toBe(undefined);
    expect(await refusal(store, "12")).toBe(undefined);
    // Nobody may send more than there is room for, but who may send more finds what is there.
    await store.send("q", message("more"), { ...most, bytes: 14 });
    const [first] = await store.claim("q", 1);
    expect(await store.done("q", first!)).toBe(true);
    expect(await store.done("q", first!)).toBe(false);
    expect(await store.usage("q")).toEqual({ bytes: 6, entries: 2 });
    expect(await refusal(store, "1234")).toBe(undefined);
  }));

Deno.test("a queue holds so many messages: those that wait, are handled, tried again, or dead letters", () =>
  withStore(async (store) => {
    for (const data of ["", "a", "b"]) await store.send("q", message(data), most);
    const [waits, fails, dies] = await store.claim("q", 3);
    expect(await refusal(store, "")).toBe("3 of 3 entries");
    await store.renew("q", waits!);
    await store.retry("q", fails!, { delayMs: 0, error: "boom" });
    await store.bury("q", dies!, "boom");
    expect(await refusal(store, "")).toBe("3 of 3 entries");
    await store.revive("q", dies!.id);
    expect(await refusal(store, "")).toBe("3 of 3 entries");
    const claims = await store.claim("q", 3);
    for (const claim of claims) await store.bury("q", claim, "boom");
    expect(await store.discard("q", claims[0]!.id)).toBe(true);
    expect(await store.discard("q", claims[0]!.id)).toBe(false);
    expect(await refusal(store, "")).toBe(undefined);
    expect(await store.usage("q")).toMatchObject({ entries: 3 });
  }));

Deno.test("of messages that are sent at once, a queue keeps as many as it has room for", () =>
  withStore(async (store, kv) => {
    const other = new QueueStore(kv);
    const sent = await Promise.all(Array.from({ length: 12 }, (_, i) => refusal(i % 2 === 0 ? store : other, "")));
    expect(sent.filter((refused) => refused === undefined).length).toBe(3);
    expect(await other.usage("q")).toEqual({ bytes: 0, entries: 3 });
  }));

Deno.test("a queue from before there were counts is counted when it is next sent to", () =>
  withStore(async (store, kv) => {
    for (const data of ["12", "34"]) await store.send("q", message(data));
    for (const what of ["bytes", "entries"]) await kv.delete(["skerry", "queue", "q", "usage", what]);
    const [claim] = await store.claim("q", 1);
    await store.done("q", claim!);
    expect(await refusal(store, "123456789")).toBe("2 of 10 bytes");
    expect(await store.usage("q")).toEqual({ bytes: 2, entries: 1 });
  }));

Deno.test("a queue's count is right after a process that sent and handled was killed", () =>
  withFolder(async (folder) => {
    const path = join(folder, "kv.sqlite3");
    await killAfter(40, new URL("./_sender.ts", import.meta.url), path);
    using kv = patient(await Deno.openKv(path));
    let [bytes, entries] = [0, 0];
    for await (const { value } of kv.list<QueueMessage>({ prefix: ["skerry", "queue", "q", "body"] })) {
      bytes += value.data.length;
      entries++;
    }
    expect(entries).toBeGreaterThan(0);
    expect(await new QueueStore(kv).usage("q")).toEqual({ bytes, entries });
  }));

Deno.test("who sends to a full queue is told, and the operator with what to write for more", () =>
  withStore(async (store) => {
    const grant = { send: ["q", "other"], maxMessages: 1, maxBytes: 5 };
    const { use, inTask, records } = await linkForTest(queueOn(() => store), { grant });
    const { send } = use<{ send: (client: Client, topic: string, message: Message) => Promise<void> }>(
      "wasi:messaging/producer@0.2.0-draft",
    );
    const sending = (topic: string, data: string) =>
      payloadOf(async () => await send(await Client.connect(""), topic, new Message(new TextEncoder().encode(data))));
    await inTask(async (task) => {
      expect(await sending("q", "123456")).toEqual({ tag: "other", val: 'the queue "q" is full: 0 of 5 bytes' });
      expect(await sending("q", "12345")).toBe("no error");
      expect(await sending("other", "")).toBe("no error");
      const full = 'the queue "q" is full: 1 of 1 messages';
      expect(await sending("q", "")).toEqual({ tag: "other", val: full });
      expect(await sending("q", "")).toEqual({ tag: "other", val: full });
      expect(Object.fromEntries(task.met)).toEqual({ "queue.maxBytes": 1, "queue.maxMessages": 2 });
      const more = (key: string) => `To allow more, write "${key}" in the grant "queue" in function.json.`;
      expect(records.map(({ message, fields }) => [message, fields])).toEqual([
        [`queue: the queue "q" is full: 0 of 5 bytes. ${more("maxBytes")}`, { limit: "queue.maxBytes" }],
        [`queue: ${full}. ${more("maxMessages")}`, { limit: "queue.maxMessages" }],
      ]);
    });
  }));

Deno.test("a malformed grant of queue is refused", () => {
  expect(queueGrant.parse({ send: [] })).toEqual({ send: [], maxBytes: 2 ** 30, maxMessages: 1_000_000 });
  const send = ["q"];
  const bad = [
    {},
    { send: "q" },
    { send: ["Q!"] },
    { send: [""] },
    { send, maxBytes: 0 },
    { send, maxBytes: "1 GB" },
    { send, maxMessages: 1.5 },
    { send, maxKeys: 1 },
  ];
  expect(bad.filter((grant) => queueGrant.safeParse(grant).success)).toEqual([]);
});
