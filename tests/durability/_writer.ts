/**
 * A process that writes without end to a server, and says what was acknowledged: `KIND URL RUN`.
 *
 * @module
 */
import { withTask } from "../../runtime/context.ts";
import { Task } from "../../runtime/task.ts";
import { STORES } from "./_stores.ts";

const [kind, url, run] = Deno.args as [string, string, string];
const store = STORES[kind]!;
const encoder = new TextEncoder();
const say = (what: string) => void Deno.stdout.writeSync(encoder.encode(`${what}\n`));

/** A task ends after so many rounds, as requests do: it has only so many handles. */
const ROUNDS_PER_TASK = 10;

const writer = await withTask(new Task({ function: "f", wallMs: 3_600_000, sink: () => {} }), () => store.writer(url));
await Promise.all(Array.from({ length: store.lanes }, async (_, lane) => {
  for (let i = 0;; i += ROUNDS_PER_TASK) {
    const task = new Task({ function: "f", wallMs: 3_600_000, sink: () => {} });
    await withTask(task, async () => {
      for (let j = i; j < i + ROUNDS_PER_TASK; j++) await writer.round(`${run}-${lane}-${j}`, say);
    });
    task.end();
  }
}));
