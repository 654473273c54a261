/**
 * `deno task bench`: starts real servers, loads them from another process, and prints one table.
 *
 * @module
 */
import { join } from "node:path";
import { runMain } from "../_main.ts";
import { Child } from "./child.ts";
import { thisCommit, thisMachine } from "./machine.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { meteringSummary } from "./meter.ts";
import { type CpuProfile, readProfile, renderReading } from "./profile.ts";
import { busyWarning, describeMachine, formatResults, formatRows, renderComparison, type Results } from "./results.ts";
import { runScenarios } from "./run.ts";
import type { Bench, Scenario } from "./scenario.ts";
import type { Sample } from "./stats.ts";
import { formatNumber, renderRows } from "./table.ts";

/** Where engines and builds keep what they make. */
const CACHE_DIR = join(import.meta.dirname!, "../../.skerry/bench");

const PROFILE_MS = 6_000;

/** Loads a scenario for a while, its server profiled by V8, and reads the profile. */
async function profileScenario(scenario: Scenario, c: number, bench: Bench): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "skerry-profile-" });
  try {
    const flags = ["--cpu-prof", "--cpu-prof-interval=200", `--cpu-prof-dir=${dir}`];
    const station = await scenario.open(bench, c, { flags });
    let sample: Sample;
    try {
      await station.measure(PROFILE_MS / 2);
      sample = await station.measure(PROFILE_MS);
    } finally {
      await station.stop();
    }
    const [file] = await Array.fromAsync(Deno.readDir(dir));
    if (file === undefined) throw new Error(`profiling ${scenario.name}: the server has written no profile`);
    const profile: CpuProfile = JSON.parse(await Deno.readTextFile(join(dir, file.name)));
    const reading = renderReading(readProfile(profile, sample.elapsedMs, sample.operations));
    return `${scenario.name} c=${c}: ${
      formatNumber(sample.cpuUs)
    } µs of CPU for each operation, all threads.\n${reading}`;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** What is being done, on one line that the next takes over; nothing where that would become a long log. */
function progress(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

async function measure(options: Options, bench: Bench): Promise<boolean> {
  const { scenarios, run, quick, json, save, compare } = options;
  const began = performance.now();
  const head = {
    format: 1,
    date: new Date().toISOString(),
    commit: await thisCommit(),
    machine: thisMachine(),
  } as const;
  const before = Deno.loadavg()[0]!;
  const { rows, missed } = await runScenarios(scenarios, bench, {
    ...run,
    onProgress: ({ name, c, round }) => progress(`round ${round + 1} of ${run.rounds}: ${name} c=${c}`),
  });
  progress("");
  const results: Results = { ...head, quick, load_average: [before, Deno.loadavg()[0]!], rows };
  console.log(`${describeMachine(head.machine)}, commit ${head.commit}, ${head.date}`);
  console.log(`Medians of the rounds; ratios are medians of each round's own ratio.\n\n${renderRows(rows)}`);
  const metering = meteringSummary(rows);
  if (metering !== undefined) console.log(metering);
  const warning = busyWarning(results);
  if (warning !== undefined) console.log(warning);
  if (missed.length > 0) console.log(`Not measured, for the time was up: ${missed.join(", ")}.`);
  if (compare !== undefined) console.log(`\n${renderComparison(compare, results)}`);
  if (json !== undefined) await Deno.writeTextFile(json, formatRows(rows));
  if (save !== undefined) await Deno.writeTextFile(save, formatResults(results));
  console.log(`\n${Math.round((performance.now() - began) / 1000)} s`);
  return rows.every((row) => row.error === undefined);
}

/** Returns whether all went well. */
async function main(args: string[]): Promise<boolean> {
  const options = await readOptions(args);
  if (typeof options === "string") {
    console.log(options);
    return true;
  }
  const load = new Child("load.ts", {});
  const bench: Bench = { load, cacheDir: CACHE_DIR };
  try {
    if (options.profile === undefined) return await measure(options, bench);
    console.log(await profileScenario(options.profile.scenario, options.profile.c, bench));
    return true;
  } finally {
    await load.stop();
  }
}

if (import.meta.main) await runMain(main, HELP);
