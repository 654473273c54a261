/**
 * What a rewrite adds to a module, and the indices that it gets.
 *
 * Imported functions come before all others, so the hooks are the last imports and every function of the module moves
 * up by their number. All else is appended: the types, the counter, the helpers. Nothing else moves.
 *
 * @module
 */
import { Writer } from "../writer.ts";
import type { ModuleInfo } from "./_module.ts";
import type { Plan } from "./_plan.ts";

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F64 = 0x7c;

/** An imported hook. */
export interface Hook {
  readonly name: "look" | "wait" | "grow";
  readonly type: number;
  readonly index: number;
}

export interface Layout {
  readonly hooks: readonly Hook[];
  /** The first index that moves, and by how much. */
  readonly firstMoved: number;
  readonly moved: number;
  /** The counter, or -1. */
  readonly counter: number;
  /** Function indices of the helpers, or -1. */
  readonly refuel: number;
  readonly pay: number;
  readonly spend: number;
  readonly growMemory: ReadonlyMap<number, number>;
  readonly growTable: ReadonlyMap<number, number>;
  readonly types: AddedTypes;
}

/** Function types that are appended, each once. */
export class AddedTypes {
  readonly #first: number;
  readonly #indices = new Map<string, number>();
  readonly all: Uint8Array[] = [];

  constructor(first: number) {
    this.#first = first;
  }

  /** The index of a function type: `params` and `results` are vectors without their counts. */
  index(params: readonly number[], results: readonly number[]): number {
    const w = new Writer();
    w.u8(0x60);
    w.u32(params.length);
    w.u8(...params);
    w.u32(results.length);
    w.u8(...results);
    return this.add(w.bytes);
  }

  add(type: Uint8Array): number {
    const key = type.join();
    let index = this.#indices.get(key);
    if (index === undefined) {
      index = this.#first + this.all.length;
      this.#indices.set(key, index);
      this.all.push(type.slice());
    }
    return index;
  }
}

/** Gives out the indices. */
export function layOut(module: ModuleInfo, plan: Plan): Layout {
  const types = new AddedTypes(module.typeParams.length);
  const grows = plan.growsMemory.size + plan.growsTable.size > 0;
  const hooks: Hook[] = [];
  const first = module.importedFunctions;
  if (plan.meters || grows) {
    hooks.push({ name: "look", type: types.index([I32], [I32]), index: first });
    hooks.push({ name: "wait", type: types.index([I32], [I32]), index: first + 1 });
  }
  if (grows) hooks.push({ name: "grow", type: types.index([I32, I32, F64, F64], [I32]), index: first + 2 });
  const moved = hooks.length;
  // Clones stand behind the module's functions, the helpers behind them.
  let next = module.importedFunctions + plan.bodies.length + moved;
  const refuel = moved > 0 ? next++ : -1;
  const pay = moved > 0 ? next++ : -1;
  const spend = moved > 0 ? next++ : -1;
  const take = (indices: ReadonlySet<number>) => new Map([...indices].sort((a, b) => a - b).map((i) => [i, next++]));
  return {
    hooks,
    firstMoved: first,
    moved,
    counter: moved > 0 ? module.globals : -1,
    refuel,
    pay,
    spend,
    growMemory: take(plan.growsMemory),
    growTable: take(plan.growsTable),
    types,
  };
}
