/**
 * The table of limits for people, made from `limits.ts`.
 *
 * @module
 */
import { GRANT_LIMIT_NAMES, GRANT_LIMITS } from "../grant_limits.ts";
import { FUNCTION_LIMITS, type LimitName, MAX_STACKS } from "../limits.ts";
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
\`connection-limit-reached\` then.

Threads of guests, and calls from one component to another that do not end at once, wait on stacks beside the one of
their isolate. A process has ${
  MAX_STACKS.toLocaleString("en")
} of them and one function at most half, which nobody can set: with more, systems have
no room and V8 ends the process. Who would need one more is answered 503 \`overloaded\`, with \`Retry-After\`, which is
counted as \`process.stacks\`.

Each limit that was met is counted: in the request's last log record, under \`limits\`, and at \`/-/metrics\` as
\`skerry_limit_met_total\`, if \`SKERRY_METRICS\` is 1. This file is made from \`limits.ts\` and \`grant_limits.ts\` by
\`deno task schema\`.

`;

const QUOTAS = `
## Quotas

What stores, queues and containers may hold, by keys of their grants in \`function.json\`. The ceiling works as above, and
they are counted under the names below. A database of \`sql\` in a file may have 1 GiB, whatever a manifest says.

`;

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
  return INTRODUCTION + table([head, ...rows]) + QUOTAS + quotas();
}

function quotas(): string {
  const rows = GRANT_LIMIT_NAMES.map((name) => {
    const { byDefault, most, description, reason, guest } = GRANT_LIMITS[name];
    return [`\`${name}\``, shown(byDefault), shown(most), description, reason, guest, `\`${ceilingSetting(name)}\``];
  });
  return table([["quota", "default", "at most", "what it bounds", "why", "the guest gets", "ceiling"], ...rows]);
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
