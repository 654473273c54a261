/**
 * The graph of direct calls: in which order to plan functions, and which calls to cut.
 *
 * @module
 */
import * as ev from "./_events.ts";
import type { ModuleInfo } from "./_module.ts";
import type { ScannedCode } from "./_scan.ts";

/** Functions that call each other, or one that stands alone. */
export interface Cycle {
  /** Defined functions; a call from one to itself or to a later one is cut, which leaves no cycle. */
  readonly members: readonly number[];
  readonly recursive: boolean;
  /** Whether an indirect call can reach it. */
  readonly indirect: boolean;
}

/** More members than this are taken as they come: trying all orders' beginnings takes time. */
const MAX_TRIED = 12;

/**
 * All defined functions, callees before callers. Those that indirect calls can reach come first, with all that they
 * call.
 */
export function* cycles(module: ModuleInfo, code: ScannedCode): Generator<Cycle> {
  const graph = new Graph(module, code);
  const imported = module.importedFunctions;
  for (const index of indirectTargets(module, code)) yield* graph.from(index - imported, true);
  for (const index of module.exportedFunctions) yield* graph.from(index - imported, false);
  for (let f = 0; f < code.bodyStart.length; f++) yield* graph.from(f, false);
}

/** Functions, imported ones too, whose references exist, and, where references come in from elsewhere, all exports. */
export function* indirectTargets(module: ModuleInfo, code: ScannedCode): Generator<number> {
  const { elementFunctions, importedFunctions, exportedFunctions, sharesTables } = module;
  yield* elementFunctions;
  yield* code.references;
  // A function from elsewhere may call this module's exports.
  const foreign = sharesTables || code.takesReferences || elementFunctions.some((i) => i < importedFunctions);
  if (foreign) yield* exportedFunctions;
}

/** Tarjan's algorithm, without recursion: a guest chooses how deep calls go. */
class Graph {
  readonly #module: ModuleInfo;
  readonly #code: ScannedCode;
  /** When a function was met, from 1, and the earliest one that it leads back to. */
  readonly #met: Int32Array;
  readonly #low: Int32Array;
  readonly #open: Uint8Array;
  readonly #callsItself: Uint8Array;
  /** Members of the cycle that is being ordered that its search has not met. */
  readonly #unseen: Uint8Array;
  readonly #pending: number[] = [];
  #time = 0;

  constructor(module: ModuleInfo, code: ScannedCode) {
    this.#module = module;
    this.#code = code;
    this.#met = new Int32Array(code.bodyStart.length);
    this.#low = new Int32Array(code.bodyStart.length);
    this.#open = new Uint8Array(code.bodyStart.length);
    this.#callsItself = new Uint8Array(code.bodyStart.length);
    this.#unseen = new Uint8Array(code.bodyStart.length);
  }

  *from(root: number, indirect: boolean): Generator<Cycle> {
    if (root < 0 || this.#met[root] !== 0) return;
    const met = this.#met;
    const low = this.#low;
    const { calls, firstCall } = this.#code;
    const stack: number[] = [];
    const cursors: number[] = [];
    const enter = (f: number) => {
      met[f] = low[f] = ++this.#time;
      this.#open[f] = 1;
      this.#pending.push(f);
      stack.push(f);
      cursors.push(firstCall[f]!);
    };
    enter(root);
    while (stack.length > 0) {
      const top = stack.length - 1;
      const f = stack[top]!;
      let entered = false;
      const end = firstCall[f + 1]!;
      for (let i = cursors[top]!; i < end; i++) {
        const callee = calls[i]!;
        if (met[callee] === 0) {
          cursors[top] = i + 1;
          enter(callee);
          entered = true;
          break;
        }
        if (callee === f) this.#callsItself[f] = 1;
        if (this.#open[callee] === 1) low[f] = Math.min(low[f]!, met[callee]!);
      }
      if (entered) continue;
      stack.pop();
      cursors.pop();
      if (top > 0) low[stack[top - 1]!] = Math.min(low[stack[top - 1]!]!, low[f]!);
      if (low[f] === met[f]) yield this.#close(f, indirect);
    }
  }

  #close(root: number, indirect: boolean): Cycle {
    const members: number[] = [];
    for (;;) {
      const f = this.#pending.pop()!;
      this.#open[f] = 0;
      members.push(f);
      if (f === root) break;
    }
    if (members.length === 1) return { members, recursive: this.#callsItself[root] === 1, indirect };
    return { members: this.#order(members), recursive: true, indirect };
  }

  /** Callees of a function, each with how often it may be called: ten times more in each loop. */
  #calls(f: number): [callee: number, weight: number][] {
    const { events, firstEvent } = this.#code;
    const found: [number, number][] = [];
    const open: boolean[] = [];
    let weight = 1;
    for (let e = firstEvent[f]!; e < firstEvent[f + 1]!; e += ev.EVENT) {
      const word = events.data[e]!;
      const kind = word & ev.KIND_MASK;
      if (kind <= ev.IF || kind === ev.TRY || kind === ev.TRY_TABLE || kind === ev.SMALL_LOOP) {
        open.push(kind === ev.LOOP);
        if (kind === ev.LOOP) weight *= 10;
      } else if (kind === ev.END || kind === ev.DELEGATE) {
        if (open.pop()) weight /= 10;
      } else if (kind === ev.CALL || kind === ev.RETURN_CALL) {
        const callee = (word >>> ev.KIND_BITS) - this.#module.importedFunctions;
        if (callee >= 0) found.push([callee, weight]);
      }
    }
    return found;
  }

  /** Orders the functions of a cycle, callees first, from the beginning that cuts the fewest calls. */
  #order(members: readonly number[]): readonly number[] {
    if (members.length > MAX_TRIED) return this.#postorder(members[0]!, members);
    const calls = members.map((f) => [f, this.#calls(f)] as const);
    let best: number[] = [];
    let least = Infinity;
    for (const root of members) {
      const order = this.#postorder(root, members);
      const rank = new Map(order.map((f, i) => [f, i]));
      let cost = 0;
      for (const [f, callees] of calls) {
        for (const [callee, weight] of callees) if ((rank.get(callee) ?? -1) >= rank.get(f)!) cost += weight;
      }
      if (cost < least) [best, least] = [order, cost];
    }
    return best;
  }

  /** Members of a cycle in the order in which a search from `root` leaves them. */
  #postorder(root: number, members: readonly number[]): number[] {
    const { calls, firstCall } = this.#code;
    const unseen = this.#unseen;
    for (const f of members) unseen[f] = 1;
    const order: number[] = [];
    const stack = [root];
    const cursors = [firstCall[root]!];
    unseen[root] = 0;
    while (stack.length > 0) {
      const top = stack.length - 1;
      const f = stack[top]!;
      const end = firstCall[f + 1]!;
      let i = cursors[top]!;
      while (i < end && unseen[calls[i]!] === 0) i++;
      if (i === end) {
        order.push(f);
        stack.pop();
        cursors.pop();
        continue;
      }
      const callee = calls[i]!;
      cursors[top] = i + 1;
      unseen[callee] = 0;
      stack.push(callee);
      cursors.push(firstCall[callee]!);
    }
    return order;
  }
}
