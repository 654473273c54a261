/**
 * The host of the guests of `fixtures/wat`: values that come back, and things that are made, lent and dropped.
 *
 * @module
 */
import { expect } from "@std/expect";
import { currentTask, withTask } from "../runtime/context.ts";
import type { Engine, Isolate } from "../runtime/engine/mod.ts";
import { WitError } from "../runtime/errors.ts";
import { Task } from "../runtime/task.ts";

export type Result = { readonly tag: "ok" | "err"; readonly val?: unknown };

/** Samples for the functions of `values.wit`, by their camelCase names. */
export const SAMPLES: Readonly<Record<string, readonly unknown[]>> = {
  echoBool: [true, false],
  echoU8: [0, 255],
  echoS8: [-128, 127],
  echoU16: [0, 65535],
  echoS16: [-32768, 32767],
  echoU32: [0, 4294967295],
  echoS32: [-2147483648, 2147483647],
  echoU64: [0n, 18446744073709551615n],
  echoS64: [-9223372036854775808n, 9223372036854775807n],
  echoF32: [0.5, -0, Infinity, NaN],
  echoF64: [0.1, -Infinity, 5e-324, NaN],
  echoChar: ["a", "é", "💧", "\0"],
  echoString: ["", "plain", "é💧\0\n", "x".repeat(100_000)],
  echoBytes: [new Uint8Array(0), new Uint8Array([0, 255, 7]), new Uint8Array(200_000).fill(3)],
  echoWords: [new Uint32Array([0, 4294967295]), new Uint32Array(0)],
  echoLongs: [new BigUint64Array([0n, 18446744073709551615n])],
  echoFloats: [new Float64Array([0.1, NaN, -0])],
  echoStrings: [[], ["", "a", "💧"]],
  echoTuple: [[255, "two", 3n]],
  echoPoint: [{ x: -1, y: 0.25, name: "p" }],
  echoNested: [
    { points: [], pair: [0, 0n] },
    { points: [{ x: 1, y: 2, name: "a" }, { x: 3, y: 4, name: "" }], maybe: { x: 5, y: 6, name: "b" }, pair: [9, 10n] },
  ],
  echoWide: [
    { a: 1n, b: 2n, c: 3n, d: 4n, e: 5n, f: 6n, g: 7n, h: 8n, i: "i", j: "jj", k: "", l: "l", m: "💧" },
  ],
  echoShape: [{ tag: "circle", val: 1.5 }, { tag: "square", val: 4294967295 }, { tag: "named", val: "n" }, {
    tag: "nothing",
  }],
  echoShapes: [[{ tag: "nothing" }, { tag: "circle", val: -0.5 }, { tag: "named", val: "last" }]],
  echoColor: ["red", "deep-blue"],
  echoRights: [
    { read: false, write: false, runAsRoot: false },
    { read: true, write: false, runAsRoot: true },
  ],
  echoOption: [undefined, "", "some"],
  echoOptionOption: [{ tag: "none" }, { tag: "some" }, { tag: "some", val: 3 }],
  echoResults: [[{ tag: "ok", val: 1 }, { tag: "err", val: "no" }]],
};

/** Values as they compare: an array is an array, typed or not, and what is undefined is not there. */
export function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
}

export function orThrow({ tag, val }: Result): unknown {
  if (tag === "err") throw new WitError(val);
  return val;
}

export function echoes(): Record<string, unknown> {
  const names = [...Object.keys(SAMPLES), "echoResult", "echoEmptyResult"];
  return Object.fromEntries(names.map((name) => [name, (value: unknown) => value]));
}

/** The host of `things.wit`, with what happens in it. */
export class World {
  /** Takes and drops, each with its task. */
  readonly events: string[] = [];
  /** Lets the host functions go on that wait, in the order in which they were called. */
  readonly waiting: (() => void)[] = [];
  /** What `fail`, `slowFail` and `explode` throw. */
  failure: unknown;
  beforeNew: () => void = () => {};
  /** The thing whose drop fails. */
  failDrop = NaN;
  readonly Thing: new (n: number) => object;
  readonly host: Readonly<Record<string, unknown>>;

  constructor() {
    // deno-lint-ignore no-this-alias -- the host's class below has a `this` of its own
    const world = this;
    class Thing {
      readonly #n: number;
      constructor(n: number) {
        world.beforeNew();
        this.#n = n;
      }
      get(): number {
        return this.#n;
      }
      async slowGet(): Promise<number> {
        await turn();
        return this.#n;
      }
      static make(n: number): Thing {
        return new Thing(n);
      }
      static merge(taken: Thing, read: Thing): Thing {
        return new Thing(taken.#n + read.#n);
      }
      [Symbol.dispose](): void {
        if (this.#n === world.failDrop) throw new Error("cannot be dropped");
        world.events.push(`${currentTask().id}: drop ${this.#n}`);
      }
    }
    this.Thing = Thing;
    this.host = {
      Thing,
      who: () => currentTask().id,
      slowWho: async () => {
        const before = currentTask().id;
        await new Promise<void>((go) => this.waiting.push(go));
        return before === currentTask().id ? before : `${before} became ${currentTask().id}`;
      },
      fail: () => this.#answer(),
      slowFail: async () => {
        await turn();
        return this.#answer();
      },
      explode: () => {
        throw this.failure;
      },
      take: (thing: Thing) => this.events.push(`${currentTask().id}: take ${thing.get()}`) && undefined,
      things: (n: number) => Array.from({ length: n }, (_, i) => new Thing(100 + i)),
    };
  }

  #answer(): number {
    if (this.failure !== undefined) throw this.failure;
    return 5;
  }

  /** Runs `body` with an isolate in a task of its own, and ends both. */
  async run(
    component: Awaited<ReturnType<Engine["load"]>>,
    id: string,
    body: (isolate: Isolate, task: Task) => Promise<void>,
  ): Promise<void> {
    const linked = await component.link({ "test:things/host@1.0.0": this.host });
    await inTask(id, async (task) => await body(await linked.instantiate(), task));
  }
}

export async function inTask(id: string, body: (task: Task) => Promise<void>): Promise<void> {
  const task = new Task({ function: "suite", requestId: id });
  try {
    await withTask(task, () => body(task));
  } finally {
    task.end();
  }
}

/** What a promise rejects with. */
export async function thrown(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}

/** The err that a guest's result has. */
export async function refused(promise: Promise<unknown>): Promise<unknown> {
  const error = await thrown(promise);
  expect(error).toBeInstanceOf(WitError);
  return (error as WitError).payload;
}

/** A turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
