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
import { BodyPlanner, type Callee, type PlanOptions } from "./_body_plan.ts";
import { CLONES } from "./_edits.ts";
import type * as ev from "./_events.ts";
import { COST_CALL, COST_IMPORT, COST_INDIRECT, MAX_PENDING_AT_EXIT } from "./_costs.ts";
import { type Cycle, cycles, indirectTargets } from "./_graph.ts";
import { chooseLoops } from "./_loops.ts";
import type { Steps } from "../steps.ts";
import type { ModuleInfo } from "./_module.ts";
import type { ScannedCode } from "./_scan.ts";

/** Recursive functions larger than this, with those that they recurse through, are not cloned. */
const MAX_CLONED_BYTES = 256;
const MAX_CLONED_MEMBERS = 4;
/** What clones and repeated loops may add to the code: an eighth, and in a small module this much. */
const GROWTH = 1 / 8;
const MIN_GROWTH_BYTES = 32 * 1024;

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

/** After so many functions others may run: some milliseconds' work. */
const STEP_FUNCTIONS = 500;

export function planCode(module: ModuleInfo, code: ScannedCode, options: PlanOptions): Steps<Plan> {
  return new Planner(module, code, options).plan();
}

class Planner {
  readonly #module: ModuleInfo;
  readonly #code: ScannedCode;
  readonly #options: PlanOptions;
  readonly #body: BodyPlanner;
  /** Clones, and whose they are. */
  readonly #source: number[] = [];
  /** By body: a defined function, or a clone. There is a clone for each function at most. */
  readonly #firstEdit: Int32Array;
  readonly #lastEdit: Int32Array;
  readonly #needs: Uint8Array;
  readonly #leak: Int32Array;
  readonly #looks: Uint8Array;
  /** The first clone of a function; the others follow. */
  readonly #clones = new Map<number, number>();
  /** Of the members of the cycle that is being planned, their place in it; -1 of all others. */
  readonly #rank: Int32Array;
  /** Bytes that clones may still add; repeated loops get as much. */
  #growth: number;
  /** Functions that others than direct calls of this module may call. */
  readonly #entered: Uint8Array;
  readonly #targets: readonly number[];
  /** The most that an indirect call may leave unpaid, once all its targets are planned. */
  #indirectLeak = MAX_PENDING_AT_EXIT;
  /** What the call leads to that was asked about last. */
  readonly #callee: Writable<Callee> = { index: 0, cost: 0, ahead: 0, cut: false, looks: false };

  constructor(module: ModuleInfo, code: ScannedCode, options: PlanOptions) {
    this.#module = module;
    this.#code = code;
    this.#options = options;
    this.#growth = Math.max(MIN_GROWTH_BYTES, GROWTH * code.bodyBytes) / 2;
    this.#body = new BodyPlanner(module, code, chooseLoops(module, code, this.#growth), options);
    const count = code.bodyStart.length;
    const ints = () => new Int32Array(count * CLONES);
    [this.#firstEdit, this.#lastEdit, this.#leak] = [ints(), ints(), ints()];
    this.#needs = new Uint8Array(count * CLONES);
    this.#looks = new Uint8Array(count * CLONES);
    this.#rank = new Int32Array(count).fill(-1);
    const imported = module.importedFunctions;
    this.#targets = [...new Set(indirectTargets(module, code))].map((index) => index - imported).filter((f) => f >= 0);
    this.#entered = new Uint8Array(count);
    for (const f of this.#targets) this.#entered[f] = 1;
    for (const index of module.exportedFunctions) if (index >= imported) this.#entered[index - imported] = 1;
  }

  *plan(): Steps<Plan> {
    let indirect = true;
    let planned = 0;
    for (const cycle of cycles(this.#module, this.#code)) {
      if (indirect && !cycle.indirect) {
        indirect = false;
        this.#indirectLeak = this.#targets.reduce((most, f) => Math.max(most, this.#leak[f]!), 0);
      }
      if (cycle.recursive && this.#mayClone(cycle)) this.#planClones(cycle);
      else this.#planOnce(cycle);
      if ((planned += cycle.members.length) < STEP_FUNCTIONS) continue;
      planned = 0;
      yield;
    }
    // A recursion that no path reaches is cloned, and pays nothing.
    const meters = this.#body.meters || this.#clones.size > 0;
    const count = this.#code.bodyStart.length;
    const bodies = new Int32Array(count + this.#source.length);
    for (let f = 0; f < count; f++) bodies[f] = f;
    bodies.set(this.#source, count);
    return {
      edits: this.#body.edits,
      bodies,
      firstEdit: this.#firstEdit,
      lastEdit: this.#lastEdit,
      needs: this.#needs,
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
    if (!recursive) {
      const f = members[0]!;
      this.#planBody(f, f, { indirect, ownCount: false, bounded: this.#entered[f] === 1 }, this.#call);
      return;
    }
    const imported = this.#module.importedFunctions;
    const rank = this.#rank;
    members.forEach((f, i) => rank[f] = i);
    for (const f of members) {
      const own = rank[f]!;
      this.#planBody(f, f, { indirect, ownCount: false, bounded: true }, (callee) => {
        return rank[callee]! >= own ? this.#cutCall(callee + imported) : this.#call(callee);
      });
    }
    for (const f of members) rank[f] = -1;
  }

  /**
   * Plans a small recursion as a round of clones. A cut call goes on to the next clone, and just in the last one, whose
   * cut calls go to the first, it is checked. So most calls go without, and still none goes around for ever.
   */
  #planClones({ members, indirect }: Cycle): void {
    const imported = this.#module.importedFunctions;
    const rank = new Map(members.map((f, i) => [f, i]));
    for (const f of members) {
      this.#clones.set(f, this.#code.bodyStart.length + this.#source.length);
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
          return clone === CLONES - 1 ? this.#cutCall(callee + imported) : this.#call(bodyOf(callee, clone + 1));
        });
      }
    }
  }

  /** A call of a body that is planned. */
  readonly #call = (body: number): Callee =>
    this.#leads(
      body + this.#module.importedFunctions,
      COST_CALL + this.#leak[body]!,
      0,
      false,
      this.#looks[body] === 1,
    );

  /** A call that is cut: what its callee leaves unpaid is not known yet. */
  #cutCall(index: number): Callee {
    return this.#leads(index, COST_CALL, MAX_PENDING_AT_EXIT, true, false);
  }

  /** There are many calls, and each is asked about only while it is planned. */
  #leads(index: number, cost: number, ahead: number, cut: boolean, looks: boolean): Callee {
    const callee = this.#callee;
    callee.index = index;
    callee.cost = cost;
    callee.ahead = ahead;
    callee.cut = cut;
    callee.looks = looks;
    return callee;
  }

  #planBody(f: number, body: number, how: How, direct: (callee: number) => Callee): void {
    const imported = this.#module.importedFunctions;
    const planned = this.#body.plan(f, how, (index) => {
      if (index >= imported) return direct(index - imported);
      if (index >= 0) return this.#leads(index, COST_CALL, COST_IMPORT, true, false);
      return this.#leads(-1, COST_INDIRECT, this.#indirectLeak, how.indirect, false);
    });
    this.#firstEdit[body] = planned.firstEdit;
    this.#lastEdit[body] = planned.lastEdit;
    this.#needs[body] = planned.needs;
    this.#leak[body] = planned.leak;
    this.#looks[body] = planned.looks ? 1 : 0;
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** How a body is planned: see {@linkcode BodyPlanner.plan}. */
interface How {
  readonly indirect: boolean;
  readonly ownCount: boolean;
  readonly bounded: boolean;
}
