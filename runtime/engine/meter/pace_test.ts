import { expect } from "@std/expect";
import { Pace } from "./pace.ts";

Deno.test("a pace finds the grant that takes a millisecond", () => {
  for (const unitsPerMs of [100_000, 700_000, 5_000_000]) {
    const pace = new Pace();
    for (let i = 0; i < 20; i++) pace.took(pace.grant / unitsPerMs);
    expect(Math.abs(pace.grant - unitsPerMs)).toBeLessThan(unitsPerMs / 100);
  }
});

Deno.test("a pace stays in its bounds, whatever the clock says", () => {
  const pace = new Pace();
  for (let i = 0; i < 50; i++) pace.took(0);
  expect(pace.grant).toBe(8_000_000);
  for (let i = 0; i < 50; i++) pace.took(1e9);
  expect(pace.grant).toBe(50_000);
  pace.took(-5);
  expect(pace.grant).toBe(100_000);
});
