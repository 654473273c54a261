import { expect } from "@std/expect";
import { expireAfter } from "./deadline.ts";

Deno.test("one that cannot be ended keeps no other from its deadline", async () => {
  const thrown = Promise.withResolvers<unknown>();
  const listen = (event: ErrorEvent) => {
    event.preventDefault();
    thrown.resolve(event.error);
  };
  globalThis.addEventListener("error", listen);
  const expiresAt = performance.now() + 20;
  const error = new Error("it will not end");
  expireAfter(20, {
    expiresAt,
    expire() {
      throw error;
    },
  });
  const others = Array.from({ length: 2 }, () => Promise.withResolvers<void>());
  for (const { resolve } of others) expireAfter(20, { expiresAt, expire: resolve });
  expect(await thrown.promise).toBe(error);
  await Promise.all(others.map(({ promise }) => promise));
  globalThis.removeEventListener("error", listen);
});

Deno.test("one that begins as another ends sets one timer, not two", async () => {
  const timers: number[] = [];
  const { setTimeout } = globalThis;
  const wallMs = 3_599_999;
  const fired = Promise.withResolvers<void>();
  // The first timer of this wall time is due at once.
  globalThis.setTimeout = ((body: () => void, ms: number) => {
    if (ms < wallMs - 1000) return setTimeout(body, ms);
    return timers.push(ms) === 1 ? setTimeout(body, 0) : setTimeout(() => {}, 0);
  }) as typeof setTimeout;
  try {
    let callOff = () => {};
    const expire = () => {
      callOff = expireAfter(wallMs, { expiresAt: performance.now() + wallMs, expire: () => {} });
      queueMicrotask(fired.resolve);
    };
    expireAfter(wallMs, { expiresAt: performance.now(), expire });
    await fired.promise;
    expect(timers).toEqual([wallMs, wallMs]);
    callOff();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
});
