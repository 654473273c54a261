import { expect } from "@std/expect";
import { settled, timer, type Waitable, waitAny, Wakers } from "./waitable.ts";

Deno.test("waitAny() resolves at the first that is ready and leaves no subscription behind", async () => {
  const [a, b] = [new Wakers(), new Wakers()];
  let ready = false;
  const waiting = waitAny([
    { ready: false, subscribe: (wake) => a.add(wake) },
    {
      get ready() {
        return ready;
      },
      subscribe: (wake) => b.add(wake),
    },
  ]);
  expect([a.size, b.size]).toEqual([1, 1]);
  a.wakeAll(); // A false alarm: it must go on waiting, still subscribed to both.
  expect([a.size, b.size]).toEqual([1, 1]);
  ready = true;
  b.wakeAll();
  await waiting;
  expect([a.size, b.size]).toEqual([0, 0]);
});

Deno.test("waitAny() unsubscribes when its signal aborts, and never resolves", async () => {
  const wakers = new Wakers();
  const controller = new AbortController();
  let resolved = false;
  waitAny([{ ready: false, subscribe: (wake) => wakers.add(wake) }, timer(Infinity)], controller.signal)
    .then(() => resolved = true);
  controller.abort();
  await new Promise((done) => setTimeout(done));
  expect(wakers.size).toBe(0);
  expect(resolved).toBe(false);
});

Deno.test("a timer in the past is ready, and settled() is ready after a rejection", async () => {
  expect(timer(performance.now()).ready).toBe(true);
  const rejected = settled(Promise.reject(new Error("no")));
  expect(rejected.ready).toBe(false);
  await waitAny([rejected]);
  expect(rejected.ready).toBe(true);
});

Deno.test("of many timers waitAny() sets the first to fire, and of one thing waited for twice one subscription", async () => {
  const wakers = new Wakers();
  let subscriptions = 0;
  let ready = false;
  const twice: Waitable = {
    get ready() {
      return ready;
    },
    subscribe(wake) {
      subscriptions++;
      return wakers.add(wake);
    },
  };
  const { setTimeout } = globalThis;
  const delays: unknown[] = [];
  globalThis.setTimeout = Object.assign((...args: Parameters<typeof setTimeout>) => {
    delays.push(args[1]);
    return setTimeout(...args);
  }, { __promisify__: setTimeout.__promisify__ });
  try {
    const now = performance.now();
    const timers = Array.from({ length: 1000 }, (_, i) => timer(now + 3_600_000 + (i * 7919) % 1000 * 1000));
    const waiting = waitAny([twice, ...timers, twice]);
    expect([delays.length, subscriptions]).toEqual([1, 1]);
    expect(delays[0]).toBeLessThanOrEqual(3_600_000);
    ready = true;
    wakers.wakeAll();
    await waiting;
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  // The first in the list need not be the first to fire.
  const soon = performance.now() + 1;
  await waitAny([timer(Infinity), timer(soon + 3_600_000), timer(soon)]);
  expect(performance.now()).toBeGreaterThanOrEqual(soon);
});
