/**
 * A process that sends messages and handles some, and says what was acknowledged, until it is killed. For `store_test.ts`.
 *
 * @module
 */
import { QueueStore } from "./store.ts";

const store = new QueueStore(await Deno.openKv(Deno.args[0]));
const encoder = new TextEncoder();

for (let i = 1;; i++) {
  await store.send("q", { data: encoder.encode(`${i}`), sender: "f", sentAt: Date.now() });
  const [claim] = await store.claim("q", 1);
  if (i % 3 === 0) await store.done("q", claim!);
  Deno.stdout.writeSync(encoder.encode(`${i}\n`));
}
