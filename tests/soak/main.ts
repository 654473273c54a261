/**
 * `deno task soak`: an hour of good and hostile traffic in minutes, against a real server, which has to hold afterwards
 * what it held before.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { EngineChoice } from "../../runtime/settings.ts";
import { runMain } from "../_main.ts";
import { sendInFlight } from "./in_flight.ts";
import { holdIsolates } from "./isolates.ts";
import type { Holdings } from "./server.ts";
import { soak } from "./soak.ts";
import { KINDS } from "./traffic.ts";

/** What makes an hour's traffic, and how long that may take. */
const HOUR_REQUESTS = 36_000, HOUR_SECONDS = 300;

const HELP = `deno task soak [options]

  --seconds N       at most so long (${HOUR_SECONDS}, without --requests)
  --requests N      at most so many requests (${HOUR_REQUESTS}, without --seconds: ten a second for an hour)
  --good            only good requests, to one small function
  --isolates N      no traffic, but so many isolates alive at once, and then none
  --in-flight N     no traffic, but so many requests in flight, which wait for their upstream
  --connections N   connections at once (16)
  --engine NAME     native (default) or jco
`;

function shown({ rssMb, heapMb, descriptors, tasks, memories }: Holdings): string {
  return `${rssMb.toFixed(0)} MB, JavaScript heap ${heapMb.toFixed(1)} MB, ${descriptors} descriptors, ` +
    `${tasks} tasks, ${memories} memories`;
}

/** @throws {TypeError} */
function count(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new TypeError(`reading --${option} ${text}: it is no number. Write one from 1 to 999999999.`);
}

/** Returns whether all was well. */
async function main(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: "string" },
      requests: { type: "string" },
      good: { type: "boolean", default: false },
      isolates: { type: "string" },
      "in-flight": { type: "string" },
      connections: { type: "string" },
      engine: { type: "string", default: "native" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  const isolates = count("isolates", values.isolates);
  const isDefault = values.requests === undefined && values.seconds === undefined;
  const requests = count("requests", values.requests) ?? (isDefault ? HOUR_REQUESTS : undefined);
  const seconds = count("seconds", values.seconds) ?? (isDefault ? HOUR_SECONDS : undefined);
  const connections = count("connections", values.connections) ?? 16;
  if (values.engine !== "native" && values.engine !== "jco") {
    throw new TypeError(`reading --engine ${values.engine}: write native or jco`);
  }
  const engine: EngineChoice = values.engine;
  const inFlight = count("in-flight", values["in-flight"]);
  if (inFlight !== undefined) {
    const { during, after, ms, problems } = await sendInFlight(inFlight, { engine });
    const { isolates, waiting } = during;
    console.log(`${inFlight} requests in flight, ${isolates} at their upstream, ${waiting} in line: ${shown(during)}`);
    console.log(`all answered after ${(ms / 1000).toFixed(1)} s; at rest ${shown(after)}`);
    return told(problems);
  }
  if (isolates !== undefined) {
    const { before, during, after, ms, problems } = await holdIsolates(isolates, { engine });
    console.log(`before   ${shown(before)}`);
    console.log(`${isolates} isolates alive after ${(ms / 1000).toFixed(1)} s: ${shown(during)}`);
    console.log(`after    ${shown(after)}`);
    return told(problems);
  }
  const report = await soak({
    kinds: values.good ? KINDS.filter(({ path }) => path === "/small/") : KINDS,
    requests: requests ?? Infinity,
    ...(seconds === undefined ? {} : { ms: seconds * 1000 }),
    connections,
    engine,
    onProgress: (done, holdings) => console.log(`${String(done).padStart(9)} requests: ${shown(holdings)}`),
  });
  const perSecond = Math.round(report.requests / report.elapsedMs * 1000);
  const inAnHour = (report.requests / 3600).toFixed(1);
  console.log(
    `${report.requests} requests in ${(report.elapsedMs / 1000).toFixed(0)} s, ${perSecond} a second: ` +
      `as many as ${inAnHour} a second in an hour`,
  );
  console.log(`at rest after a tenth  ${shown(report.before)}`);
  console.log(`at rest after all      ${shown(report.after)}`);
  return told(report.problems);
}

function told(problems: readonly string[]): boolean {
  for (const problem of problems.slice(0, 20)) console.log(problem);
  console.log(problems.length === 0 ? "all is well" : `${problems.length} problems`);
  return problems.length === 0;
}

if (import.meta.main) await runMain(main, HELP);
