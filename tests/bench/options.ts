/**
 * What `deno task bench` can be told.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { parseResults, type Results } from "./results.ts";
import type { RunOptions } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Its help. */
export const HELP = `deno task bench [options]

  --quick           fewer and shorter rounds, without the slow rows: ends within 50 s
  --only TEXT       only rows whose name contains it, and what they are compared with; may be repeated
  --rounds N        how many rounds (7; --quick: 3)
  --json FILE       write the rows
  --save FILE       write the results, with the machine, as in tests/bench/results
  --compare FILE    print ratios to such a file
  --profile NAME    print where the time of that row goes, instead of measuring; --c N: connections (1)
  --list            print the names of the rows
`;

const FULL: RunOptions = { rounds: 7, otherRounds: 5, roundMs: 2_000, warmMs: 1_500 };
/** The budget leaves time to start and to end. */
const QUICK: RunOptions = { rounds: 3, otherRounds: 1, roundMs: 300, warmMs: 200, budgetMs: 43_000 };

/** What it was told, checked. */
export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly run: RunOptions;
  readonly quick: boolean;
  readonly json?: string;
  readonly save?: string;
  readonly compare?: Results;
  readonly profile?: { readonly scenario: Scenario; readonly c: number };
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

/**
 * Reads the command line; a text is all that was asked for.
 *
 * @throws {TypeError} when it makes no sense.
 */
export async function readOptions(args: string[]): Promise<Options | string> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true },
      rounds: { type: "string" },
      json: { type: "string" },
      save: { type: "string" },
      compare: { type: "string" },
      profile: { type: "string" },
      c: { type: "string", default: "1" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return HELP;
  if (values.list) return SCENARIOS.map(({ name }) => name).join("\n");
  const { quick, rounds, json, save, only = [], compare } = values;
  for (const [option, text] of Object.entries({ rounds, c: values.c })) {
    if (text !== undefined && !/^[1-9]\d{0,3}$/.test(text)) {
      throw new TypeError(`reading --${option} ${text}: it is no number. Write one from 1 to 9999.`);
    }
  }
  const profiled = SCENARIOS.find(({ name }) => name === values.profile);
  if (values.profile !== undefined && profiled === undefined) {
    throw new TypeError(`reading --profile ${values.profile}: there is no such row. See --list.`);
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
    ...(profiled === undefined ? {} : { profile: { scenario: profiled, c: Number(values.c) } }),
  };
}
