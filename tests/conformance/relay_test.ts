/**
 * Streams and futures of generated types, sent through a guest that reads each element and writes it to a stream of its
 * own: values, the host's resources, error contexts, and streams and futures of those.
 *
 * @module
 */
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { withTask } from "../../runtime/context.ts";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import { Task } from "../../runtime/task.ts";
import { canonical, PRIMITIVES, Random, randomValue } from "./wit_types.ts";

/** Types that need no name: those that do differ from them by their names alone. */
type Type =
  | { readonly kind: typeof PRIMITIVES[number] | "thing" | "error-context" }
  | { readonly kind: "list" | "option" | "stream" | "future"; readonly of: Type }
  | { readonly kind: "tuple"; readonly types: readonly Type[] }
  | { readonly kind: "result"; readonly ok: Type; readonly err: Type };

function randomType(random: Random, depth: number): Type {
  if (depth === 0) {
    return { kind: random.one([...PRIMITIVES, "thing", "thing", "error-context"] as const) };
  }
  const inner = () => randomType(random, depth - 1);
  const kind = random.one(["list", "option", "stream", "future", "tuple", "result"] as const);
  switch (kind) {
    case "tuple":
      return { kind, types: Array.from({ length: 1 + random.below(3) }, inner) };
    case "result":
      return { kind, ok: inner(), err: inner() };
    default: {
      const of = inner();
      return { kind, of: isPossible(kind, of) ? of : { kind: "u8" } };
    }
  }
}

/** There is no stream of characters, and in JavaScript no promise of a promise. */
function isPossible(kind: Type["kind"], of: Type): boolean {
  if (kind === "stream") return of.kind !== "char";
  return kind !== "future" || of.kind !== "future" && (of.kind !== "option" || isPossible(kind, of.of));
}

function text(type: Type, inner: (type: Type) => string = text): string {
  switch (type.kind) {
    case "thing":
      return "(own $thing)";
    case "list":
    case "option":
    case "stream":
    case "future":
      return `(${type.kind} ${inner(type.of)})`;
    case "tuple":
      return `(tuple ${type.types.map((t) => inner(t)).join(" ")})`;
    case "result":
      return `(result ${inner(type.ok)} (error ${inner(type.err)}))`;
    default:
      return type.kind;
  }
}

/** Definitions of types, each with those that are in it before it. */
class Definitions {
  readonly lines: string[] = [];

  /** A type where it is used. */
  readonly use = (type: Type): string => {
    const definition = text(type, this.use);
    return definition.startsWith("(") ? this.define(`$type${this.lines.length}`, definition) : definition;
  };

  define(name: string, definition: string): string {
    this.lines.push(`(type ${name} ${definition})`);
    return name;
  }
}

const SIZES: Readonly<Record<string, number>> = { bool: 1, s8: 1, u8: 1, s16: 2, u16: 2, s64: 8, u64: 8, f64: 8 };

/** The size and alignment of a value in a guest's memory. */
function layout(type: Type): readonly [size: number, align: number] {
  const round = (at: number, align: number) => Math.ceil(at / align) * align;
  const cases = (...of: Type[]): [number, number] => {
    const payloads = of.map(layout);
    const align = Math.max(...payloads.map(([, align]) => align));
    return [round(align + Math.max(...payloads.map(([size]) => size)), align), align];
  };
  switch (type.kind) {
    case "list":
    case "string":
      return [8, 4];
    case "option":
      return cases(type.of);
    case "result":
      return cases(type.ok, type.err);
    case "tuple": {
      let [end, most] = [0, 1];
      for (const [size, align] of type.types.map(layout)) {
        end = round(end, align) + size;
        most = Math.max(most, align);
      }
      return [round(end, most), most];
    }
    default: {
      const size = SIZES[type.kind] ?? 4;
      return [size, size];
    }
  }
}

class Thing {
  readonly id: number;
  constructor(id: number) {
    this.id = id;
  }
}

/** A random value as plain data. */
function plain(random: Random, type: Type): unknown {
  switch (type.kind) {
    case "thing":
      return random.below(1000);
    case "error-context":
      return `error ${random.below(1000)}`;
    case "list":
    case "stream":
      return Array.from({ length: random.one([0, 1, 3, 9]) }, () => plain(random, type.of));
    case "option":
      return random.below(3) === 0 ? [] : [plain(random, type.of)];
    case "future":
      return plain(random, type.of);
    case "tuple":
      return type.types.map((inner) => plain(random, inner));
    case "result": {
      const tag = random.one(["ok", "err"] as const);
      return [tag, plain(random, type[tag])];
    }
    default:
      return randomValue(random, { kind: type.kind });
  }
}

/** The same for the host: what is in streams and futures comes at once, or later. */
function toHost(random: Random, type: Type, value: unknown): unknown {
  const items = () => (value as unknown[]).map((item) => toHost(random, (type as Type & { of: Type }).of, item));
  switch (type.kind) {
    case "thing":
      return new Thing(value as number);
    case "error-context":
      return new Error(value as string);
    case "list":
      return items();
    case "stream":
      return random.below(2) === 0 ? items() : later(items());
    case "option": {
      const [item] = items();
      if (type.of.kind !== "option") return item;
      return (value as unknown[]).length === 0 ? { tag: "none" } : { tag: "some", val: item };
    }
    case "future": {
      const inner = toHost(random, type.of, value);
      return random.below(2) === 0 ? Promise.resolve(inner) : turn().then(() => inner);
    }
    case "tuple":
      return type.types.map((inner, i) => toHost(random, inner, (value as unknown[])[i]));
    case "result": {
      const [tag, val] = value as ["ok" | "err", unknown];
      return { tag, val: toHost(random, type[tag], val) };
    }
    default:
      return value;
  }
}

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

/** Not a generator, which would wait for the promises among its items. */
function later(items: unknown[]): AsyncIterable<unknown> {
  const from = items.values();
  return { [Symbol.asyncIterator]: () => ({ next: () => turn().then(() => from.next()) }) };
}

/** Reads all that is in a value, as plain data. */
async function fromHost(type: Type, value: unknown): Promise<unknown> {
  const all = async (items: Iterable<unknown>, of: Type) => {
    const found: unknown[] = [];
    for (const item of items) found.push(await fromHost(of, item));
    return found;
  };
  switch (type.kind) {
    case "thing":
      expect(value).toBeInstanceOf(Thing);
      return (value as Thing).id;
    case "error-context":
      // Of a stream that only its handle went through the guest, elements are as the host gave them.
      return value instanceof Error ? value.message : (value as { debugMessage: string }).debugMessage;
    case "list":
      return await all(value as Iterable<unknown>, type.of);
    case "stream": {
      const found: unknown[] = [];
      for await (const item of value as AsyncIterable<unknown>) {
        if (type.of.kind === "u8" && typeof item !== "number") found.push(...(item as Uint8Array));
        else found.push(await fromHost(type.of, item));
      }
      return found;
    }
    case "option":
      if (type.of.kind === "option") {
        const { tag, val } = value as { tag: string; val: unknown };
        return tag === "none" ? [] : [await fromHost(type.of, val)];
      }
      return value === undefined ? [] : [await fromHost(type.of, value)];
    case "future":
      return await fromHost(type.of, await (value as PromiseLike<unknown>));
    case "tuple":
      return await Promise.all(type.types.map((inner, i) => fromHost(inner, (value as unknown[])[i])));
    case "result": {
      const { tag, val } = value as { tag: "ok" | "err"; val: unknown };
      return [tag, await fromHost(type[tag], val)];
    }
    default:
      return value;
  }
}

/** Elements that are read and written at once, at most. */
const AT_ONCE = 5;

/** The functions `stream-N` and `future-N` for the types number N. */
function component(types: readonly Type[]): string {
  const each = (line: (i: number, size: number) => string) =>
    types.map((type, i) => line(i, layout(type)[0])).join("\n");
  const both = (line: (name: string, kind: string, i: number) => string) =>
    types.map((_, i) => line(`stream${i}`, "stream", i) + line(`future${i}`, "future", i)).join("\n");
  const definitions = new Definitions();
  types.forEach((of, i) => {
    for (const kind of ["stream", "future"] as const) {
      definitions.define(`$${kind}${i}`, text({ kind, of }, definitions.use));
    }
  });
  const options = '(memory (core memory $memory "m")) (realloc (core func $memory "r"))';
  const two = "(param i32 i32) (result i32)",
    three = "(param i32 i32 i32) (result i32)";
  return `(component
    (import "host" (instance $host (export "thing" (type $thing (sub resource)))))
    (alias export $host "thing" (type $thing))
    ${definitions.lines.join("\n")}
    (core module $libc
      (memory (export "m") 16) (global $heap (mut i32) (i32.const 65536))
      (func (export "r") (param i32 i32 i32 i32) (result i32)
        (global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
        (global.get $heap) (global.set $heap (i32.add (global.get $heap) (local.get 3)))))
    (core instance $memory (instantiate $libc))
    ${
    both((name, kind) => `
      (canon ${kind}.new $${name} (core func $${name}-new))
      (canon ${kind}.read $${name} ${options} (core func $${name}-read))
      (canon ${kind}.write $${name} ${options} (core func $${name}-write))
      (canon ${kind}.drop-readable $${name} (core func $${name}-drop-r))
      (canon ${kind}.drop-writable $${name} (core func $${name}-drop-w))
      (canon task.return (result $${name}) (core func $${name}-return))`)
  }
    (core module $m
      ${
    both((name, kind) => `
        (import "" "${name}-new" (func $${name}-new (result i64)))
        (import "" "${name}-read" (func $${name}-read ${kind === "stream" ? three : two}))
        (import "" "${name}-write" (func $${name}-write ${kind === "stream" ? three : two}))
        (import "" "${name}-drop-r" (func $${name}-drop-r (param i32)))
        (import "" "${name}-drop-w" (func $${name}-drop-w (param i32)))
        (import "" "${name}-return" (func $${name}-return (param i32)))`)
  }
      ${
    each((i, size) => `
        (func (export "stream${i}") (param $from i32)
          (local $new i64) (local $to i32) (local $read i32) (local $done i32) (local $count i32)
          (local.set $new (call $stream${i}-new))
          (local.set $to (i32.wrap_i64 (i64.shr_u (local.get $new) (i64.const 32))))
          (call $stream${i}-return (i32.wrap_i64 (local.get $new)))
          (loop $more
            (local.set $read (call $stream${i}-read (local.get $from) (i32.const 4096) (i32.const ${AT_ONCE})))
            (local.set $count (i32.shr_u (local.get $read) (i32.const 4)))
            (local.set $done (i32.const 0))
            (block $written (loop $rest
              (br_if $written (i32.eq (local.get $done) (local.get $count)))
              (local.set $done (i32.add (local.get $done) (i32.shr_u
                (call $stream${i}-write (local.get $to)
                  (i32.add (i32.const 4096) (i32.mul (local.get $done) (i32.const ${size})))
                  (i32.sub (local.get $count) (local.get $done)))
                (i32.const 4))))
              (br $rest)))
            (br_if $more (i32.eqz (i32.and (local.get $read) (i32.const 15)))))
          (call $stream${i}-drop-r (local.get $from))
          (call $stream${i}-drop-w (local.get $to)))
        (func (export "future${i}") (param $from i32) (local $new i64) (local $to i32)
          (local.set $new (call $future${i}-new))
          (local.set $to (i32.wrap_i64 (i64.shr_u (local.get $new) (i64.const 32))))
          (call $future${i}-return (i32.wrap_i64 (local.get $new)))
          (if (call $future${i}-read (local.get $from) (i32.const 2048)) (then unreachable))
          (if (call $future${i}-write (local.get $to) (i32.const 2048)) (then unreachable))
          (call $future${i}-drop-r (local.get $from))
          (call $future${i}-drop-w (local.get $to)))`)
  })
    (core instance $i (instantiate $m (with "" (instance ${
    both((name) =>
      ["new", "read", "write", "drop-r", "drop-w", "return"].map((op) =>
        `(export "${name}-${op}" (func $${name}-${op}))`
      ).join("")
    )
  }))))
    ${
    both((name) =>
      `(func (export "${name}") async (param "from" $${name}) (result $${name}) (canon lift (core func $i "${name}") async))`
    )
  })`;
}

Deno.test("streams and futures of random types come out as they went in, through a guest that copies them", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = new Random(seed);
    const types = Array.from({ length: 8 }, () => randomType(random, random.below(4)))
      .map((type): Type => isPossible("stream", type) && isPossible("future", type) ? type : { kind: "u8" });
    const loaded = await nativeEngine.load(new Uint8Array(await parse(component(types))), { name: "relay" });
    const linked = await loaded.link({ host: { Thing } });
    for (const [i, type] of types.entries()) {
      for (const kind of ["stream", "future"] as const) {
        const whole: Type = { kind, of: type };
        const task = new Task({ function: "relay" });
        await withTask(task, async () => {
          const isolate = await linked.instantiate();
          const value = plain(random, whole);
          const back = await isolate.exports["$root"]![`${kind}${i}`]!(toHost(random, whole, value));
          const what = `${seed}: ${text(whole)}`;
          expect([what, canonical(await fromHost(whole, back))]).toEqual([what, canonical(value)]);
        });
        task.end();
      }
    }
  }
});
