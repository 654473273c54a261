/**
 * Soaking: sends a server much, and looks whether it holds afterwards what it held before.
 *
 * @module
 */
import { Child } from "../bench/child.ts";
import type { EngineChoice } from "../../runtime/settings.ts";
import type { Holdings, SoakSpec } from "./server.ts";
import { Caller, FUNCTIONS, type Kind, mix } from "./traffic.ts";

/** What to send. */
export interface SoakOptions {
  readonly kinds: readonly Kind[];
  /** At most so many requests. */
  readonly requests: number;
  /** At most so long, in milliseconds. Default: however long it takes. */
  readonly ms?: number;
  /** Connections at once. */
  readonly connections: number;
  readonly engine?: EngineChoice;
  /** Whether memory is compared: not, where it is too little traffic to tell. Default: true. */
  readonly compareMemory?: boolean;
  /** Hears how it stands, some twenty times. */
  readonly onProgress?: (done: number, holdings: Holdings) => void;
}

/** How it went. */
export interface SoakReport {
  readonly requests: number;
  readonly elapsedMs: number;
  /** After the first tenth, at rest. */
  readonly before: Holdings;
  /** At rest. */
  readonly after: Holdings;
  /** What was not as it should be; the first hundred. */
  readonly problems: readonly string[];
}

/** What may remain: the collector and the allocator keep some, and none of it grows with the number of requests. */
const RSS_GROWTH_MB = 80;
const HEAP_GROWTH_MB = 8;
const DESCRIPTOR_GROWTH = 4;
/** Memories that are kept for the next isolates, of all functions together. */
const MEMORIES_KEPT = 64 * Object.keys(FUNCTIONS).length;

const MAX_PROBLEMS = 100;

/** How long a server may take to be at rest: the longest that a task of the mix may last, many times over. */
const REST_MS = 120_000;

/** Starts a server. */
export async function startServer(spec: Partial<SoakSpec> = {}): Promise<{ child: Child; port: number }> {
  const whole: SoakSpec = { engine: "native", functions: FUNCTIONS, isolates: 4000, memoryMb: 4096, ...spec };
  const script = new URL("./server.ts", import.meta.url).href;
  const child = new Child(script, whole, { flags: ["--v8-flags=--expose-gc"] });
  const ready = await child.hear<{ port: number } | { error: string }>();
  if ("error" in ready) {
    await child.stop();
    throw new Error(ready.error);
  }
  return { child, port: ready.port };
}

/** What the server holds when nobody asks it for anything: as soon as its last task is over. */
export async function atRest(child: Child): Promise<Holdings> {
  const until = performance.now() + REST_MS;
  for (;;) {
    const holdings = await child.ask<Holdings>("settled");
    if (holdings.tasks + holdings.isolates + holdings.waiting === 0 || performance.now() > until) {
      // Connections that were closed on this side are, a moment later, on that one.
      await new Promise((done) => setTimeout(done, 100));
      return await child.ask<Holdings>("settled");
    }
  }
}

/** Sends the mix to a server of its own. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { child, port } = await startServer({ engine: options.engine ?? "native" });
  try {
    const problems: string[] = [];
    const row = mix(options.kinds);
    const began = performance.now();
    const end = options.ms === undefined ? Infinity : began + options.ms;
    let sent = 0, done = 0;
    const send = async (count: number, until: number) => {
      await Promise.all(Array.from({ length: options.connections }, async () => {
        const caller = new Caller(port);
        while (sent < count && performance.now() < until) {
          const problem = await caller.send(row[sent++ % row.length]!);
          done++;
          if (problem !== undefined && problems.length < MAX_PROBLEMS) problems.push(problem);
        }
        caller.close();
      }));
    };
    // What is made once, of code, pools and buffers, is there after the first tenth.
    await send(Math.ceil(options.requests / 10), began + (end - began) / 10);
    const before = await atRest(child);
    for (let part = 1; part <= 20 && done < options.requests && performance.now() < end; part++) {
      const share = part / 20;
      const count = Math.ceil(options.requests * (0.1 + 0.9 * share));
      await send(count, end === Infinity ? end : began + (end - began) * (0.1 + 0.9 * share));
      options.onProgress?.(done, await child.ask<Holdings>("now"));
    }
    const elapsedMs = performance.now() - began;
    const after = await atRest(child);
    problems.push(...leaks(before, after, options.compareMemory ?? true));
    return { requests: done, elapsedMs, before, after, problems };
  } finally {
    await child.stop();
  }
}

/** What a server at rest holds that it should not. */
export function leaks(before: Holdings, after: Holdings, compareMemory: boolean): string[] {
  const problems: string[] = [];
  const check = (what: string, most: number, found: number) => {
    if (found > most) {
      problems.push(`at rest: ${what}: ${Math.round(found * 10) / 10}, at most ${Math.round(most * 10) / 10}`);
    }
  };
  check("tasks", 0, after.tasks);
  check("isolates", 0, after.isolates);
  check("requests that wait", 0, after.waiting);
  check("bytes of linear memory", 0, after.memory);
  check("memories", MEMORIES_KEPT, after.memories);
  check("descriptors", before.descriptors + DESCRIPTOR_GROWTH, after.descriptors);
  if (!compareMemory) return problems;
  check("MB of resident memory", before.rssMb + RSS_GROWTH_MB, after.rssMb);
  check("MB of JavaScript heap", before.heapMb + HEAP_GROWTH_MB, after.heapMb);
  return problems;
}
