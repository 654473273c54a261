/**
 * What is measured: a list, each entry a line.
 *
 * @module
 */
import { QUICKJS, SMALL, SMALL_P3, STARLING } from "./components.ts";
import type { EngineName } from "./engines.ts";
import { fair, overrun, share, slowCallers } from "./hostile.ts";
import { inFlight } from "./in_flight.ts";
import { METERING } from "./meter.ts";
import { echo, first, isolates, kvGets, plain, plainEcho, requests, type Scenario, sleep } from "./scenario.ts";

const ENGINES: readonly EngineName[] = ["jco", "native"];
const COMPONENTS = [SMALL, STARLING, QUICKJS];

/** One scenario for each engine and component. */
const each = (make: (engine: EngineName, component: typeof SMALL) => Scenario) =>
  ENGINES.flatMap((engine) => COMPONENTS.map((component) => make(engine, component)));

/** Left out of a quick run. */
const slow = (scenario: Scenario, isSlow: boolean): Scenario => ({ ...scenario, slow: isSlow });

/** Everything, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  plain,
  ...each(requests),
  ...ENGINES.map((engine) => slow(requests(engine, SMALL_P3), true)),
  ...each((engine, component) => slow(isolates(engine, component), component !== SMALL)),
  ...each((engine, component) => slow(first(engine, component, true), component !== SMALL)),
  ...ENGINES.map((engine) => first(engine, SMALL, true, false)),
  ...each((engine, component) => slow(first(engine, component, false), component !== SMALL)),
  kvGets(null),
  ...ENGINES.map(kvGets),
  plainEcho,
  ...ENGINES.map(echo),
  ...ENGINES.map(fair),
  ...ENGINES.flatMap((engine) => [slow(share(engine, 0), true), slow(share(engine, 4), true)]),
  ...ENGINES.map((engine) => slow(overrun(engine), true)),
  slow(slowCallers("native"), true),
  ...ENGINES.map((engine) => slow(sleep(engine), true)),
  slow(inFlight("native"), true),
  ...METERING,
];
