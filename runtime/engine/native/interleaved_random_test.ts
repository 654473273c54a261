/**
 * Requests that wait, trap, and are left while others run in the instances that they leave: none finds a trace of another.
 *
 * @module
 */
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { WitError } from "../../errors.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { Task } from "../../task.ts";
import type { Engine, Isolate, LinkedComponent } from "../mod.ts";
import { waits } from "../mod.ts";
import { random } from "../meter/testdata/random_module.ts";
import { call } from "./_testing.ts";
import { createNativeEngine, nativeEngine } from "./mod.ts";
import { HOST, WAT } from "./testdata/interleaved.ts";

const REQUESTS = 300;
const AT_ONCE = 12;

/** What the host has still to answer; while there is nobody to choose, it does so by itself. */
let late: (() => void)[] | undefined;

function answerLater<T>(make: () => T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (late === undefined) queueMicrotask(resolve);
  else late.push(resolve);
  return promise.then(make);
}

function fail(error: Error): never {
  throw error;
}

const held = new Set<Thing>();
const faults: string[] = [];

class Thing {
  readonly #n: number;

  constructor(n: number) {
    this.#n = n;
    held.add(this);
  }

  later(text: string): string | Promise<string> {
    if (text.length % 3 === 0) return answerLater(() => `${text}${this.#n}`);
    return text.length % 19 === 0 ? answerLater(() => fail(new Error("late"))) : `${text}!`;
  }

  static merge(a: Thing, b: Thing): Thing {
    held.delete(a);
    held.delete(b);
    return new Thing(a.#n + b.#n);
  }

  [Symbol.dispose](): void {
    if (!held.delete(this)) faults.push("a thing is dropped that nobody holds");
    if (this.#n % 13 === 0) throw new Error("it will not go");
  }
}
waits(Thing.prototype.later);

const host = {
  [HOST]: {
    Thing,
    wait: waits((n: number) => n % 4 === 0 ? answerLater(() => n + 1) : n),
    maybe: waits((n: number) => {
      if (n % 3 === 0) throw new WitError(`no ${n}`);
      return n % 3 === 1 ? answerLater(() => n % 2 === 0 ? n : fail(new WitError(`not ${n}`))) : n;
    }),
  },
};

interface Script {
  readonly calls: readonly (readonly [name: string, n: number])[];
  /** During which of them the task ends, if it does. */
  readonly leavesAt: number;
}

/** Calls that mostly go well: with handles that are there. */
function scriptOf(seed: number): Script {
  const next = random(seed);
  const table: string[] = ["none"];
  const handleOf = (made: string) => {
    const there = table.flatMap((what, index) => what === made && index < 8 ? [index] : []);
    return there.length === 0 ? 7 : there[next(there.length)]!;
  };
  const calls: [string, number][] = [];
  const push = (name: string, n: number) => {
    if (name === "new" || name === "count") table.push(name);
    calls.push([name, n]);
  };
  for (let i = 2 + next(14); i > 0; i--) {
    const of = next(2) === 0 ? "new" : "count";
    const kind = next(16);
    if (!table.includes(of) || kind < 2) push(of, next(20));
    else if (kind < 7) push(of === "new" ? "later" : "get", handleOf(of) + 8 * next(4));
    else if (kind < 9) push("wait", next(20));
    else if (kind < 11) push("maybe", next(40));
    else if (kind < 13) push("poke", next(40));
    else if (kind < 14) push("grow", next(4));
    else if (next(3) > 0) continue;
    else {
      // A handle that is taken out of the table with one that is none is lost with its guest.
      const pair = table.findIndex((what, index) => what === "new" && table[index + 1] === what);
      const name = ["drop", "uncount", pair < 0 ? "poke" : "merge", "trap"][next(4)]!;
      push(name, name === "merge" ? pair : next(4));
      // From now on it is not known which handles there are.
      break;
    }
  }
  return { calls, leavesAt: next(4) === 0 ? next(calls.length) : -1 };
}

const limits = { ...DEFAULT_LIMITS, wallMs: 3_600_000, cpuMs: 3_600_000 };

/** What one request sees: first and last all that another could have left. */
async function request(linked: LinkedComponent, { calls, leavesAt }: Script): Promise<string[]> {
  const task = new Task({ function: "test", limits });
  const seen: string[] = [];
  const look = async (isolate: Isolate) => {
    seen.push(`${await call(isolate, "state")} ${await call(isolate, "innerState")}`);
  };
  await withTask(task, async () => {
    const isolate = await linked.instantiate();
    await look(isolate);
    for (const [index, [name, n]] of calls.entries()) {
      const answer = call(isolate, name, n).catch((error: Error) => `failed: ${error.message}`);
      // Nobody hears how this one ends.
      if (index === leavesAt) return task.end();
      seen.push(`${name} ${n}: ${await answer}`);
      if (seen.at(-1)!.includes("failed")) return;
    }
    await look(isolate);
  });
  task.end();
  return seen;
}

const bytes = new Uint8Array(await parse(WAT));
const link = async (engine: Engine) => await (await engine.load(bytes, { name: "interleaved" })).link(host);
const scripts = Array.from({ length: REQUESTS }, (_, index) => scriptOf(index + 1));

/** What each request sees that is alone, in instances that are made for it. */
const alone = (async () => {
  const anew = await link(createNativeEngine({ restore: false }));
  const seen: string[][] = [];
  for (const script of scripts) seen.push(await request(anew, script));
  return seen;
})();

/** What each of them sees while others run, and how often the host has let one of them wait. */
async function together(engine: Engine): Promise<{ found: string[][]; waited: number }> {
  const restored = await link(engine);
  const next = random(1);
  const waiting: (() => void)[] = late = [];
  const found: string[][] = [];
  let [begun, running, waited] = [0, 0, 0];
  try {
    while (begun < REQUESTS || running > 0) {
      for (let i = next(4); i > 0 && running < AT_ONCE && begun < REQUESTS; i--) {
        const index = begun++;
        running++;
        void request(restored, scripts[index]!).catch((error) => [`${error}`]).then((seen) => {
          found[index] = seen;
          running--;
        });
      }
      await new Promise((resolve) => setTimeout(resolve));
      // Also for those who have left by now.
      for (let i = next(5); i >= 0 && waiting.length > 0; i--) {
        waited++;
        waiting.splice(next(waiting.length), 1)[0]!();
      }
    }
  } finally {
    late = undefined;
  }
  return { found, waited };
}

async function findNothing(engine: Engine): Promise<void> {
  const expected = await alone;
  const { found, waited } = await together(engine);
  for (const [index, seen] of expected.entries()) expect([index, ...found[index]!]).toEqual([index, ...seen]);
  // Otherwise there would be little to find.
  const count = (having: (seen: string[]) => boolean) => expected.filter(having).length;
  expect(count((seen) => seen.at(-1)!.includes("failed"))).toBeGreaterThan(REQUESTS / 10);
  expect(count((seen) => seen.length > 3 && !seen.at(-1)!.includes(":") && seen[0] !== seen.at(-1))).toBeGreaterThan(
    REQUESTS / 10,
  );
  expect(waited).toBeGreaterThan(REQUESTS / 3);
  expect([faults, held.size]).toEqual([[], 0]);
}

Deno.test("requests that wait, trap and are left at random find nothing of each other in restored instances", async () => {
  await findNothing(nativeEngine);
});

Deno.test("nor do they in instances that note the pages that they write to", async () => {
  await findNothing(createNativeEngine({ rangeCodeBytes: 0 }));
});
