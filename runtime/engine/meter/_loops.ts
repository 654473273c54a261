/**
 * Chooses the loops whose bodies are repeated, so that one check serves several turns and a short loop needs none.
 *
 * @module
 */
import { Numbers } from "../numbers.ts";
import { MAX_PENDING } from "./_costs.ts";
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
  const { events: { data, length } } = code;
  /** Triples: the loop's event, its body's size, how much it would add. */
  const found: number[] = [];
  const added = new Float64Array(MAX_BYTES + 1);
  for (let i = 0; i < code.loops.length; i++) {
    const start = code.loops[i]!;
    if (!takesNothing(module, data[start + 1]! + 1)) continue;
    const first = data[start + 1]! + (data[start]! >>> ev.KIND_BITS);
    let depth = 0;
    let cost = 0;
    for (let e = start + ev.EVENT; e < length && data[e + 1]! - first <= MAX_BYTES; e += ev.EVENT) {
      const kind = data[e]! & ev.KIND_MASK;
      cost += data[e + 2]!;
      if (kind === ev.BLOCK || kind === ev.IF) depth++;
      else if (kind === ev.END) {
        if (depth-- > 0) continue;
        const size = data[e + 1]! - first;
        const times = repeats(cost);
        if (times > 1) {
          found.push(start, size, cost);
          added[size]! += size * (times - 1);
        }
        break;
      } else if (!isSimple(kind) || kind === ev.STOP && module.bytes[data[e + 1]!] === RETHROW) break;
    }
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

const RETHROW = 0x09;

/** Whether a body with it can be repeated: it names no label, or one that is moved along. */
function isSimple(kind: number): boolean {
  return kind === ev.ELSE || kind >= ev.BR && kind <= ev.STOP || kind === ev.REF_FUNC || kind >= ev.BULK;
}

/** Whether a loop's type, which stands at `at`, has no parameters. */
function takesNothing({ bytes, typeParams }: ModuleInfo, at: number): boolean {
  const byte = bytes[at]!;
  return byte >= 0x40 && byte < 0x80 || typeParams[new Numbers(bytes, at).u32()] === 0;
}
