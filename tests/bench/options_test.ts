import { expect } from "@std/expect";
import { type Options, readOptions, selectScenarios } from "./options.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

const fake = (name: string, rest: Partial<Scenario> = {}): Scenario => ({
  name,
  concurrency: [1],
  open: () => Promise.reject(new Error("never")),
  ...rest,
});

const ALL = [
  fake("plain", { baseline: "plain" }),
  fake("jco/small", { baseline: "plain" }),
  fake("echo/plain", { baseline: "echo/plain" }),
  fake("echo/jco", { baseline: "echo/plain" }),
  fake("isolate/jco", { slow: true }),
];

const names = (list: readonly Scenario[]) => list.map(({ name }) => name);

Deno.test("a row brings what it is compared with", () => {
  expect(names(selectScenarios(ALL, { only: ["small"] }))).toEqual(["plain", "jco/small"]);
  expect(names(selectScenarios(ALL, { only: ["echo/j"] }))).toEqual(["echo/plain", "echo/jco"]);
  expect(names(selectScenarios(ALL, { only: ["isolate"] }))).toEqual(["isolate/jco"]);
  expect(names(selectScenarios(ALL, { only: ["nothing"] }))).toEqual([]);
});

Deno.test("a quick run leaves slow rows out, unless they are asked for", () => {
  expect(names(selectScenarios(ALL, { quick: true }))).not.toContain("isolate/jco");
  expect(names(selectScenarios(ALL, {}))).toContain("isolate/jco");
  expect(names(selectScenarios(ALL, { quick: true, only: ["isolate"] }))).toEqual(["isolate/jco"]);
});

Deno.test("names of rows are unique, and every baseline is a row at the same concurrency", () => {
  expect(new Set(names(SCENARIOS)).size).toBe(SCENARIOS.length);
  for (const { baseline, concurrency } of SCENARIOS) {
    if (baseline === undefined) continue;
    expect(SCENARIOS.find(({ name }) => name === baseline)?.concurrency).toEqual(
      expect.arrayContaining([...concurrency]),
    );
  }
});

Deno.test("options that make no sense are refused by name", async () => {
  for (const args of [["--rounds", "0"], ["--rounds", "x"], ["--c", "-"], ["--only", "nope"], ["--profile", "nope"]]) {
    await expect(readOptions(args)).rejects.toThrow(`reading ${args.join(" ")}`);
  }
  for (const args of [["--quik"], ["--json"], ["stray"]]) await expect(readOptions(args)).rejects.toThrow(TypeError);
});

Deno.test("--quick bounds its time, and --rounds says how often", async () => {
  const { run, quick } = await readOptions(["--quick", "--rounds", "9"]) as Options;
  expect([run.rounds, quick]).toEqual([9, true]);
  expect(run.budgetMs).toBeLessThan(50_000);
});
