import { expect } from "@std/expect";
import { join } from "node:path";
import { killAfter, withFolder } from "../_testing.ts";
import { type QueueMessage, QueueStore } from "./store.ts";

const message = (text: string): QueueMessage => ({
  data: new TextEncoder().encode(text),
  sender: "f",
  sentAt: 0,
});
const textOf = ({ message: { data } }: { message: QueueMessage }) => new TextDecoder().decode(data);

/** A clock that stands still until it is moved, so that ids and leases are known. */
function clock() {
  let now = 1_000_000;
  return { now: () => now, pass: (ms: number) => now += ms };
}

async function withStore(
  body: (store: QueueStore, time: ReturnType<typeof clock>, kv: Deno.Kv) => Promise<void>,
): Promise<void> {
  const kv = await Deno.openKv(Deno.env.get("TEST_KV_URL") ?? ":memory:");
  for await (const { key } of kv.list({ prefix: ["skerry", "queue"] })) await kv.delete(key);
  const time = clock();
  try {
    await body(new QueueStore(kv, { leaseMs: 1000, now: time.now }), time, kv);
  } finally {
    kv.close();
  }
}

Deno.test("messages are handed out once each, in the order in which they were sent, and gone when done", () =>
  withStore(async (store) => {
    for (const text of ["a", "b", "c"]) await store.send("q", message(text));
    await store.send("other", message("x"));
    const [first, ...rest] = await store.claim("q", 10);
    expect([first!, ...rest].map(textOf)).toEqual(["a", "b", "c"]);
    expect(first!.attempts).toBe(1);
    expect(await store.claim("q", 10)).toEqual([]);
    expect(await store.done("q", first!)).toBe(true);
    expect(await store.counts()).toEqual(
      new Map([["other", { waiting: 1, leased: 0, dead: 0 }], ["q", { waiting: 0, leased: 2, dead: 0 }]]),
    );
  }));

Deno.test("of two processes that claim at once, each message goes to one", () =>
  withStore(async (store, time, kv) => {
    const other = new QueueStore(kv, { leaseMs: 1000, now: time.now });
    for (let i = 0; i < 20; i++) await store.send("q", message(`${i}`));
    const claims = await Promise.all([store.claim("q", 20), other.claim("q", 20)]);
    expect(claims.flat().map(textOf).map(Number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
  }));

Deno.test("a message whose claim has run out is handed out again, counted, and its first claim is worth nothing", () =>
  withStore(async (store, time) => {
    await store.send("q", message("a"));
    const [lost] = await store.claim("q", 1);
    time.pass(999);
    expect(await store.claim("q", 1)).toEqual([]);
    time.pass(1);
    const [again] = await store.claim("q", 1);
    expect([again!.attempts, again!.lastError]).toEqual([
      2,
      "its server ended, or lost its database, while it was handled",
    ]);
    expect(await store.done("q", lost!)).toBe(false);
    expect(await store.renew("q", lost!)).toBe(false);
    expect(await store.retry("q", lost!, { delayMs: 0, error: "x" })).toBe(false);
    expect(await store.bury("q", lost!, "x")).toBe(false);
    expect(await store.done("q", again!)).toBe(true);
  }));

Deno.test("a claim that is renewed holds", () =>
  withStore(async (store, time) => {
    await store.send("q", message("a"));
    const [claim] = await store.claim("q", 1);
    for (let i = 0; i < 3; i++) {
      time.pass(900);
      expect(await store.renew("q", claim!)).toBe(true);
      expect(await store.claim("q", 1)).toEqual([]);
    }
    expect(await store.done("q", claim!)).toBe(true);
    expect(await store.next("q")).toBe(undefined);
  }));

Deno.test("a retry comes after its delay, with what went wrong, and one that does not count leaves no trace of it", () =>
  withStore(async (store, time) => {
    await store.send("q", message("a"));
    const [first] = await store.claim("q", 1);
    await store.retry("q", first!, { delayMs: 500, error: "boom" });
    expect(await store.claim("q", 1)).toEqual([]);
    expect(await store.next("q")).toBe(time.now() + 500);
    time.pass(500);
    const [second] = await store.claim("q", 1);
    expect([second!.attempts, second!.lastError]).toEqual([2, "boom"]);
    await store.retry("q", second!, { delayMs: 0, error: "busy", uncounted: true });
    const [third] = await store.claim("q", 1);
    expect([third!.attempts, textOf(third!)]).toEqual([2, "a"]);
  }));

Deno.test("dead letters are kept with the reason, and can be retried or discarded", () =>
  withStore(async (store, time) => {
    for (const text of ["a", "b"]) await store.send("q", message(text));
    for (const claim of await store.claim("q", 2)) await store.bury("q", claim, `no ${textOf(claim)}`);
    const dead = await Array.fromAsync(store.dead("q"));
    expect(dead.map(({ attempts, error, at, message }) => [attempts, error, at, message.sender])).toEqual([
      [1, "no a", time.now(), "f"],
      [1, "no b", time.now(), "f"],
    ]);
    expect(await store.claim("q", 2)).toEqual([]);
    expect(await store.revive("q", dead[0]!.id)).toBe(true);
    expect(await store.revive("q", dead[0]!.id)).toBe(false);
    expect(await store.discard("q", dead[1]!.id)).toBe(true);
    expect(await store.discard("q", dead[1]!.id)).toBe(false);
    const [again] = await store.claim("q", 2);
    expect([textOf(again!), again!.attempts]).toEqual(["a", 1]);
    expect((await store.counts()).get("q")).toEqual({ waiting: 0, leased: 1, dead: 0 });
  }));

Deno.test("who waits for a queue is woken when something is sent to it, by another process's word too", () =>
  withStore(async (store, _, kv) => {
    const woken = Promise.withResolvers<void>();
    const forget = store.onSent("q", woken.resolve);
    await new QueueStore(kv).send("q", message("a"));
    await woken.promise;
    forget();
  }));

Deno.test("a message that was acknowledged is in the file when the process is killed", () =>
  withFolder(async (folder) => {
    const path = join(folder, "kv.sqlite3");
    const acknowledged = await killAfter(40, new URL("./_sender.ts", import.meta.url), path);
    using kv = await Deno.openKv(path);
    // The sender claimed and acknowledged every third one; the others were claimed and never heard of again.
    const store = new QueueStore(kv, { now: () => Date.now() + 60_000 });
    const left = new Set<string>();
    for (let claims = await store.claim("q", 100); claims.length > 0; claims = await store.claim("q", 100)) {
      for (const claim of claims) {
        left.add(textOf(claim));
        expect(await store.done("q", claim)).toBe(true);
      }
    }
    for (let i = 1; i <= acknowledged; i++) expect([i, left.has(`${i}`)]).toEqual([i, i % 3 !== 0]);
  }));
