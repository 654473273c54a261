/**
 * Many requests in flight at once, which wait for an upstream that answers nobody before all are: each in its isolate, or
 * in line for one where V8 can hold no more.
 *
 * @module
 */
import type { EngineChoice } from "../../runtime/settings.ts";
import type { Holdings } from "./server.ts";
import { atRest, leaks, startServer } from "./soak.ts";

export interface InFlight {
  /** When all waited. */
  readonly during: Holdings;
  readonly after: Holdings;
  /** Until the last had its answer. */
  readonly ms: number;
  readonly problems: readonly string[];
}

/** How long it may take, for one that never comes. */
const PATIENCE_MS = 300_000;

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

/**
 * Sends `count` requests at once and waits for their answers, each of which must be its own.
 *
 * They come from inside the server's process: with a socket on either side, ten thousand would be more than a process may
 * have open by default.
 */
export async function sendInFlight(
  count: number,
  options: { readonly engine?: EngineChoice; readonly compareMemory?: boolean } = {},
): Promise<InFlight> {
  const answer = Promise.withResolvers<void>();
  let arrived = 0;
  const upstream = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    arrived++;
    await answer.promise;
    return new Response(new URL(request.url).pathname);
  });
  const origin = `http://127.0.0.1:${upstream.addr.port}`;
  const limits = { isolates: count + 10, wallMs: 3_600_000, queue: count, queueWaitMs: 3_600_000 };
  const { child } = await startServer({
    engine: options.engine ?? "native",
    functions: { c: { fixture: "c-http", limits, grants: { http: { allow: [origin] } } } },
    isolates: count + 10,
    memoryMb: 65_536,
  });
  try {
    const before = await atRest(child);
    const began = performance.now();
    await child.ask({ send: count, path: "/c/outgoing?url=", origin });
    const until = began + PATIENCE_MS;
    let during = await child.ask<Holdings>("now");
    while (during.isolates + during.waiting < count || arrived < during.isolates) {
      if (performance.now() > until) break;
      await sleep(20);
      during = await child.ask<Holdings>("now");
    }
    const problems: string[] = [];
    const inFlight = arrived + during.waiting;
    if (inFlight < count) problems.push(`${inFlight} of ${count} requests are in flight`);
    answer.resolve();
    let now = during;
    while (now.answered < count && performance.now() - began < 2 * PATIENCE_MS) {
      await sleep(20);
      now = await child.ask<Holdings>("now");
    }
    const ms = performance.now() - began;
    if (now.answered < count) problems.push(`${count - now.answered} of ${count} requests have no answer`);
    if (now.wrong > 0) problems.push(`${now.wrong} of ${count} answers are wrong`);
    const after = await atRest(child);
    // Its own connections are the client's, which keeps some for later.
    problems.push(...leaks({ ...before, descriptors: Infinity }, after, options.compareMemory ?? false));
    return { during, after, ms, problems };
  } finally {
    answer.resolve();
    await child.stop();
    await upstream.shutdown();
  }
}
