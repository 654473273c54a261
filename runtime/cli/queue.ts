/**
 * `deno task queue`: what is in the queues, and what becomes of their dead letters.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type DeadLetter, QueueStore } from "../capabilities/queue/store.ts";
import { openDatabase } from "../database.ts";
import { SkerryError } from "../errors.ts";
import { run } from "./_serve.ts";

const USAGE = `Usage: deno task queue                        how many messages each queue has
       deno task queue dead QUEUE             its dead letters, and why they are that
       deno task queue retry QUEUE ID...      hand them out again; --all for all of them
       deno task queue discard QUEUE ID...    throw them away; --all for all of them

It looks into the database that KV_URL names, or .skerry/kv.sqlite3. A server may run meanwhile.`;

/** Bytes of a message that are shown. */
const SHOWN_BYTES = 200;

/** Runs the command. Resolves to what it prints. */
export async function queueCommand(args: readonly string[], store: QueueStore): Promise<string> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { all: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) return USAGE;
  const [command, queue, ...ids] = positionals;
  if (command === undefined) return await counts(store);
  if (queue === undefined || !["dead", "retry", "discard"].includes(command)) throw usage("see what it takes");
  if (!(await store.counts()).has(queue)) {
    throw usage(`there is no message in a queue ${JSON.stringify(queue)}, and there never was`);
  }
  const letters = await Array.fromAsync(store.dead(queue));
  if (command === "dead") {
    return letters.length === 0 ? `${queue} has no dead letters` : letters.map(show).join("\n");
  }
  if ((values.all ?? false) === (ids.length > 0)) throw usage("name the messages, or write --all");
  const missing: string[] = [];
  for (const id of values.all ? letters.map(({ id }) => id) : ids) {
    const done = command === "retry" ? await store.revive(queue, id) : await store.discard(queue, id);
    if (!done) missing.push(id);
  }
  if (missing.length > 0) throw usage(`${queue} has no dead letter ${missing.join(", ")}`);
  const count = values.all ? letters.length : ids.length;
  return `${count} ${count === 1 ? "message" : "messages"} ${command === "retry" ? "handed out again" : "thrown away"}`;
}

async function counts(store: QueueStore): Promise<string> {
  const rows = [...await store.counts()].map(([name, { waiting, leased, dead }]) => [name, waiting, leased, dead]);
  if (rows.length === 0) return "no message was ever sent to a queue";
  const table = [["queue", "waiting", "being handled", "dead"], ...rows.map((row) => row.map(String))];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)).join("  ")
  ).join("\n");
}

function show({ id, message, attempts, error, at }: DeadLetter): string {
  const { data, contentType = "no type", sender, sentAt, metadata = [] } = message;
  const text = new TextDecoder().decode(data.subarray(0, SHOWN_BYTES));
  const more = data.byteLength > SHOWN_BYTES ? "…" : "";
  const time = (ms: number) => new Date(ms).toISOString();
  const lines = [
    `${id}  sent by ${sender} ${time(sentAt)}, given up ${time(at)}, attempts: ${attempts}`,
    `  ${error}`,
    `  ${contentType}, ${data.byteLength} bytes: ${JSON.stringify(text)}${more}`,
    ...metadata.map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`),
  ];
  return lines.join("\n");
}

function usage(what: string): SkerryError {
  return new SkerryError("setting-invalid", `deno task queue: ${what}.\n\n${USAGE}`);
}

if (import.meta.main) {
  await run(async () => {
    const args = Deno.args;
    if (args.includes("--help") || args.includes("-h")) return console.log(USAGE);
    const kv = await openDatabase();
    try {
      console.log(await queueCommand(args, QueueStore.on(kv)));
    } finally {
      kv.close();
    }
  });
}
