import { expect } from "@std/expect";
import { isCircle, type Places, type Taken } from "./wait_circles.ts";

const full = (isolates: number): Places => ({ isolates, running: isolates });
const placeOf = (of: Places): Taken<Places> => ({ of, left: false });
const call = (wants: Places, ...held: Taken<Places>[]) => ({ wants, held });

Deno.test("a call closes a circle when all places wait for it, and not while one of them does not", () => {
  const [a, b] = [full(2), full(1)];
  const [first, second, other] = [placeOf(a), placeOf(a), placeOf(b)];
  expect(isCircle(a, [call(a, first)])).toBe(false);
  // Two calls of one request are one place that waits.
  expect(isCircle(a, [call(a, first), call(a, first)])).toBe(false);
  expect(isCircle(a, [call(a, first), call(a, second)])).toBe(true);
  expect(isCircle(a, [call(a, first, second)])).toBe(true);
  // The one place of b is held by nobody who waits: what waits for it will have it.
  expect(isCircle(a, [call(a, first), call(b, second)])).toBe(false);
  expect(isCircle(a, [call(a, first), call(b, second), call(a, other)])).toBe(true);
});

Deno.test("a place that was given back, and one that nobody has, keep nobody waiting", () => {
  const a = full(1);
  expect(isCircle(a, [call(a, placeOf(a))])).toBe(true);
  expect(isCircle(a, [call(a, { of: a, left: true })])).toBe(false);
  const free = { isolates: 2, running: 1 };
  expect(isCircle(free, [call(free, placeOf(free))])).toBe(false);
});

Deno.test("a circle of many functions is found from any of them, and one that leads into it is in it", () => {
  const functions = Array.from({ length: 8 }, () => full(1));
  const circle = functions.map((wants, i) => call(wants, placeOf(functions[(i + 1) % 8]!)));
  for (const wants of functions) expect(isCircle(wants, circle)).toBe(true);
  expect(isCircle(functions[0]!, circle.slice(1))).toBe(false);
  const outside = full(1);
  expect(isCircle(outside, [call(outside, placeOf(functions[0]!)), ...circle])).toBe(false);
  expect(isCircle(functions[0]!, [...circle, call(functions[0]!, placeOf(outside))])).toBe(true);
});
