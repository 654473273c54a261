/**
 * Results in files: what a run found and where, so that a later one can be compared with it.
 *
 * @module
 */
import type { Row } from "./stats.ts";
import { formatNumber, renderTable } from "./table.ts";

/** Where and on what a run was made. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory_gb: number;
  readonly os: string;
  readonly deno: string;
  readonly v8: string;
}

/** One run. */
export interface Results {
  readonly format: 1;
  /** ISO 8601. */
  readonly date: string;
  /** The commit, with a `+` when files differed from it. */
  readonly commit: string;
  readonly machine: Machine;
  readonly quick: boolean;
  /** How many threads wanted a core before the run and at its end, on average over a minute; the run itself is about two. */
  readonly load_average: readonly [before: number, after: number];
  readonly rows: readonly Row[];
}

/** Results as a file, with a line for each row, so that a diff shows which moved. */
export function formatResults(results: Results): string {
  const { rows, ...head } = results;
  const fields = Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},`);
  return ["{", ...fields, '  "rows": [', indentRows(rows, "    "), "  ]", "}", ""].join("\n");
}

/** Only the rows, as `--json` writes them. */
export function formatRows(rows: readonly Row[]): string {
  return ["[", indentRows(rows, "  "), "]", ""].join("\n");
}

function indentRows(rows: readonly Row[], indent: string): string {
  return rows.map((row) => `${indent}${JSON.stringify(row)}`).join(",\n");
}

/**
 * Reads a results file.
 *
 * @throws {TypeError} when it is none, or of another format.
 */
export function parseResults(text: string, file: string): Results {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TypeError(`reading ${file}: it is not JSON (${(error as Error).message})`);
  }
  const results = value as Partial<Results> | null;
  if (typeof results !== "object" || results?.format !== 1 || !Array.isArray(results.rows)) {
    throw new TypeError(`reading ${file}: it is no file of results in format 1. Make one with "deno task bench".`);
  }
  return results as Results;
}

/** One row of two runs. A ratio above 1 is better than before. */
export interface Change {
  readonly name: string;
  readonly c: number;
  readonly before: Row | undefined;
  readonly now: Row | undefined;
  /** Operations per second, now by then; of a row that has none, its p50, then by now. */
  readonly speed: number | null;
  /** `ratio_to_plain`, now by then: what the machine's own drift does not move. */
  readonly ratio: number | null;
  /** CPU time of one operation, then by now. */
  readonly cpu: number | null;
  /** Memory, now by then: here below 1 is better. */
  readonly memory: number | null;
}

/** Every row of either run, in the order of this one. */
export function compareRows(before: readonly Row[], now: readonly Row[]): Change[] {
  const key = (row: Row) => `${row.name} ${row.c}`;
  const old = new Map(before.map((row) => [key(row), row]));
  const current = new Map(now.map((row) => [key(row), row]));
  return [...new Set([...current.keys(), ...old.keys()])].map((id) => {
    const [a, b] = [old.get(id), current.get(id)];
    const { name, c } = (b ?? a)!;
    return {
      name,
      c,
      before: a,
      now: b,
      speed: divide(b?.rps, a?.rps) ?? (a?.rps || b?.rps ? null : divide(a?.p50_ms, b?.p50_ms)),
      ratio: divide(b?.ratio_to_plain, a?.ratio_to_plain),
      cpu: divide(a?.cpu_us, b?.cpu_us),
      memory: divide(b?.rss_mb, a?.rss_mb),
    };
  });
}

function divide(a: number | null | undefined, b: number | null | undefined): number | null {
  return a && b ? a / b : null;
}

/** The comparison as text, with a warning where the machines differ. */
export function renderComparison(before: Results, now: Results): string {
  const times = (value: number | null) => value === null ? "-" : `${formatNumber(value)} ×`;
  const table = renderTable<Change>([
    { title: "name", cell: (change) => change.name, align: "left" },
    { title: "c", cell: (change) => String(change.c) },
    { title: "speed", cell: (change) => times(change.speed) },
    { title: "ratio to plain", cell: (change) => times(change.ratio) },
    { title: "cpu", cell: (change) => times(change.cpu) },
    { title: "memory", cell: (change) => times(change.memory) },
    { title: "remark", cell: changeRemark, align: "left" },
  ], compareRows(before.rows, now.rows));
  const lines = [
    `Against ${before.commit} of ${before.date.slice(0, 10)}: above 1 is better than then, but for memory.`,
  ];
  if (JSON.stringify(before.machine) !== JSON.stringify(now.machine)) {
    lines.push(
      `That was another machine (${describeMachine(before.machine)}): only the ratio to plain can be compared.`,
    );
  }
  return [...lines, "", table].join("\n");
}

function changeRemark({ before, now }: Change): string {
  if (before === undefined) return "new";
  if (now === undefined) return "not measured now";
  if (now.error !== undefined) return "failed now";
  return before.error === undefined ? "" : "failed then";
}

/** A warning if the machine had other work; `undefined` if not. */
export function busyWarning({ load_average: [before, after], machine: { cores } }: Results): string | undefined {
  if (before <= 0.5 * cores && after <= 1.5 * cores) return undefined;
  return `The machine had other work (load ${formatNumber(before)} before, ${formatNumber(after)} after, ` +
    `on ${cores} cores): rates and times are too bad by it; compare ratios and cpu µs.`;
}

/** `2 × Intel Xeon, 24 GB, linux, Deno 2.9.6 (V8 15.0)`. */
export function describeMachine({ cores, cpu, memory_gb, os, deno, v8 }: Machine): string {
  return `${cores} × ${cpu}, ${memory_gb} GB, ${os}, Deno ${deno} (V8 ${v8})`;
}
