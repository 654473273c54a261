/**
 * `deno task bench`: starts real servers, loads them from another process, and prints one table.
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { Child } from "./child.ts";
import { thisCommit, thisMachine } from "./machine.ts";
import { describeMachine, formatResults, formatRows, parseResults, renderComparison, type Results } from "./results.ts";
import { type RunOptions, runScenarios } from "./run.ts";
import { type Bench, CACHE_DIR, type Scenario, SCENARIOS } from "./scenarios.ts";
import { renderRows } from "./table.ts";

const HELP = `deno task bench [options]

  --quick           fewer and shorter rounds, without the slow rows: ends within 50 s
  --only TEXT       only rows whose name contains it, and what they are compared with; may be repeated
  --rounds N        how many rounds (7; --quick: 3)
  --json FILE       write the rows
  --save FILE       write the results, with the machine, as in tests/bench/results
  --compare FILE    print ratios to such a file
  --list            print the names of the rows
`;

const FULL: RunOptions = { rounds: 7, otherRounds: 5, roundMs: 2_000, warmMs: 1_500 };
/** The budget leaves time to start and to end. */
const QUICK: RunOptions = { rounds: 3, otherRounds: 1, roundMs: 300, warmMs: 200, budgetMs: 44_000 };

interface Options {
  readonly scenarios: readonly Scenario[];
  readonly run: RunOptions;
  readonly quick: boolean;
  readonly json?: string;
  readonly save?: string;
  readonly compare?: Results;
}

/** The scenarios that `only` names, with their baselines; all if it names none. */
export function selectScenarios(
  all: readonly Scenario[],
  { only = [], quick = false }: { readonly only?: readonly string[]; readonly quick?: boolean },
): Scenario[] {
  const named = all.filter(({ name }) => only.length === 0 || only.some((text) => name.includes(text)));
  const wanted = quick && only.length === 0 ? named.filter(({ slow }) => slow !== true) : named;
  const baselines = new Set(wanted.map(({ baseline }) => baseline));
  return all.filter((scenario) => wanted.includes(scenario) || baselines.has(scenario.name));
}

async function readOptions(args: string[]): Promise<Options | undefined> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true },
      rounds: { type: "string" },
      json: { type: "string" },
      save: { type: "string" },
      compare: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help || values.list) {
    console.log(values.help ? HELP : SCENARIOS.map(({ name }) => name).join("\n"));
    return undefined;
  }
  const { quick, rounds, json, save, only = [], compare } = values;
  if (rounds !== undefined && !/^[1-9]\d{0,3}$/.test(rounds)) {
    throw new TypeError(`reading --rounds ${rounds}: it is no number of rounds. Write one from 1 to 9999.`);
  }
  const scenarios = selectScenarios(SCENARIOS, { only, quick });
  if (scenarios.length === 0) {
    throw new TypeError(`reading --only ${only.join(" --only ")}: no row has that in its name. See --list.`);
  }
  const run = quick ? QUICK : FULL;
  return {
    scenarios,
    run: rounds === undefined ? run : { ...run, rounds: Number(rounds) },
    quick,
    ...(json === undefined ? {} : { json }),
    ...(save === undefined ? {} : { save }),
    ...(compare === undefined ? {} : { compare: parseResults(await Deno.readTextFile(compare), compare) }),
  };
}

/** What is being done, on one line that the next takes over; nothing where that would become a long log. */
function progress(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

async function main(args: string[]): Promise<number> {
  const options = await readOptions(args);
  if (options === undefined) return 0;
  const { scenarios, run, quick } = options;
  const began = performance.now();
  const load = new Child("load.ts", {});
  const bench: Bench = { load, cacheDir: resolve(CACHE_DIR) };
  const head = {
    format: 1,
    date: new Date().toISOString(),
    commit: await thisCommit(),
    machine: thisMachine(),
  } as const;
  try {
    const rows = await runScenarios(scenarios, bench, {
      ...run,
      onProgress: ({ name, c, round }) => progress(`round ${round + 1} of ${run.rounds}: ${name} c=${c}`),
    });
    progress("");
    const results: Results = { ...head, quick, rows };
    console.log(`\n${describeMachine(head.machine)}, commit ${head.commit}, ${head.date}`);
    console.log(`Medians of the rounds; ratios are medians of each round's own ratio.\n\n${renderRows(rows)}`);
    if (options.compare !== undefined) console.log(`\n${renderComparison(options.compare, results)}`);
    if (options.json !== undefined) await Deno.writeTextFile(options.json, formatRows(rows));
    if (options.save !== undefined) await Deno.writeTextFile(options.save, formatResults(results));
    console.log(`\n${Math.round((performance.now() - began) / 1000)} s`);
    return rows.some((row) => row.error !== undefined) ? 1 : 0;
  } finally {
    await load.stop();
  }
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    console.error(error instanceof TypeError ? `${error.message}\n\n${HELP}` : error);
    Deno.exitCode = 1;
  }
}
