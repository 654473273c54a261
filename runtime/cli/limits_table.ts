/**
 * The table of limits for people, made from `limits.ts`.
 *
 * @module
 */
import { MAX_SENT_PER_TASK } from "../capabilities/queue/mod.ts";
import { MAX_DATABASE_BYTES } from "../capabilities/sql/sqlite.ts";
import { GRANT_LIMIT_NAMES, GRANT_LIMITS } from "../grant_limits.ts";
import {
  FUNCTION_LIMITS,
  type LimitName,
  MAX_CALL_DEPTH,
  MAX_OUTGOING_OPEN,
  MAX_SCRATCH_BYTES,
  MAX_STACKS,
} from "../limits.ts";
import { ceilingSetting } from "../settings.ts";

/** Where the table is. */
export const LIMITS_URL: URL = new URL("../limits.md", import.meta.url);

const INTRODUCTION = `# Limits

What a function may take, by the keys of \`limits\` in its \`function.json\`. An operator sets a ceiling for all functions
of a process by the variable in the last column: defaults above it are lowered, and a manifest that asks for more is
refused with its line. \`SKERRY_MAX_ISOLATES\` (4000) bounds the isolates of the whole process, and \`SKERRY_MEMORY_MB\`
their linear memory: by default three quarters of what the container or the machine has, or 4096 where the process may
not ask (\`--allow-sys=systemMemoryInfo\`). A function that has some may have at most twenty times what stays free, so
that there is always some for others. \`SKERRY_MAX_OUTGOING_CONNECTIONS\` (2000) bounds its connections to other servers,
of which one function has at most half; an outgoing request waits for one for 5 seconds, functions in turn, and gets
\`connection-limit-reached\` then, counted as \`process.connections\`.

Each limit that was met is counted: in the request's last log record, under \`limits\`, and at \`/-/metrics\` as
\`skerry_limit_met_total\`, if \`SKERRY_METRICS\` is 1. This file is made from \`limits.ts\` and \`grant_limits.ts\` by
\`deno task schema\`.

`;

const QUOTAS = `
## Quotas

What stores, queues and containers may hold, by keys of their grants in \`function.json\`. The ceiling works as above, and
they are counted under the names below.

`;

const FIXED = `
## Limits that nobody sets

They are counted under the names below. Those that begin with \`process\` hold for all functions together.

`;

const FIXED_ROWS: readonly (readonly [name: string, most: number, description: string, reason: string, met: string])[] =
  [
    [
      "process.stacks",
      MAX_STACKS,
      "Stacks that threads of guests wait on, and calls from one component to another, beside that of each isolate; half for one function.",
      "With more, the system has no room for another one, and V8 ends the process.",
      "the caller: 503 \`overloaded\`, with \`Retry-After\`",
    ],
    [
      "process.scratch",
      MAX_SCRATCH_BYTES,
      "Bytes in the scratch folders of all requests.",
      "They are memory of the host.",
      "the guest: \`insufficient-space\`",
    ],
    [
      "request.openResponses",
      MAX_OUTGOING_OPEN,
      "Responses to outgoing requests that a request has not read to their end, and those that it waits for.",
      "Each is a socket of the host.",
      "the guest: \`connection-limit-reached\`",
    ],
    [
      "request.callDepth",
      MAX_CALL_DEPTH,
      "Functions that call each other by name, in a row.",
      "Two that call each other would fill the process.",
      "the guest: \`loop-detected\`, with which a caller may be answered 508",
    ],
    [
      "request.messages",
      MAX_SENT_PER_TASK,
      "Messages that one request sends to queues.",
      "A loop that lost its end would fill the operator's disk.",
      "the guest: \`other\`, saying so",
    ],
    [
      "sql.bytes",
      MAX_DATABASE_BYTES,
      "Bytes of a database in a file or in memory, and of what a statement keeps beside it.",
      "A guest must not fill the operator's disk.",
      "the guest: \`database-full\`",
    ],
  ];

/** The text of the file. */
export function limitsText(): string {
  const rows = (Object.keys(FUNCTION_LIMITS) as LimitName[]).map((name) => {
    const limit = FUNCTION_LIMITS[name];
    const guest = "guest" in limit ? limit.guest : "—";
    return [
      `\`${name}\``,
      shown(limit.byDefault),
      shown(limit.most),
      limit.description,
      limit.reason,
      limit.caller,
      guest,
      `\`${ceilingSetting(name)}\``,
    ];
  });
  const head = ["limit", "default", "at most", "what it bounds", "why", "the caller gets", "the guest gets", "ceiling"];
  return INTRODUCTION + table([head, ...rows]) + QUOTAS + quotas() + FIXED + fixed();
}

function quotas(): string {
  const rows = GRANT_LIMIT_NAMES.map((name) => {
    const { byDefault, most, description, reason, guest } = GRANT_LIMITS[name];
    return [`\`${name}\``, shown(byDefault), shown(most), description, reason, guest, `\`${ceilingSetting(name)}\``];
  });
  return table([["quota", "default", "at most", "what it bounds", "why", "the guest gets", "ceiling"], ...rows]);
}

function fixed(): string {
  const rows = FIXED_ROWS.map(([name, most, ...rest]) => [`\`${name}\``, shown(most), ...rest]);
  return table([["limit", "at most", "what it bounds", "why", "who meets it gets"], ...rows]);
}

/** Powers of two as such, from where figures are hard to read. */
function shown(value: number): string {
  const power = Math.log2(value);
  if (value >= 2 ** 20 && Number.isInteger(power)) return `2^${power}`;
  return value.toLocaleString("en");
}

/** A table as `deno fmt` writes it. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |\n`;
  const [head, ...rest] = rows.map(line);
  return head + line(widths.map((width) => "-".repeat(width))) + rest.join("");
}
