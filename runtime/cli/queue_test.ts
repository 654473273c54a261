import { expect } from "@std/expect";
import { QueueStore } from "../capabilities/queue/store.ts";
import { queueCommand } from "./queue.ts";

const T0 = Date.parse("2026-01-01T03:00:00Z");

Deno.test("deno task queue counts, shows dead letters with the reason, retries and discards them", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = new QueueStore(kv, { now: () => T0 });
  const ask = (...args: string[]) => queueCommand(args, store);
  expect(await ask()).toBe("no message was ever sent to a queue");
  for (let i = 0; i < 4; i++) {
    const data = new TextEncoder().encode(`order ${i}`);
    await store.send("orders", { data, contentType: "text/plain", metadata: [["a", "b"]], sender: "shop", sentAt: T0 });
  }
  await store.send("mail", { data: new Uint8Array(1000), sender: "shop", sentAt: T0 });
  for (const claim of await store.claim("orders", 3)) await store.bury("orders", claim, "it said no");
  await store.claim("orders", 1);
  expect(await ask()).toBe(
    "queue   waiting  being handled  dead\n" +
      "mail          1              0     0\n" +
      "orders        0              1     3",
  );
  expect(await ask("dead", "mail")).toBe("mail has no dead letters");
  const dead = await ask("dead", "orders");
  const [first, second] = await Array.fromAsync(store.dead("orders"), ({ id }) => id);
  expect(dead.split("\n").slice(0, 4)).toEqual([
    `${first}  sent by shop 2026-01-01T03:00:00.000Z, given up 2026-01-01T03:00:00.000Z, attempts: 1`,
    "  it said no",
    '  text/plain, 7 bytes: "order 0"',
    '  a: "b"',
  ]);
  expect(await ask("retry", "orders", first!)).toBe("1 message handed out again");
  expect(await ask("discard", "orders", second!)).toBe("1 message thrown away");
  expect(await ask("retry", "orders", "--all")).toBe("1 message handed out again");
  expect((await store.counts()).get("orders")).toEqual({ waiting: 2, leased: 1, dead: 0 });
  for (
    const [args, problem] of [
      [["retry", "orders", first!], /orders has no dead letter/],
      [["retry", "orders"], /name the messages, or write --all/],
      [["retry", "orders", "--all", "x"], /name the messages, or write --all/],
      [["dead", "ordres"], /there is no message in a queue "ordres"/],
      [["bury", "orders"], /Usage: deno task queue/],
    ] as const
  ) await expect(ask(...args)).rejects.toThrow(problem);
});
