import { expect } from "@std/expect";
import {
  busyWarning,
  compareRows,
  formatResults,
  formatRows,
  parseResults,
  renderComparison,
  type Results,
} from "./results.ts";
import { failedRow, type Row } from "./stats.ts";

const row = (name: string, rest: Partial<Row> = {}): Row => ({
  name,
  c: 1,
  rps: 100,
  p50_ms: 1,
  p99_ms: 2,
  rss_mb: 50,
  ratio_to_plain: 0.5,
  cpu_us: 10,
  server_cores: 1,
  load_cores: 0.5,
  rounds: 3,
  ...rest,
});

const results = (rows: Row[], rest: Partial<Results> = {}): Results => ({
  format: 1,
  date: "2026-01-02T03:04:05.000Z",
  commit: "abc",
  machine: { cpu: "Abacus", cores: 2, memory_gb: 4, os: "linux x86_64", deno: "2.9.6", v8: "15.0" },
  quick: false,
  load_average: [0.1, 2],
  rows,
  ...rest,
});

Deno.test("a results file can be read again, and has a line for each row", () => {
  const before = results([row("plain"), row("jco/small")]);
  const text = formatResults(before);
  expect(parseResults(text, "f")).toEqual(before);
  expect(text.split("\n").filter((line) => line.includes('"name"')).length).toBe(2);
});

Deno.test("the rows alone are a JSON array", () => {
  const rows = [row("plain"), failedRow("jco/small", 16, "why")];
  expect(JSON.parse(formatRows(rows))).toEqual(rows);
  expect(JSON.parse(formatRows([]))).toEqual([]);
});

Deno.test("a file that holds no results is refused by name", () => {
  expect(() => parseResults("{", "a.json")).toThrow(/^reading a\.json: it is not JSON/);
  for (const text of ["null", "[]", '{"format":2,"rows":[]}', '{"format":1}']) {
    expect(() => parseResults(text, "a.json")).toThrow(/^reading a\.json: it is no file of results in format 1/);
  }
});

Deno.test("compareRows() divides so that above 1 is better, but for memory", () => {
  const [change] = compareRows(
    [row("a", { rps: 100, ratio_to_plain: 0.1, cpu_us: 40, rss_mb: 50 })],
    [row("a", { rps: 300, ratio_to_plain: 0.2, cpu_us: 10, rss_mb: 100 })],
  );
  expect(change).toMatchObject({ speed: 3, ratio: 2, cpu: 4, memory: 2 });
});

Deno.test("compareRows() takes the time where a row has no rate", () => {
  const [change] = compareRows([row("a", { rps: null, p50_ms: 30 })], [row("a", { rps: null, p50_ms: 10 })]);
  expect(change!.speed).toBe(3);
});

Deno.test("compareRows() tells concurrencies apart, and keeps rows that only one run has", () => {
  const changes = compareRows([row("a", { c: 1, rps: 10 }), row("old")], [row("a", { c: 16 }), row("a", { rps: 20 })]);
  expect(changes.map(({ name, c, speed }) => [name, c, speed])).toEqual([["a", 16, null], ["a", 1, 2], [
    "old",
    1,
    null,
  ]]);
});

Deno.test("the comparison names what is new, missing or failed, and another machine", () => {
  const before = results([row("a"), row("gone"), row("worse")]);
  const now = results([row("a"), row("fresh"), failedRow("worse", 1, "why")], { commit: "def" });
  const text = renderComparison(before, now);
  expect(text).toContain("Against abc of 2026-01-02");
  expect(text).toMatch(/gone .*not measured now/);
  expect(text).toMatch(/fresh .*new/);
  expect(text).toMatch(/worse .*failed now/);
  expect(text).not.toContain("another machine");
  const elsewhere = { ...now, machine: { ...now.machine, cores: 64 } };
  expect(renderComparison(before, elsewhere)).toContain("another machine (2 × Abacus, 4 GB");
});

Deno.test("a run on a machine with other work says so", () => {
  expect(busyWarning(results([]))).toBe(undefined);
  expect(busyWarning(results([], { load_average: [1.5, 2] }))).toContain("load 1.50 before, 2.00 after, on 2 cores");
  expect(busyWarning(results([], { load_average: [0, 5] }))).toContain("other work");
});
