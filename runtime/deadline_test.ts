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
