/**
 * The built-ins of async, called at random: in any order and state, now and then with handles of the wrong kind. Whatever a
 * guest does with them, it goes on or traps.
 *
 * @module
 */
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { camelCase } from "../../runtime/component/mod.ts";
import { withTask } from "../../runtime/context.ts";
import { type LinkedComponent, waits } from "../../runtime/engine/mod.ts";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import { calledOff, toGuestStream } from "../../runtime/engine/streams.ts";
import { ByteChannel } from "../../runtime/streams/bytes.ts";
import { Task } from "../../runtime/task.ts";
import { story, trapText } from "./errors.ts";
import { Random } from "./wit_types.ts";

/** Where the guest has its buffers, and the host puts results and events. */
const BUFFER = "(i32.const 1024)", RESULT = "(i32.const 512)", EVENT = "(i32.const 256)";
const A = "(local.get 0)", B = "(local.get 1)";

interface Builtin {
  readonly canon: string;
  /** The core type, and what it is called with. */
  readonly params?: readonly string[];
  readonly result?: "i32" | "i64";
  readonly args?: readonly string[];
}

const memory = '(memory (core memory $memory "m"))';
const realloc = '(realloc (core func $memory "r"))';

/** The built-ins of streams and futures, with and without waiting. */
function copies(kind: "stream" | "future"): Record<string, Builtin> {
  const count = kind === "stream" ? [B] : [];
  const made: Record<string, Builtin> = { [`${kind}-new`]: { canon: `${kind}.new $${kind}`, result: "i64" } };
  for (const way of ["read", "write"] as const) {
    for (const async of ["", " async"]) {
      const name = `${kind}-${way}${async === "" ? "-wait" : ""}`;
      const args = [A, BUFFER, ...count];
      made[name] = {
        canon: `${kind}.${way} $${kind}${async} ${memory}`,
        params: args.map(() => "i32"),
        args,
        result: "i32",
      };
      made[`${kind}-cancel-${way}${async === "" ? "-wait" : ""}`] = {
        canon: `${kind}.cancel-${way} $${kind}${async}`,
        params: ["i32"],
        args: [A],
        result: "i32",
      };
    }
  }
  for (const side of ["readable", "writable"]) {
    made[`${kind}-drop-${side}`] = { canon: `${kind}.drop-${side} $${kind}`, params: ["i32"], args: [A] };
  }
  return made;
}

const one: Omit<Builtin, "canon"> = { params: ["i32"], args: [A] };
const asked: Omit<Builtin, "canon"> = { ...one, result: "i32" };

const BUILTINS: Readonly<Record<string, Builtin>> = {
  ...copies("stream"),
  ...copies("future"),
  "later": {
    canon: `lower (func $host "later") async ${memory}`,
    params: ["i32", "i32"],
    args: [A, RESULT],
    result: "i32",
  },
  "now": {
    canon: `lower (func $host "now") async ${memory}`,
    params: ["i32", "i32"],
    args: [A, RESULT],
    result: "i32",
  },
  "never": { canon: `lower (func $host "never") async`, result: "i32" },
  "bytes": { canon: `lower (func $host "bytes")`, result: "i32" },
  "soon": { canon: `lower (func $host "soon")`, result: "i32" },
  "take": { canon: `lower (func $host "take")`, ...one },
  "subtask-cancel": { canon: "subtask.cancel async", ...asked },
  "subtask-cancel-wait": { canon: "subtask.cancel", ...asked },
  "subtask-drop": { canon: "subtask.drop", ...one },
  "set-new": { canon: "waitable-set.new", result: "i32" },
  "set-wait": { canon: `waitable-set.wait ${memory}`, params: ["i32", "i32"], args: [A, EVENT], result: "i32" },
  "set-poll": { canon: `waitable-set.poll ${memory}`, params: ["i32", "i32"], args: [A, EVENT], result: "i32" },
  "set-drop": { canon: "waitable-set.drop", ...one },
  "join": { canon: "waitable.join", params: ["i32", "i32"], args: [A, B] },
  "error-new": { canon: `error-context.new ${memory}`, params: ["i32", "i32"], args: [BUFFER, B], result: "i32" },
  "error-message": {
    canon: `error-context.debug-message ${memory} ${realloc}`,
    params: ["i32", "i32"],
    args: [A, RESULT],
  },
  "error-drop": { canon: "error-context.drop", ...one },
  "backpressure-inc": { canon: "backpressure.inc" },
  "backpressure-dec": { canon: "backpressure.dec" },
  "task-cancel": { canon: "task.cancel" },
  "task-return": { canon: "task.return (result u32)", ...one },
  "yield": { canon: "thread.yield", result: "i32" },
};
const NAMES = Object.keys(BUILTINS);

const lines = (line: (name: string, builtin: Builtin) => string) =>
  Object.entries(BUILTINS).map(([name, builtin]) => line(name, builtin)).join("\n");

function signature({ params = [], result }: Builtin): string {
  return `${params.map((type) => `(param ${type})`).join("")}${result === undefined ? "" : `(result ${result})`}`;
}

/** Each built-in is a function of two numbers. */
function wrapper(name: string, { args = [], result }: Builtin): string {
  const call = `(call $${name} ${args.join(" ")})`;
  const value = result === "i64" ? call : result === "i32" ? `(i64.extend_i32_u ${call})` : `${call} (i64.const 0)`;
  return `(func (export "${name}") (param i32 i32) (result i64) ${value})`;
}

const COMPONENT = new Uint8Array(
  await parse(`(component
    (import "host" (instance $host
      (export "later" (func async (param "n" u32) (result u32)))
      (export "now" (func async (param "n" u32) (result u32)))
      (export "never" (func async))
      (export "bytes" (func (result (stream u8))))
      (export "soon" (func (result (future u8))))
      (export "take" (func (param "s" (stream u8))))))
    (core module $libc
      (memory (export "m") 1) (global $heap (mut i32) (i32.const 8192))
      (func (export "r") (param i32 i32 i32 i32) (result i32)
        (global.get $heap) (global.set $heap (i32.add (global.get $heap) (local.get 3)))))
    (core instance $memory (instantiate $libc))
    (type $stream (stream u8)) (type $future (future u8))
    ${lines((name, { canon }) => `(canon ${canon} (core func $${name}))`)}
    (core module $m
      ${lines((name, builtin) => `(import "" "${name}" (func $${name} ${signature(builtin)}))`)}
      ${lines(wrapper)})
    (core instance $i (instantiate $m (with "" (instance ${lines((name) => `(export "${name}" (func $${name}))`)}))))
    ${
    lines((name) =>
      `(func (export "${name}") async (param "a" u32) (param "b" u32) (result u64) (canon lift (core func $i "${name}")))`
    )
  })`),
);

/** A call of the host's that the guest may take back. */
function until<T>(start: (resolve: (value: T) => void) => void): Promise<T> {
  return calledOff((signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      start(resolve);
    })
  );
}

const HOST = {
  host: {
    later: waits((n: number) => until<number>((resolve) => setTimeout(() => resolve(n), 0))),
    now: (n: number) => n,
    never: waits(() => until<void>(() => {})),
    bytes() {
      const { sink, source } = new ByteChannel();
      sink.write(new Uint8Array([1, 2, 3]));
      setTimeout(() => {
        sink.write(new Uint8Array([4]));
        sink.close();
      }, 0);
      return toGuestStream(source);
    },
    soon: () => Promise.resolve(7),
    // It does not wait for the guest: what it takes comes later.
    take: (stream: unknown): void => void takeAll(stream).catch(() => {}),
  },
};

async function takeAll(stream: unknown): Promise<void> {
  for await (const _ of stream as AsyncIterable<unknown>) { /* all of it */ }
}

const ROUNDS = 300;

/** What a handle is of, and which built-ins take one. */
type Kind = "rs" | "ws" | "rf" | "wf" | "subtask" | "set" | "error";

function kindOf(name: string): Kind | undefined {
  const copy = /^(stream|future)-.*(read|writ)/.exec(name);
  if (copy !== null) return `${copy[2] === "read" ? "r" : "w"}${copy[1] === "stream" ? "s" : "f"}`;
  if (name === "take") return "rs";
  if (name.startsWith("subtask-")) return "subtask";
  if (/^set-[^n]/.test(name)) return "set";
  return /^error-[^n]/.test(name) ? "error" : undefined;
}

/** The handles that a guest should have, as far as it is told. */
class Handles {
  readonly #all: Record<Kind, number[]> = { rs: [], ws: [], rf: [], wf: [], subtask: [], set: [], error: [] };
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Mostly one of these kinds; nothing if there is none. */
  one(kinds: readonly Kind[]): number | undefined {
    if (this.#random.below(200) === 0) return this.#random.below(12);
    const handles = kinds.flatMap((kind) => this.#all[kind]);
    return handles.length === 0 ? undefined : this.#random.one(handles);
  }

  learn(name: string, result: bigint, first: number): void {
    const low = Number(result & 0xffff_ffffn);
    if (name === "stream-new") this.#add("rs", low).#add("ws", Number(result >> 32n));
    else if (name === "future-new") this.#add("rf", low).#add("wf", Number(result >> 32n));
    else if (name === "bytes") this.#add("rs", low);
    else if (name === "soon") this.#add("rf", low);
    else if (name === "set-new") this.#add("set", low);
    else if (name === "error-new") this.#add("error", low);
    else if (["later", "never", "now"].includes(name) && low >> 4 !== 0) this.#add("subtask", low >> 4);
    else if (/-drop|^take$/.test(name)) this.#forget(kindOf(name)!, first);
  }

  #add(kind: Kind, handle: number): this {
    this.#all[kind].push(handle);
    return this;
  }

  #forget(kind: Kind, handle: number): void {
    this.#all[kind] = this.#all[kind].filter((other) => other !== handle);
  }
}

const WAITABLES: readonly Kind[] = ["rs", "ws", "rf", "wf", "subtask"];

/** One in so many times: most of what these do is to trap. */
function rarity(name: string): number {
  if (/^task-|^backpressure-/.test(name)) return 20;
  return /cancel|wait$/.test(name) ? 8 : /drop/.test(name) ? 3 : 1;
}

const turn = () => new Promise<"blocked">((resolve) => setTimeout(() => resolve("blocked"), 0));

/** How often each of these came. */
const ends = { went: 0, trapped: 0, blocked: 0 };

async function romp(linked: LinkedComponent, random: Random): Promise<void> {
  const task = new Task({ function: "monkey" });
  const handles = new Handles(random);
  const did: string[] = [];
  try {
    await withTask(task, async () => {
      const isolate = await linked.instantiate();
      const root = isolate.exports["$root"]!;
      for (let left = 200; left > 0; left--) {
        const name = random.one(NAMES);
        if (random.below(rarity(name)) > 0) continue;
        const kind = kindOf(name);
        const a = name === "join" ? handles.one(WAITABLES) : kind === undefined ? random.below(5) : handles.one([kind]);
        const b = name === "join" && random.below(4) > 0 ? handles.one(["set"]) ?? 0 : random.below(6);
        if (a === undefined) continue;
        did.push(`${name} ${a} ${b}`);
        try {
          const answer = root[camelCase(name)]!(a, b);
          answer.catch(() => {});
          let result = await Promise.race([answer, turn()]);
          for (let turns = 0; result === "blocked" && turns < 3; turns++) result = await Promise.race([answer, turn()]);
          if (result === "blocked") {
            // Its isolate ends while it waits.
            ends.blocked++;
            break;
          }
          handles.learn(name, result as bigint, a);
          ends.went++;
        } catch (error) {
          if (trapText(error, false) === undefined) {
            throw new Error(`${did.join(", ")}: ${story(error)}`, { cause: error });
          }
          ends.trapped++;
          await expect(root.yield!(0, 0)).rejects.toThrow("the isolate is over");
          break;
        }
      }
      isolate.dispose();
    });
  } finally {
    task.end();
  }
}

Deno.test("whatever a guest does with the built-ins of async, it goes on or traps", async () => {
  const linked = await (await nativeEngine.load(COMPONENT, { name: "monkey" })).link(HOST);
  for (let seed = 1; seed <= ROUNDS; seed++) await romp(linked, new Random(seed));
  expect(ends.went).toBeGreaterThan(2 * ROUNDS);
  expect(ends.trapped).toBeGreaterThan(ROUNDS / 10);
  expect(ends.blocked).toBeGreaterThan(0);
  // What the host still had to say comes to nobody, and nothing of it fails.
  for (let turns = 0; turns < 3; turns++) await turn();
});
