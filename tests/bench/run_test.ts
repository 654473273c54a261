import { expect } from "@std/expect";
import type { Child } from "./child.ts";
import { runScenarios } from "./run.ts";
import type { Bench, Scenario } from "./scenario.ts";
import type { Sample } from "./stats.ts";

const bench: Bench = { load: {} as Child, cacheDir: "" };
const options = { rounds: 3, otherRounds: 2, roundMs: 10, warmMs: 5 };

const SAMPLE = { operations: 1, elapsedMs: 1, p50Ms: 1, p99Ms: 1, cpuUs: 1, rssMb: 1, serverCores: 1, loadCores: 1 };

/** A scenario that does `rates` one after another, and writes down what happens to it. */
function scenario(
  name: string,
  rates: readonly (number | Error)[],
  log: string[],
  rest: Partial<Scenario> = {},
): Scenario {
  return {
    name,
    concurrency: [1],
    baseline: "plain",
    open(_bench, c) {
      log.push(`open ${name} ${c}`);
      const left = [...rates];
      return Promise.resolve({
        measure(ms): Promise<Sample> {
          log.push(`${name} ${c} ${ms}`);
          const perSecond = ms === options.warmMs ? 0 : left.shift()!;
          if (perSecond instanceof Error) return Promise.reject(perSecond);
          return Promise.resolve({ ...SAMPLE, perSecond });
        },
        stop() {
          log.push(`stop ${name} ${c}`);
          return Promise.resolve();
        },
      });
    },
    ...rest,
  };
}

Deno.test("rounds are interleaved, each scenario is opened once and warmed in each, and all are stopped", async () => {
  const log: string[] = [];
  const { rows } = await runScenarios(
    [scenario("plain", [10, 20, 30], log), scenario("a", [1, 4, 3], log)],
    bench,
    options,
  );
  expect(log).toEqual([
    ...["open plain 1", "plain 1 5", "plain 1 10", "open a 1", "a 1 5", "a 1 10"],
    ...["plain 1 5", "plain 1 10", "a 1 5", "a 1 10"],
    ...["plain 1 5", "plain 1 10", "stop plain 1", "a 1 5", "a 1 10", "stop a 1"],
  ]);
  expect(rows.map(({ name, rps, ratio_to_plain }) => [name, rps, ratio_to_plain])).toEqual([
    ["plain", 20, 1],
    ["a", 3, 0.1],
  ]);
});

Deno.test("a ratio is to the baseline at the same concurrency", async () => {
  const log: string[] = [];
  const two = { concurrency: [1, 16] };
  const plain = scenario("plain", [], log, {
    ...two,
    open: (bench, c) => scenario("plain", [c * 100], log).open(bench, c),
  });
  const { rows } = await runScenarios([plain, scenario("a", [50], log, two)], bench, { ...options, rounds: 1 });
  expect(rows.map(({ name, c, ratio_to_plain }) => [name, c, ratio_to_plain])).toEqual([
    ["plain", 1, 1],
    ["plain", 16, 1],
    ["a", 1, 0.5],
    ["a", 16, 0.03125],
  ]);
});

Deno.test("a scenario that fails is stopped, and says so in its row, and the others go on", async () => {
  const log: string[] = [];
  const { rows } = await runScenarios(
    [
      scenario("plain", [10, 10, 10], log),
      scenario("bad", [1, new Error("answered 500"), 1], log),
      scenario("unopened", [], log, { open: () => Promise.reject(new Error("no such file")) }),
      scenario("a", [1, 1, 1], log),
    ],
    bench,
    options,
  );
  expect(rows.map(({ name, error, rounds }) => [name, error, rounds])).toEqual([
    ["plain", undefined, 3],
    ["bad", "answered 500", 0],
    ["unopened", "no such file", 0],
    ["a", undefined, 3],
  ]);
  expect(log.filter((line) => line.includes("bad"))).toEqual([
    "open bad 1",
    "bad 1 5",
    "bad 1 10",
    "bad 1 5",
    "bad 1 10",
    "stop bad 1",
  ]);
});

Deno.test("what is not compared with a plain handler takes fewer rounds, as does who says so", async () => {
  const log: string[] = [];
  const { rows } = await runScenarios(
    [
      scenario("plain", [1, 1, 1], log),
      scenario("other", [1, 1, 1], log, { baseline: "x" }),
      scenario("once", [1, 1, 1], log, { rounds: 1, warm: false }),
    ],
    bench,
    options,
  );
  expect(rows.map(({ rounds }) => rounds)).toEqual([3, 2, 1]);
  expect(log.filter((line) => line.includes("once"))).toEqual(["open once 1", "once 1 10", "stop once 1"]);
});

Deno.test("no measurement begins that would not end within the budget, and nothing is left open", async () => {
  const log: string[] = [];
  let time = 0;
  const lasting = (name: string, ms: number): Scenario =>
    scenario(name, [], log, {
      warm: false,
      open: () =>
        Promise.resolve({
          measure() {
            time += ms;
            return Promise.resolve({ ...SAMPLE, perSecond: 1 });
          },
          stop: () => Promise.resolve(void log.push(`stop ${name}`)),
        }),
    });
  const { rows, missed } = await runScenarios(
    [lasting("plain", 10_000), lasting("short", 1_000), lasting("late", 10_000), lasting("later", 1)],
    bench,
    { ...options, now: () => time, budgetMs: 19_000 },
  );
  // How long "late" takes is not known before its first.
  expect(rows.map(({ name, rounds }) => [name, rounds])).toEqual([["plain", 1], ["short", 1], ["late", 1]]);
  expect(missed).toEqual(["later c=1"]);
  expect(log.toSorted()).toEqual(["stop late", "stop plain", "stop short"]);

  time = 0;
  const again = await runScenarios([lasting("plain", 10_000), lasting("short", 1_000)], bench, {
    ...options,
    now: () => time,
    budgetMs: 19_000,
  });
  expect(again.rows.map(({ name, rounds }) => [name, rounds])).toEqual([["plain", 1], ["short", 3]]);
});

Deno.test("a measurement that does not end within the budget is given up, and its scenario stopped", async () => {
  const log: string[] = [];
  let time = 0;
  const stuck = scenario("stuck", [], log, {
    warm: false,
    open: () =>
      Promise.resolve({
        measure() {
          // From here on there is next to no time left.
          time = 999;
          return new Promise<never>(() => {});
        },
        stop: () => Promise.resolve(void log.push("stop stuck")),
      }),
  });
  const { rows, missed } = await runScenarios([stuck], bench, { ...options, now: () => time, budgetMs: 1000 });
  expect([rows, missed, log]).toEqual([[], ["stuck c=1"], ["stop stuck"]]);
});
