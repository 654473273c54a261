/**
 * The host that scripts expect: wasmtime's functions for its own, by jco's mapping.
 *
 * @module
 */
import { type HostImports, waits } from "../../runtime/engine/mod.ts";
import { calledOff } from "../../runtime/engine/streams.ts";

/** `(module (global (export "g") i32 (i32.const 100)) (func (export "f") (result i32) (i32.const 101)))` */
const SIMPLE_MODULE = new Uint8Array([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 5, 1, 0x60, 0, 1, 0x7f],
  ...[3, 2, 1, 0],
  ...[6, 7, 1, 0x7f, 0, 0x41, 0xe4, 0, 0x0b],
  ...[7, 9, 2, 1, 0x67, 3, 0, 1, 0x66, 0, 0],
  ...[10, 7, 1, 5, 0, 0x41, 0xe5, 0, 0x0b],
]);

/** A host with a state of its own, for one script. */
export function scriptHost(): HostImports {
  let drops = 0;
  let lastDrop = 0;

  class Resource1 {
    readonly rep: number;
    constructor(rep: number) {
      this.rep = rep;
    }
    static assert(resource: Resource1, rep: number): void {
      same(resource.rep, rep);
      // An own that the host keeps is dropped with the call.
      resource[Symbol.dispose]();
    }
    static lastDrop(): number {
      return lastDrop;
    }
    static drops(): number {
      return drops;
    }
    simple(rep: number): void {
      same(this.rep, rep);
    }
    takeBorrow(_other: Resource1): void {}
    takeOwn(_other: Resource1): void {}
    neverReturn(): Promise<void> {
      return never();
    }
    [Symbol.dispose](): void {
      drops++;
      lastDrop = this.rep;
    }
  }
  waits(Resource1.prototype.neverReturn);
  class Resource2 {}

  return {
    "host-return-two": (() => 2) as never,
    "host-echo-u32": (async (value: number) => await Promise.resolve(value)) as never,
    "host": {
      returnThree: () => 3,
      returnHi: () => "hi",
      neverReturn: waits(never),
      returnTwoSlowly: async () => await nextTurn(2),
      echoSlowly: async (value: number) => await nextTurn(value),
      Resource1,
      Resource2,
      "Resource1Again": Resource1,
      nested: { returnFour: () => 4 },
      simpleModule: SIMPLE_MODULE,
    },
    "wasmtime": {
      setMaxTableCapacity: () => {},
    },
  };
}

function same(actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`the representation is ${actual}, not ${expected}`);
}

/** Waits until the guest calls it off. */
function never(): Promise<void> {
  return calledOff((signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
  );
}

function nextTurn<T>(value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), 0));
}
