import { expect } from "@std/expect";
import { boundByLoad, failedRow, median, percentile, round, type Sample, summarize } from "./stats.ts";

const sample = (perSecond: number | null, rest: Partial<Sample> = {}): Sample => ({
  perSecond,
  operations: 100,
  elapsedMs: 1000,
  p50Ms: 1,
  p99Ms: 2,
  cpuUs: 10,
  rssMb: 50,
  serverCores: 1,
  loadCores: 0.5,
  ...rest,
});

Deno.test("median() takes the middle, whatever the order", () => {
  expect(median([30, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([10, 9, 100])).toBe(10);
  expect(median([])).toBe(null);
});

Deno.test("percentile() takes the nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(percentile(hundred, 0.5)).toBe(50);
  expect(percentile(hundred, 0.99)).toBe(99);
  expect(percentile(hundred, 1)).toBe(100);
  expect(percentile([7], 0.01)).toBe(7);
  expect(percentile([1, 2], 0.99)).toBe(2);
  expect(() => percentile([], 0.5)).toThrow(RangeError);
});

Deno.test("summarize() takes the ratio of each round by itself, so that a slow round hits both", () => {
  // The machine halves its speed in the second round, and doubles it in the third.
  const row = summarize({
    name: "a",
    c: 1,
    samples: [sample(100), sample(50), sample(220)],
    baseline: [sample(1000), sample(500), sample(2000)],
  });
  expect(row.ratio_to_plain).toBe(0.1);
  expect(row.rps).toBe(100);
  expect(row.rounds).toBe(3);
});

Deno.test("summarize() gives no ratio where there is no baseline", () => {
  expect(summarize({ name: "a", c: 1, samples: [sample(100)] }).ratio_to_plain).toBe(null);
  expect(summarize({ name: "a", c: 1, samples: [sample(100)], baseline: [undefined] }).ratio_to_plain).toBe(null);
  expect(summarize({ name: "a", c: 1, samples: [sample(null)], baseline: [sample(1)] }).ratio_to_plain).toBe(null);
  const later = summarize({
    name: "a",
    c: 1,
    samples: [sample(1), sample(30)],
    baseline: [undefined, sample(10)],
  });
  expect(later.ratio_to_plain).toBe(3);
});

Deno.test("summarize() tells the most memory and the middle of the rest", () => {
  const row = summarize({
    name: "a",
    c: 16,
    samples: [
      sample(1, { rssMb: 50, p50Ms: 3, cpuUs: null }),
      sample(2, { rssMb: 90, p50Ms: 1, cpuUs: 20 }),
      sample(3, { rssMb: 70, p50Ms: 2, cpuUs: 30 }),
    ],
  });
  expect(row).toEqual({
    name: "a",
    c: 16,
    rps: 2,
    p50_ms: 2,
    p99_ms: 2,
    rss_mb: 90,
    ratio_to_plain: null,
    cpu_us: 25,
    server_cores: 1,
    load_cores: 0.5,
    rounds: 3,
  });
});

Deno.test("a failed row has no figures", () => {
  const row = failedRow("a", 1, "why");
  expect(row.error).toBe("why");
  expect([row.rps, row.p50_ms, row.p99_ms, row.rss_mb, row.ratio_to_plain, row.cpu_us]).toEqual(Array(6).fill(null));
});

Deno.test("round() keeps four digits of large and small", () => {
  expect(round(123456)).toBe(123500);
  expect(round(0.000123456)).toBe(0.0001235);
  expect(round(0)).toBe(0);
  expect(round(null)).toBe(null);
});

Deno.test("a row is bound by the load generator when that is busy and the server is not", () => {
  const row = (serverCores: number, loadCores: number | null) =>
    summarize({ name: "a", c: 1, samples: [sample(1, { serverCores, loadCores })] });
  expect(boundByLoad(row(0.5, 0.95))).toBe(true);
  expect(boundByLoad(row(0.95, 0.95))).toBe(false);
  expect(boundByLoad(row(0.5, 0.5))).toBe(false);
  expect(boundByLoad(row(0.5, null))).toBe(false);
});
