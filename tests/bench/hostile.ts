/**
 * What a server does beside guests that compute without end, and callers who never finish.
 *
 * @module
 */
import type { ChildOptions } from "./child.ts";
import { C_HTTP, SMALL } from "./components.ts";
import type { EngineName } from "./engines.ts";
import type { LoadReport } from "./load.ts";
import { alone, type Bench, get, openServer, sampleOf, type Scenario, served, type Station } from "./scenario.ts";
import { SPIN_CPU_MS } from "./spin.ts";
import type { Usage } from "./usage.ts";

const SPINNERS = 4;
const SPIN = "/spin?n=1000000000000000";

/** Spinners, one or four at once: by how much they exceed their CPU time before they end. */
export function overrun(engine: EngineName): Scenario {
  return {
    name: `spin/${engine}/past ${SPIN_CPU_MS} ms`,
    concurrency: [1, SPINNERS],
    rounds: 3,
    async open(bench, c, options) {
      const { cacheDir } = bench;
      const station = await alone(
        { kind: "spin", engine, component: await C_HTTP.wasm(), cacheDir, path: SPIN, c },
        options,
      );
      return { ...station, measure: async (ms) => ({ ...await station.measure(ms), perSecond: null }) };
    },
  };
}

/** Callers who send a byte of their request's head now and then. */
const SLOW_CALLERS = 1000;
const SLOW_BYTE_MS = 500;

/** A small component beside callers who never finish asking. */
export function slowCallers(engine: EngineName): Scenario {
  return {
    name: `slow/${engine}/small beside ${SLOW_CALLERS} slow callers`,
    concurrency: [16],
    baseline: `${engine}/${SMALL.name}`,
    rounds: 3,
    async open(bench, c, options) {
      const spec = await served(bench, engine, SMALL);
      const { child, port } = await openServer(spec, options);
      const callers = await Promise.all(
        Array.from({ length: SLOW_CALLERS }, () => Deno.connect({ hostname: "127.0.0.1", port })),
      );
      const say = (text: string) => Promise.all(callers.map((caller) => caller.write(new TextEncoder().encode(text))));
      await say(`GET ${SMALL.path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nx-slow: `);
      let failed: unknown;
      const more = setInterval(() => void say("x").catch((error) => failed = error), SLOW_BYTE_MS);
      return {
        async measure(ms) {
          const from = await child.ask<Usage>({});
          const report = await bench.load.ask<LoadReport>(get(c, SMALL.path, SMALL.body)(port, ms));
          // One that was cut off would cost nothing.
          if (failed !== undefined) throw failed;
          return sampleOf(report, from, await child.ask<Usage>({}));
        },
        async stop() {
          clearInterval(more);
          for (const caller of callers) caller.close();
          await child.stop();
        },
      };
    },
  };
}

/** A quiet function while four others compute on the same core, without end. */
export function fair(engine: EngineName): Scenario {
  return {
    name: `fair/${engine}/quiet under ${SPINNERS} spinners`,
    concurrency: [1],
    rounds: 3,
    open: (bench, c, options) => beside(SPINNERS, engine, c, bench, options),
  };
}

/** A function with more requests than it can answer, alone or beside four that compute: its share is a fifth. */
export function share(engine: EngineName, spinners: 0 | typeof SPINNERS): Scenario {
  const name = (spinners: number) => `share/${engine}/${spinners === 0 ? "alone" : `beside ${spinners} spinners`}`;
  return {
    name: name(spinners),
    concurrency: [16],
    rounds: 3,
    ...(spinners === 0 ? {} : { baseline: name(0) }),
    open: (bench, c, options) => beside(spinners, engine, c, bench, options),
  };
}

async function beside(
  spinners: number,
  engine: EngineName,
  c: number,
  bench: Bench,
  options?: ChildOptions,
): Promise<Station> {
  const spec = await served(bench, engine, C_HTTP);
  const { child, port } = await openServer(spec, options);
  const over = new AbortController();
  const spin = async () => {
    // Each ends at its CPU limit, and another takes its place.
    while (!over.signal.aborted) {
      await fetch(`http://127.0.0.1:${port}${SPIN}`, { signal: over.signal })
        .then((response) => response.body?.cancel(), () => {});
    }
  };
  const spinning = Promise.all(Array.from({ length: spinners }, spin));
  return {
    async measure(ms) {
      const from = await child.ask<Usage>({});
      const report = await bench.load.ask<LoadReport>(get(c, "/hello", "hello\n")(port, ms));
      return sampleOf(report, from, await child.ask<Usage>({}));
    },
    async stop() {
      over.abort();
      await spinning;
      await child.stop();
    },
  };
}
