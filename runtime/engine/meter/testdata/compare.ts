/**
 * Runs a module and its metered twin side by side and tells the first difference.
 *
 * @module
 */
import { meterModule, type MeterOptions } from "../mod.ts";

/** What a test does with a module's imports: the same for both twins. */
export type MakeImports = (module: WebAssembly.Module) => Record<string, Record<string, unknown>>;

interface Twin {
  readonly instance: WebAssembly.Instance | undefined;
  readonly failure: string;
}

/** Calls every exported function of both twins; returns what differs, or nothing. */
export function difference(
  bytes: Uint8Array<ArrayBuffer>,
  makeImports: MakeImports,
  options: MeterOptions = {},
  grant = 1000,
): string | undefined {
  const plain = new WebAssembly.Module(bytes);
  const metered = meterModule(bytes, options);
  const other = new WebAssembly.Module(metered.bytes);
  let asked = 0;
  const hooks = {
    look: () => {
      if (asked++ > 2_000_000) throw new Error("the module runs for ever");
      return grant;
    },
    wait: () => grant,
    grow: () => 1,
  };
  const a = make(plain, makeImports(plain));
  const b = make(other, { ...makeImports(plain), [metered.namespace]: hooks });
  if (a.failure !== b.failure) return `instantiating: ${a.failure} and ${b.failure}`;
  if (a.instance === undefined || b.instance === undefined) return undefined;
  for (const [name, exported] of Object.entries(a.instance.exports)) {
    if (typeof exported !== "function") continue;
    const twin = b.instance.exports[name] as (...args: unknown[]) => unknown;
    for (const args of argumentsFor(exported.length)) {
      const [one, two] = [outcome(() => exported(...args)), outcome(() => twin(...args))];
      // How deep the stack is when it overflows depends on the size of frames, and so does all that comes after.
      if (one.includes("call stack") || two.includes("call stack")) return undefined;
      if (one !== two) return `${name}(${args.map(show)}): ${one} and ${two}`;
      const state = stateDifference(a.instance.exports, b.instance.exports);
      if (state !== undefined) return `after ${name}(${args.map(show)}): ${state}`;
    }
  }
  return undefined;
}

function make(module: WebAssembly.Module, imports: Record<string, Record<string, unknown>>): Twin {
  try {
    return { instance: new WebAssembly.Instance(module, imports as WebAssembly.Imports), failure: "" };
  } catch (error) {
    return { instance: undefined, failure: message(error) };
  }
}

/** A message without what depends on indices and offsets. */
function message(error: unknown): string {
  if (error instanceof Error) return `${error.name}: ${error.message}`.replaceAll(/#\d+|@\+\d+|func(tion)? \d+/g, "…");
  return `threw a ${typeof error}`;
}

function outcome(run: () => unknown): string {
  try {
    return show(run());
  } catch (error) {
    return message(error);
  }
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show)}]`;
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "bigint") return `${value}n`;
  return value === null || value === undefined ? String(value) : typeof value;
}

/** Some arguments: a number where a 64-bit integer is wanted is a TypeError in both twins, so both kinds are tried. */
function argumentsFor(arity: number): unknown[][] {
  const tries: unknown[][] = [];
  for (let mask = 0; mask < 1 << Math.min(arity, 4); mask++) {
    tries.push(Array.from({ length: arity }, (_, i) => mask >> (i % 4) & 1 ? BigInt(i * 3 + 1) : i * 3 + 1));
  }
  return tries;
}

function stateDifference(a: WebAssembly.Exports, b: WebAssembly.Exports): string | undefined {
  for (const [name, one] of Object.entries(a)) {
    const two = b[name];
    if (one instanceof WebAssembly.Memory && two instanceof WebAssembly.Memory) {
      const [x, y] = [hash(one), hash(two)];
      if (x !== y) return `memory ${name} is ${x} and ${y}`;
    } else if (one instanceof WebAssembly.Global && two instanceof WebAssembly.Global) {
      const [x, y] = [outcome(() => one.value), outcome(() => two.value)];
      if (x !== y) return `global ${name} is ${x} and ${y}`;
    } else if (one instanceof WebAssembly.Table && two instanceof WebAssembly.Table) {
      if (one.length !== two.length) return `table ${name} has ${one.length} and ${two.length} elements`;
    }
  }
  return undefined;
}

function hash(memory: WebAssembly.Memory): string {
  const bytes = memory.buffer;
  const words = new Int32Array(bytes, 0, bytes.byteLength >> 2);
  let value = words.length;
  for (const word of words) value = Math.imul(value ^ word, 16777619);
  return `${bytes.byteLength} bytes, ${value >>> 0}`;
}
