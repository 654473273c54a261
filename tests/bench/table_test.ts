import { expect } from "@std/expect";
import { failedRow, summarize } from "./stats.ts";
import { formatNumber, renderRows, renderTable } from "./table.ts";

Deno.test("renderTable() lines columns up, words at the left and numbers at the right", () => {
  const text = renderTable<[string, number]>([
    { title: "name", cell: ([name]) => name, align: "left" },
    { title: "n", cell: ([, n]) => String(n) },
  ], [["a", 1], ["longer", 12345]]);
  expect(text.split("\n")).toEqual([
    "| name   |     n |",
    "| ------ | ----: |",
    "| a      |     1 |",
    "| longer | 12345 |",
  ]);
});

Deno.test("formatNumber() shows three digits, and all before the point", () => {
  const cases: [number | null, string][] = [
    [null, "-"],
    [0, "0"],
    [1234567.8, "1,234,568"],
    [999.6, "1,000"],
    [123.4, "123"],
    [12.34, "12.3"],
    [1.234, "1.23"],
    [0.1234, "0.123"],
    [0.01234, "0.0123"],
    [0.000001, "0.00000"],
  ];
  for (const [value, text] of cases) expect(formatNumber(value)).toBe(text);
});

const ran = (loadCores: number, serverCores: number) =>
  summarize({
    name: "plain",
    c: 16,
    samples: [{
      perSecond: 1000,
      operations: 1,
      elapsedMs: 1,
      p50Ms: 1,
      p99Ms: 1,
      cpuUs: 1,
      rssMb: 1,
      serverCores,
      loadCores,
    }],
  });

Deno.test("renderRows() says why a row failed, loudly and in full", () => {
  const text = renderRows([failedRow("jco/small", 16, "checking a response: 500")]);
  expect(text).toContain("| FAILED, see below |");
  expect(text.split("\n").at(-1)).toBe("FAILED jco/small c=16: checking a response: 500");
});

Deno.test("renderRows() gives each reason once", () => {
  const text = renderRows([failedRow("a", 1, "x"), failedRow("b", 1, "y"), failedRow("a", 16, "x")]);
  expect(text.split("\n").slice(-2)).toEqual(["FAILED a c=1, a c=16: x", "FAILED b c=1: y"]);
});

Deno.test("renderRows() says what the load generator could do, and where it was the limit", () => {
  const fine = renderRows([ran(0.5, 1)]);
  expect(fine).toContain("0.500 of a core at most, in plain c=16");
  expect(fine).toContain("about 2,000 a second");
  expect(fine).not.toContain("bound by");
  expect(renderRows([ran(0.95, 0.4)])).toContain("bound by the load generator");
});
