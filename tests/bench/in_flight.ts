/**
 * Requests that all wait for their upstream at once.
 *
 * @module
 */
import { sendInFlight } from "../soak/in_flight.ts";
import type { EngineName } from "./engines.ts";
import type { Scenario } from "./scenario.ts";

/** How many: twice as many as a process can have isolates for, so that half of them wait in line. */
const COUNT = 10_000;

/** So many requests, each in its isolate, which wait for an upstream that answers when all have asked; none may be lost. */
export function inFlight(engine: EngineName): Scenario {
  return {
    name: `in flight/${engine}/${COUNT}`,
    concurrency: [1],
    rounds: 1,
    warm: false,
    open: () =>
      Promise.resolve({
        async measure() {
          const { during, ms, problems } = await sendInFlight(COUNT, { engine });
          if (problems.length > 0) throw new Error(problems.join("; "));
          return {
            perSecond: COUNT / ms * 1000,
            operations: COUNT,
            elapsedMs: ms,
            p50Ms: ms,
            p99Ms: ms,
            cpuUs: 0,
            rssMb: during.rssMb,
            serverCores: null,
            loadCores: null,
          };
        },
        stop: () => Promise.resolve(),
      }),
  };
}
