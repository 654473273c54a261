/**
 * Chooses the loops whose bodies are repeated, so that one check serves several turns and a short loop needs none.
 *
 * @module
 */
import { Numbers } from "../numbers.ts";
import { MAX_COST, MAX_PENDING } from "./_costs.ts";
import * as ev from "./_events.ts";
import type { ModuleInfo } from "./_module.ts";
import type { ScannedCode } from "./_scan.ts";

/** Larger bodies stand once. */
const MAX_BYTES = 1024;
/** What the turns may cost that a repeated loop leaves unpaid. */
const MAX_UNPAID = MAX_PENDING * 3 >> 3;

/** How often a loop's body stands, by what a turn costs at most. */
export function repeats(cost: number): number {
  return cost * 3 <= MAX_UNPAID ? 4 : cost <= MAX_UNPAID ? 2 : 1;
}

/**
 * Marks loops as {@linkcode ev.SMALL_LOOP}, the smallest first, until the code has grown by `growth` bytes: innermost
 * ones without calls, for a call costs more than a check. Returns, by their events, what a turn of them costs at most.
 */
export function chooseLoops(module: ModuleInfo, code: ScannedCode, growth: number): ReadonlyMap<number, number> {
  const turns = new Map<number, number>();
  const { data } = code.events;
  const turn = new Turn(module, code);
  /** Triples: the loop's event, its body's size, what a turn costs. */
  const found: number[] = [];
  const added = new Float64Array(MAX_BYTES + 1);
  for (const start of code.loops) {
    if (!turn.read(start)) continue;
    const { cost, size } = turn;
    const times = repeats(cost);
    if (times === 1) continue;
    found.push(start, size, cost);
    added[size]! += size * (times - 1);
  }
  let limit = -1;
  for (let left = growth; limit < MAX_BYTES && left >= added[limit + 1]!; limit++) left -= added[limit + 1]!;
  for (let i = 0; i < found.length; i += 3) {
    const e = found[i]!;
    if (found[i + 1]! > limit) continue;
    data[e]! += ev.SMALL_LOOP - ev.LOOP;
    turns.set(e, found[i + 2]!);
  }
  return turns;
}

/** A turn of a loop. */
class Turn {
  /** What the dearest way back to the loop's head costs, and how many bytes its body has. */
  cost = 0;
  size = 0;
  readonly #module: ModuleInfo;
  readonly #code: ScannedCode;
  // Of the blocks that are open in the body, which are 0: what the dearest way in costs, and to its end so far, or -1.
  readonly #in = new Int32Array(MAX_BYTES);
  readonly #out = new Int32Array(MAX_BYTES);

  constructor(module: ModuleInfo, code: ScannedCode) {
    this.#module = module;
    this.#code = code;
  }

  /** Reads the loop of an event; answers whether it has a small body, which can be repeated, and a way back. */
  read(start: number): boolean {
    const { events: { data, length } } = this.#code;
    const { bytes } = this.#module;
    const head = data[start + 1]!;
    if (!takesNothing(this.#module, head + 1)) return false;
    const first = head + (data[start]! >>> ev.KIND_BITS);
    const [into, out] = [this.#in, this.#out];
    let depth = 0;
    /** What the dearest way here costs, or -1 where none leads. */
    let cost = 0;
    this.cost = -1;
    for (let e = start + ev.EVENT; e < length && data[e + 1]! - first <= MAX_BYTES; e += ev.EVENT) {
      const kind = data[e]! & ev.KIND_MASK;
      if (cost >= 0) cost = Math.min(cost + data[e + 2]!, MAX_COST);
      switch (kind) {
        case ev.BLOCK:
        case ev.IF:
          depth++;
          into[depth] = cost;
          out[depth] = kind === ev.IF ? cost : -1;
          break;
        case ev.ELSE:
          out[depth] = Math.max(out[depth]!, cost);
          cost = into[depth]!;
          break;
        case ev.END:
          if (depth === 0) {
            this.size = data[e + 1]! - first;
            return this.cost >= 0;
          }
          cost = Math.max(cost, out[depth]!);
          depth--;
          break;
        case ev.BR:
        case ev.BR_IF:
          this.#arrive(depth - (data[e]! >>> ev.KIND_BITS), cost);
          if (kind === ev.BR) cost = -1;
          break;
        case ev.BR_TABLE: {
          const r = new Numbers(bytes, data[e + 1]! + 1);
          for (let left = r.u32(); left >= 0; left--) this.#arrive(depth - r.u32(), cost);
          cost = -1;
          break;
        }
        case ev.RETURN:
        case ev.STOP:
          if (kind === ev.STOP && bytes[data[e + 1]!] === RETHROW) return false;
          cost = -1;
          break;
        default:
          if (kind < ev.REF_FUNC) return false;
      }
    }
    return false;
  }

  #arrive(block: number, cost: number): void {
    if (block > 0) this.#out[block] = Math.max(this.#out[block]!, cost);
    else if (block === 0) this.cost = Math.max(this.cost, cost);
  }
}

const RETHROW = 0x09;

/** Whether a loop's type, which stands at `at`, has no parameters. */
function takesNothing({ bytes, typeParams }: ModuleInfo, at: number): boolean {
  const byte = bytes[at]!;
  return byte >= 0x40 && byte < 0x80 || typeParams[new Numbers(bytes, at).u32()] === 0;
}
