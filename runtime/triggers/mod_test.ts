import { expect } from "@std/expect";
import { Triggers, type TriggersOptions } from "./mod.ts";

type Follow = Parameters<Triggers["follow"]>[0];

/** A function whose queue nothing can be kept for. */
function receiver(name: string, queue: string): Follow[number] {
  const trigger = { name: queue, path: null, attempts: 8, backoffMs: 1000, concurrency: 10 };
  return { name, queues: [trigger], schedule: [], ready: () => Promise.reject(new Error("not asked for")) };
}

Deno.test("a queue without a database is told once, and again when there is another reason or it has come back", async () => {
  const told: string[] = [];
  let reason = "no way";
  const options: TriggersOptions = {
    database: () => Promise.reject(new Error(reason)),
    call: () => Promise.reject(new Error("not called")),
    sink: ({ message }) => void told.push(message),
  };
  const triggers = new Triggers(options);
  const one = receiver("one", "orders");
  await triggers.follow([one]);
  await triggers.follow([one]);
  expect(told.splice(0)).toEqual(["queue orders: no way"]);
  reason = "no room";
  await triggers.follow([one]);
  await triggers.follow([one]);
  expect(told.splice(0)).toEqual(["queue orders: no room"]);
  await triggers.follow([]);
  await triggers.follow([one, receiver("two", "letters")]);
  expect(told.splice(0)).toEqual(["queue orders: no room", "queue letters: no room"]);
  await triggers.stop();
});
