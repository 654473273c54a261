/**
 * Decides where a module's code pays and where it looks at the counter.
 *
 * Two rules make the counter run out in bounded time, whatever the guest does:
 *
 * - **No cycle without a check.** Each way around a loop passes its header, or a check in its body. Each cycle of calls
 *   passes a call that is *cut*: before it, on every path from the start of its function, stands a check. Calls of
 *   imports are cut, since another module or the host may call back; so is one edge of every cycle of direct calls, and
 *   each indirect call in a function that an indirect call can reach.
 * - **No path is free.** What a path has cost since it last paid, what its callees have left unpaid included, is known
 *   as an upper bound at every point; where it would exceed {@linkcode MAX_PENDING} the path pays. Without this rule,
 *   thirty functions that each call the next one twice would run for a second unseen.
 *
 * Functions are planned callees first. What remains of the call graph without the cut edges has no cycle, so what each
 * callee leaves unpaid is known by then.
 *
 * @module
 */
import { BodyPlanner, type Callee } from "./_body_plan.ts";
import { CLONES } from "./_edits.ts";
import type * as ev from "./_events.ts";
import { COST_CALL, COST_IMPORT, COST_INDIRECT, MAX_PENDING_AT_EXIT } from "./_costs.ts";
import { type Cycle, cycles, indirectTargets } from "./_graph.ts";
import { chooseLoops } from "./_loops.ts";
import type { ModuleInfo } from "./_module.ts";
import type { ScannedCode } from "./_scan.ts";

/** Recursive functions larger than this, with those that they recurse through, are not cloned. */
const MAX_CLONED_BYTES = 256;
const MAX_CLONED_MEMBERS = 4;
/** What clones and repeated loops may add to the code: an eighth, and in a small module this much. */
const GROWTH = 1 / 8;
const MIN_GROWTH_BYTES = 32 * 1024;

export interface PlanOptions {
  /**
   * Whether an exception may unwind the module's functions. What they have not paid then is lost, so they pay before
   * each call.
   */
  readonly exceptions: boolean;
  /** Whether growing asks or is bounded. */
  readonly growMemory: boolean;
  readonly growTable: boolean;
}

export interface Plan {
  readonly edits: ev.Ints;
  /** Bodies to write: the defined functions and then the clones. For each, whose code it is. */
  readonly bodies: Int32Array;
  /** For each body, where its edits begin and end. */
  readonly firstEdit: Int32Array;
  readonly lastEdit: Int32Array;
  readonly needs: Uint8Array;
  /** Small loops, four numbers each, as `_edits.ts` names them. */
  readonly loops: ev.Ints;
  /** Whether anything pays. */
  readonly meters: boolean;
  /** Whether the code becomes any other. */
  readonly changes: boolean;
  readonly growsMemory: ReadonlySet<number>;
  readonly growsTable: ReadonlySet<number>;
}

export function planCode(module: ModuleInfo, code: ScannedCode, options: PlanOptions): Plan {
  return new Planner(module, code, options).plan();
}

class Planner {
  readonly #module: ModuleInfo;
  readonly #code: ScannedCode;
  readonly #options: PlanOptions;
  readonly #body: BodyPlanner;
  /** By body: a defined function, or a clone. */
  readonly #source: number[] = [];
  readonly #firstEdit: number[] = [];
  readonly #lastEdit: number[] = [];
  readonly #needs: number[] = [];
  readonly #leak: number[] = [];
  readonly #looks: boolean[] = [];
  /** The first clone of a function; the others follow. */
  readonly #clones = new Map<number, number>();
  /** Bytes that clones may still add; repeated loops get as much. */
  #growth: number;
  /** Functions that others than direct calls of this module may call. */
  readonly #entered: Uint8Array;
  readonly #targets: readonly number[];
  /** The most that an indirect call may leave unpaid, once all its targets are planned. */
  #indirectLeak = MAX_PENDING_AT_EXIT;

  constructor(module: ModuleInfo, code: ScannedCode, options: PlanOptions) {
    this.#module = module;
    this.#code = code;
    this.#options = options;
    this.#growth = Math.max(MIN_GROWTH_BYTES, GROWTH * code.bodyBytes) / 2;
    this.#body = new BodyPlanner(module, code, chooseLoops(module, code, this.#growth), options);
    for (let f = 0; f < code.bodyStart.length; f++) this.#source.push(f);
    const defined = (indices: Iterable<number>) =>
      [...indices].map((index) => index - module.importedFunctions).filter((f) => f >= 0);
    this.#targets = defined(indirectTargets(module, code));
    this.#entered = new Uint8Array(code.bodyStart.length);
    for (const f of [...this.#targets, ...defined(module.exportedFunctions)]) this.#entered[f] = 1;
  }

  plan(): Plan {
    let indirect = true;
    for (const cycle of cycles(this.#module, this.#code)) {
      if (indirect && !cycle.indirect) {
        indirect = false;
        this.#indirectLeak = this.#targets.reduce((most, f) => Math.max(most, this.#leak[f]!), 0);
      }
      if (cycle.recursive && this.#mayClone(cycle)) this.#planClones(cycle);
      else this.#planOnce(cycle);
    }
    // A recursion that no path reaches is cloned, and pays nothing.
    const meters = this.#body.meters || this.#clones.size > 0;
    return {
      edits: this.#body.edits,
      bodies: Int32Array.from(this.#source),
      firstEdit: Int32Array.from(this.#firstEdit),
      lastEdit: Int32Array.from(this.#lastEdit),
      needs: Uint8Array.from(this.#needs),
      loops: this.#body.loops,
      meters,
      changes: meters || this.#body.changes,
      growsMemory: this.#body.growsMemory,
      growsTable: this.#body.growsTable,
    };
  }

  #mayClone({ members }: Cycle): boolean {
    if (this.#options.exceptions || members.length > MAX_CLONED_MEMBERS) return false;
    let bytes = 0;
    for (const f of members) bytes += this.#code.bodyEnd[f]! - this.#code.bodyStart[f]!;
    const added = bytes * (CLONES - 1);
    if (bytes > MAX_CLONED_BYTES || added > this.#growth) return false;
    this.#growth -= added;
    return true;
  }

  #planOnce({ members, recursive, indirect }: Cycle): void {
    const imported = this.#module.importedFunctions;
    const rank = new Map(members.map((f, i) => [f, i]));
    for (const f of members) {
      const own = rank.get(f)!;
      this.#planBody(f, f, { indirect, ownCount: false, bounded: recursive || this.#entered[f] === 1 }, (callee) => {
        const other = rank.get(callee);
        const cut = other !== undefined && other >= own;
        return cut ? cutCall(callee + imported) : this.#call(callee);
      });
    }
  }

  /**
   * Plans a small recursion as a round of clones. A cut call goes on to the next clone, and just in the last one, whose
   * cut calls go to the first, it is checked. So most calls go without, and still none goes around for ever.
   */
  #planClones({ members, indirect }: Cycle): void {
    const imported = this.#module.importedFunctions;
    const rank = new Map(members.map((f, i) => [f, i]));
    for (const f of members) {
      this.#clones.set(f, this.#source.length);
      for (let i = 1; i < CLONES; i++) this.#source.push(f);
    }
    const bodyOf = (f: number, clone: number) => clone === 0 ? f : this.#clones.get(f)! + clone - 1;
    for (let clone = CLONES - 1; clone >= 0; clone--) {
      for (const f of members) {
        const own = rank.get(f)!;
        const how = { indirect, ownCount: clone < CLONES - 1, bounded: clone === 0 };
        this.#planBody(f, bodyOf(f, clone), how, (callee) => {
          const other = rank.get(callee);
          if (other === undefined) return this.#call(callee);
          if (other < own) return this.#call(bodyOf(callee, clone));
          return clone === CLONES - 1 ? cutCall(callee + imported) : this.#call(bodyOf(callee, clone + 1));
        });
      }
    }
  }

  /** A call of a body that is planned. */
  #call(body: number): Callee {
    return {
      index: body + this.#module.importedFunctions,
      cost: COST_CALL + this.#leak[body]!,
      ahead: 0,
      cut: false,
      looks: this.#looks[body]!,
    };
  }

  #planBody(f: number, body: number, how: How, direct: (callee: number) => Callee): void {
    const imported = this.#module.importedFunctions;
    const indirectCall: Callee = {
      index: -1,
      cost: COST_INDIRECT,
      ahead: this.#indirectLeak,
      cut: how.indirect,
      looks: false,
    };
    const planned = this.#body.plan(f, how, (index) => {
      if (index < 0) return indirectCall;
      if (index >= imported) return direct(index - imported);
      return { index, cost: COST_CALL, ahead: COST_IMPORT, cut: true, looks: false };
    });
    this.#firstEdit[body] = planned.firstEdit;
    this.#lastEdit[body] = planned.lastEdit;
    this.#needs[body] = planned.needs;
    this.#leak[body] = planned.leak;
    this.#looks[body] = planned.looks;
  }
}

/** How a body is planned: see {@linkcode BodyPlanner.plan}. */
interface How {
  readonly indirect: boolean;
  readonly ownCount: boolean;
  readonly bounded: boolean;
}

/** A call that is cut: what its callee leaves unpaid is not known yet. */
function cutCall(index: number): Callee {
  return { index, cost: COST_CALL, ahead: MAX_PENDING_AT_EXIT, cut: true, looks: false };
}
