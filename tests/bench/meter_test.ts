import { expect } from "@std/expect";
import { meteringSummary, meterWork } from "./meter.ts";
import type { Row } from "./stats.ts";

const row = (name: string, ratio: number | null) => ({ name, c: 1, ratio_to_plain: ratio }) as Row;

Deno.test("what the kernels cost together is their geometric mean, with the worst by its name", () => {
  const rows = [
    row("meter/a/plain", 1),
    row("meter/a", 0.5),
    row("meter/b/plain", 1),
    row("meter/b", 2),
    row("plain", 1),
  ];
  expect(meteringSummary(rows)).toMatch(/take 1\.000 of .* at worst 2\.000 \(a\)/);
  expect(meteringSummary([row("plain", 1), row("meter/rewrite MB", null)])).toBe(undefined);
});

Deno.test("a kernel runs for as long as it is told, plain and metered", async () => {
  for (const metered of [false, true]) {
    const { count, elapsedMs } = await (await meterWork({ kernel: "fib", metered }))(1);
    expect(count).toBeGreaterThan(0);
    expect(elapsedMs).toBeGreaterThanOrEqual(1);
  }
});
