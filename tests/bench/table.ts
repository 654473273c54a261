/**
 * Results as text: one table for people, which is Markdown too.
 *
 * @module
 */
import { boundByLoad, type Row } from "./stats.ts";

/** A column: its title, and how a row shows in it. */
export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => string;
  /** Numbers stand at the right. Default: right. */
  readonly align?: "left" | "right";
}

/**
 * A Markdown table whose columns line up.
 *
 * @example
 * ```ts
 * import { renderTable } from "./table.ts";
 *
 * const text = renderTable([{ title: "name", cell: (row: { name: string }) => row.name }], [{ name: "plain" }]);
 * console.assert(text === "|  name |\n| ----: |\n| plain |");
 * ```
 */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map(({ title }, i) => Math.max(3, title.length, ...cells.map((line) => line[i]!.length)));
  const line = (values: readonly string[]) =>
    `| ${
      values.map((value, i) => columns[i]!.align === "left" ? value.padEnd(widths[i]!) : value.padStart(widths[i]!))
        .join(" | ")
    } |`;
  const rule = widths.map((width, i) => columns[i]!.align === "left" ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(columns.map(({ title }) => title)), line(rule), ...cells.map(line)].join("\n");
}

/** A number as people read it: three significant digits or all before the point, `-` for none. */
export function formatNumber(value: number | null): string {
  if (value === null) return "-";
  if (value >= 100) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
  return value === 0 ? "0" : value.toFixed(Math.min(5, Math.max(0, 2 - Math.floor(Math.log10(value)))));
}

const number = (title: string, of: (row: Row) => number | null): Column<Row> => ({
  title,
  cell: (row) => formatNumber(of(row)),
});

const COLUMNS: readonly Column<Row>[] = [
  { title: "name", cell: (row) => row.name, align: "left" },
  { title: "c", cell: (row) => String(row.c) },
  number("per second", (row) => row.rps),
  number("ratio to plain", (row) => row.ratio_to_plain),
  number("p50 ms", (row) => row.p50_ms),
  number("p99 ms", (row) => row.p99_ms),
  number("cpu µs", (row) => row.cpu_us),
  number("RSS MB", (row) => row.rss_mb),
  { title: "remark", cell: remark, align: "left" },
];

function remark(row: Row): string {
  if (row.error !== undefined) return "FAILED, see below";
  return boundByLoad(row) ? "bound by the load generator" : "";
}

/** The table of a run, and under it why rows failed. */
export function renderRows(rows: readonly Row[]): string {
  return [renderTable(COLUMNS, rows), ...ceiling(rows), ...failures(rows)].join("\n");
}

/** Each reason once, for what breaks an engine breaks all its rows. */
function failures(rows: readonly Row[]): string[] {
  const reasons = Map.groupBy(rows.filter((row) => row.error !== undefined), (row) => row.error!);
  return [...reasons].map(([reason, failed]) =>
    `FAILED ${failed.map(({ name, c }) => `${name} c=${c}`).join(", ")}: ${reason}`
  );
}

/** What the load generator could do at most, from the row that asked most of it. */
function ceiling(rows: readonly Row[]): string[] {
  const [busiest] = rows.filter((row) => row.rps !== null && row.load_cores)
    .sort((a, b) => b.load_cores! - a.load_cores!);
  if (busiest === undefined) return [];
  const { name, c, rps, load_cores, server_cores } = busiest;
  return [
    "",
    `Load generator: ${formatNumber(load_cores)} of a core at most, in ${name} c=${c}, where the server took ` +
    `${formatNumber(server_cores)}; alone it could ask for about ${formatNumber(rps! / load_cores!)} a second.`,
  ];
}
