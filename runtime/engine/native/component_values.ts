/**
 * Values of components: constants, what the host gives, and what start functions make of them.
 *
 * Implements "Value Definitions" and "Start Definitions" of the Component Model's Explainer.md. Which value is used where
 * is known when a component is loaded; what a start function returns is kept for the isolate in which it did.
 *
 * @module
 */
import { WitError } from "../../errors.ts";
import type { NativeIsolate } from "./isolate.ts";
import type { Func } from "./plan.ts";
import { type CoreFunction, now } from "./thread.ts";
import type { ValueType } from "./types.ts";

/** Which value something is. One that is neither a constant nor another one comes from the host or a start function. */
export interface ValueSlot {
  /** Made anew each time, for whoever has it may change it. */
  readonly constant?: () => unknown;
  /** Of a value that others see as an abstract one: which it is. */
  readonly real?: ValueSlot;
}

/** A value in an index space. */
export interface ValueItem {
  readonly type: ValueType;
  readonly slot: ValueSlot;
}

/** What start functions have returned, by isolate. */
const returned = new WeakMap<NativeIsolate, Map<ValueSlot, unknown>>();

/** Finds a value in an isolate. */
export function valueIn(isolate: NativeIsolate, slot: ValueSlot, given: ReadonlyMap<ValueSlot, unknown>): unknown {
  if (slot.real !== undefined) return valueIn(isolate, slot.real, given);
  if (slot.constant !== undefined) return slot.constant();
  return given.has(slot) ? given.get(slot) : returned.get(isolate)?.get(slot);
}

/** What a component calls as it is instantiated. */
export interface ComponentStart {
  readonly func: Func;
  readonly args: readonly ValueSlot[];
  readonly result: ValueSlot | undefined;
}

/** Calls a start function, and keeps what it returns. */
export function componentStart(
  { args, func, result }: ComponentStart,
  call: (isolate: NativeIsolate, values: readonly unknown[]) => unknown,
  given: ReadonlyMap<ValueSlot, unknown>,
): CoreFunction {
  // A call of the host throws the `err` of a result, and here it is a value like any other.
  const fallible = func.type.result?.kind === "result";
  return function componentStart() {
    const { isolate } = now.thread;
    const keep = (value: unknown): undefined => {
      if (result === undefined) return;
      let values = returned.get(isolate);
      if (values === undefined) returned.set(isolate, values = new Map());
      values.set(result, value);
    };
    const made = call(isolate, args.map((slot) => valueIn(isolate, slot, given)));
    if (!(made instanceof Promise)) return keep(fallible ? { tag: "ok", val: made } : made);
    return made.then((val) => keep(fallible ? { tag: "ok", val } : val), (error) => {
      if (fallible && error instanceof WitError) return keep({ tag: "err", val: error.payload });
      throw error;
    });
  };
}
