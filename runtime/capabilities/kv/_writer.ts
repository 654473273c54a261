/**
 * A process that writes to a Deno KV file and says what was acknowledged, until it is killed. For `durability_test.ts`.
 *
 * @module
 */
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { bytes, call, hostOf, open } from "./_testing.ts";
import { DenoKvBackend } from "./deno_kv.ts";

const host = hostOf(new DenoKvBackend(await Deno.openKv(Deno.args[0])));
const encoder = new TextEncoder();

await withTask(new Task({ function: "f", wallMs: 3_600_000 }), async () => {
  const bucket = open(host);
  for (let i = 1;; i++) {
    await bucket.set(`key-${i}`, bytes(`${i}`));
    await call(host, "atomics#increment", bucket, "count", 1n);
    Deno.stdout.writeSync(encoder.encode(`${i}\n`));
  }
});
