/**
 * Plans one body.
 *
 * @module
 */
import { Numbers } from "../numbers.ts";
import {
  MAX_PENDING,
  MAX_PENDING_AT_EXIT,
  MAX_PENDING_BEFORE_CALL,
  MAX_PENDING_BEFORE_LOOP,
  MAX_PENDING_OF_TURN,
  PENDING_AT_CATCH,
} from "./_costs.ts";
import * as edit from "./_edits.ts";
import * as ev from "./_events.ts";
import { Frames } from "./_frames.ts";
import { repeats } from "./_loops.ts";
import type { ModuleInfo } from "./_module.ts";
import type { ScannedCode } from "./_scan.ts";

/** What a module can do that its plan depends on. */
export interface PlanOptions {
  /**
   * Whether an exception may unwind the module's functions. What they have not paid then is lost, so they pay before
   * each call.
   */
  readonly exceptions: boolean;
  /** How many branches of a function may ask whether a local is zero before they hide it. */
  readonly conditions: number;
  /** Whether growing asks or is bounded. */
  readonly growMemory: boolean;
  readonly growTable: boolean;
}

/** What a call leads to. */
export interface Callee {
  /** The function, as an old index; clones stand behind all old functions. */
  readonly index: number;
  /** What it costs, with what the callee leaves unpaid as far as that is known. */
  readonly cost: number;
  /** What the callee may leave unpaid besides, which is paid before. */
  readonly ahead: number;
  /** Whether a check must come before it. */
  readonly cut: boolean;
  /** Whether the callee always looks. */
  readonly looks: boolean;
}

export interface PlannedBody {
  readonly firstEdit: number;
  readonly lastEdit: number;
  readonly needs: number;
  /** The most that a call of it leaves unpaid. */
  readonly leak: number;
  /** Whether a call of it always looks. */
  readonly looks: boolean;
}

export class BodyPlanner {
  readonly edits: ev.Ints;
  readonly loops: ev.Ints;
  /** Whether anything pays, or else becomes any other than it was. */
  meters = false;
  changes = false;
  readonly growsMemory: Set<number> = new Set();
  readonly growsTable: Set<number> = new Set();
  readonly #module: ModuleInfo;
  readonly #code: ScannedCode;
  readonly #options: PlanOptions;
  readonly #frames = new Frames();

  /** What a turn of a repeated loop costs at most, by its event. */
  readonly #turns: ReadonlyMap<number, number>;

  constructor(
    module: ModuleInfo,
    code: ScannedCode,
    turns: ReadonlyMap<number, number>,
    options: PlanOptions,
  ) {
    this.#turns = turns;
    this.#module = module;
    this.#code = code;
    this.#options = options;
    this.edits = new ev.Ints(64 + (code.events.length >> 2));
    this.loops = new ev.Ints(256);
  }

  /**
   * Plans the code of `f`. `call` says what a function's index leads to, or -1, an indirect call. With a count of its
   * own, the body counts its loops' turns there, in a register, and not in the counter. A bounded one leaves little
   * unpaid when it ends, for callers that do not know how much it is.
   */
  plan(
    f: number,
    { ownCount, bounded }: { readonly ownCount: boolean; readonly bounded: boolean },
    call: (index: number) => Callee,
  ): PlannedBody {
    const { events, firstEvent } = this.#code;
    const data = events.data;
    const edits = this.edits;
    const frames = this.#frames;
    const imported = this.#module.importedFunctions;
    let atExit = bounded ? MAX_PENDING_AT_EXIT : Infinity;
    const beforeCall = this.#options.exceptions ? MAX_PENDING_BEFORE_CALL : Infinity;
    const firstEdit = edits.length;
    const lastEvent = firstEvent[f + 1]!;
    const { conditions } = this.#code;
    let condition = this.#code.firstCondition[f]!;
    const lastCondition = this.#code.firstCondition[f + 1]!;
    if (lastCondition - condition <= this.#options.conditions) condition = lastCondition;
    let needs = 0;
    /** The most that the path here has cost since it paid; -1 where no path leads. */
    let pending = 0;
    /** Enclosing loops, counted from the outermost, whose turn has had a check; -1 while the call has had none. */
    let checked = -1;
    let loops = 0;
    /** An edit that pays, which each path here has passed since the innermost loop's head, or -1. */
    let payer = -1;
    frames.reset();

    for (let e = firstEvent[f]!; e < lastEvent; e += ev.EVENT) {
      const word = data[e]!;
      const at = data[e + 1]!;
      const kind = word & ev.KIND_MASK;
      const arg = word >>> ev.KIND_BITS;
      if (pending >= 0) {
        pending += data[e + 2]!;
        // A small loop leaves some turns unpaid, on every way out of it.
        const ahead = kind === ev.SMALL_LOOP ? this.#turns.get(e)! * 4 : kind === ev.LOOP ? MAX_PENDING_BEFORE_LOOP : 0;
        const most = pending > atExit && this.#mayExit(kind, arg, at) ? atExit : MAX_PENDING;
        if (pending > 0 && pending + Math.min(ahead, MAX_PENDING) >= most) {
          payer = edits.length;
          edits.push3(at, edit.PAY, pending);
          this.meters = true;
          checked = loops;
          pending = 0;
        }
      }
      if (condition < lastCondition && conditions[condition] === at) {
        edits.push3(at, edit.HIDE, 0);
        this.changes = true;
        condition++;
      }
      switch (kind) {
        case ev.BLOCK:
        case ev.IF:
          frames.open(kind, pending, checked, loops, payer);
          break;
        case ev.LOOP:
          frames.open(kind, pending, checked, loops, payer);
          frames.header[frames.top] = edits.length;
          loops++;
          if (ownCount && bounded) atExit = MAX_PENDING_AT_EXIT - edit.KEPT_COUNT;
          payer = ownCount ? -1 : edits.length;
          edits.push3(at + arg, ownCount ? edit.TURN : edit.CHECK, 0);
          if (!ownCount) checked = loops;
          break;
        case ev.SMALL_LOOP:
          if (pending >= 0) pending += this.#unpaid(e);
          frames.open(kind, pending, checked, loops, payer);
          frames.header[frames.top] = this.loops.length;
          loops++;
          edits.push3(at + arg, edit.REPEAT, this.loops.length);
          this.loops.push3(e + ev.EVENT, 0, 0);
          this.loops.push(repeats(this.#turns.get(e)!));
          needs |= edit.NEEDS_TEMP;
          break;
        case ev.ELSE:
          frames.arrive(0, pending, checked);
          pending = frames.pendingAt[frames.top]!;
          checked = frames.checkedAt[frames.top]!;
          payer = frames.payerAt[frames.top]!;
          frames.kind[frames.top] = ev.ELSE;
          break;
        case ev.TRY:
        case ev.TRY_TABLE:
          if (kind === ev.TRY_TABLE && arg > 0 && pending >= 0) this.#catches(at, at + arg, checked);
          frames.open(kind, pending, checked, loops, payer);
          break;
        case ev.CATCH:
          frames.arrive(0, pending, checked);
          pending = frames.pendingAt[frames.top]! < 0 ? -1 : PENDING_AT_CATCH;
          checked = frames.checkedAt[frames.top]!;
          payer = frames.payerAt[frames.top]!;
          break;
        case ev.END:
        case ev.DELEGATE: {
          const top = frames.top;
          loops = frames.loopsAt[top]!;
          if (frames.kind[top] === ev.LOOP) {
            // Branches to a loop go back to its header: behind its end stands only what falls out of it.
            needs |= this.#closeLoop(top);
          } else if (frames.kind[top] === ev.SMALL_LOOP) this.#closeSmallLoop(top, e);
          else {
            frames.arrive(0, pending, checked);
            if (frames.kind[top] === ev.IF) frames.merge(top, frames.pendingAt[top]!, frames.checkedAt[top]!);
            pending = frames.pendingEnd[top]!;
            checked = frames.checkedEnd[top]!;
          }
          checked = Math.min(checked, loops);
          payer = frames.payerAt[top]!;
          frames.top--;
          break;
        }
        case ev.BR:
          frames.arrive(arg, pending, checked);
          pending = -1;
          break;
        case ev.BR_IF:
          frames.arrive(arg, pending, checked);
          break;
        case ev.BR_TABLE:
          if (pending >= 0) this.#labels(at + 1, pending, checked);
          pending = -1;
          break;
        case ev.RETURN:
          frames.arrive(frames.top, pending, checked);
          pending = -1;
          break;
        case ev.STOP:
          pending = -1;
          break;
        case ev.CALL:
        case ev.RETURN_CALL:
        case ev.CALL_INDIRECT:
        case ev.RETURN_CALL_INDIRECT: {
          const direct = kind === ev.CALL || kind === ev.RETURN_CALL;
          const callee = call(direct ? arg : -1);
          if (pending >= 0) {
            if (callee.cut && checked < 0) {
              // Next to a call into the host or through a table, a call of a helper is cheap.
              const tight = direct && callee.index >= imported;
              payer = edits.length;
              edits.push3(at, tight ? edit.CHECK : edit.PAY, pending);
              if (tight) needs |= edit.NEEDS_TEMP;
              this.meters = true;
              checked = loops;
              pending = 0;
            } else if (pending >= beforeCall) {
              payer = edits.length;
              edits.push3(at, edit.PAY, pending);
              this.meters = true;
              checked = loops;
              pending = 0;
            }
            pending += callee.cost;
            // What is paid ahead costs nothing at run time where something is paid anyway.
            if (payer >= 0) edits.data[payer + 2]! += callee.ahead;
            else pending += callee.ahead;
            if (callee.looks) checked = loops;
          }
          if (kind === ev.RETURN_CALL || kind === ev.RETURN_CALL_INDIRECT) {
            // There is no later point to pay at what the callee leaves.
            if (pending > atExit) {
              edits.push3(at, edit.PAY, pending);
              this.meters = true;
              checked = loops;
              pending = 0;
            }
            frames.arrive(frames.top, pending, checked);
            pending = -1;
          }
          if (direct && callee.index >= imported) edits.push3(at, edit.INDEX, callee.index);
          break;
        }
        case ev.REF_FUNC:
          if (arg >= imported) edits.push3(at, edit.INDEX, arg);
          break;
        case ev.BULK:
          edits.push3(at, edit.BULK, arg | Math.max(pending, 0) << 3);
          needs |= arg & 1 ? edit.NEEDS_TEMP64 : edit.NEEDS_TEMP;
          if (pending >= 0) {
            checked = loops;
            pending = 0;
            payer = -1;
          }
          break;
        case ev.MEMORY_GROW:
          if (!this.#options.growMemory) break;
          edits.push3(at, edit.GROW_MEMORY, arg);
          this.growsMemory.add(arg);
          this.changes = true;
          break;
        case ev.TABLE_GROW:
          if (!this.#options.growTable) break;
          edits.push3(at, edit.GROW_TABLE, arg);
          this.growsTable.add(arg);
          this.changes = true;
          break;
        case ev.ATOMIC_WAIT:
          edits.push3(at, edit.NO_WAIT, 0);
          this.changes = true;
          break;
      }
    }

    if (needs !== 0) this.meters = true;
    const kept = (needs & edit.NEEDS_COUNT) !== 0 ? edit.KEPT_COUNT : 0;
    const exit = frames.pendingEnd[0]!;
    return {
      firstEdit,
      lastEdit: edits.length,
      needs,
      leak: Math.max(exit, 0) + kept,
      looks: exit < 0 || frames.checkedEnd[0]! >= 0,
    };
  }

  /** Whether an instruction may end the function. */
  #mayExit(kind: number, arg: number, at: number): boolean {
    const { top } = this.#frames;
    if (kind === ev.RETURN) return true;
    if (kind === ev.END) return top === 0;
    if (kind === ev.BR || kind === ev.BR_IF) return arg === top;
    if (kind !== ev.BR_TABLE) return false;
    const r = new Numbers(this.#module.bytes, at + 1);
    for (let left = r.u32(); left >= 0; left--) if (r.u32() === top) return true;
    return false;
  }

  /** The turns of a small loop that nothing pays: all but one of those that stand. */
  #unpaid(event: number): number {
    const turn = this.#turns.get(event)!;
    return turn * (repeats(turn) - 1);
  }

  /** Settles what a loop's header does, now that all ways back to it are known: the locals that it needs. */
  #closeLoop(top: number): number {
    const frames = this.#frames;
    const data = this.edits.data;
    const header = frames.header[top]!;
    const back = frames.pendingEnd[top]!;
    const turn = Math.max(back - Math.max(frames.pendingAt[top]!, 0), 1);
    const isTurn = data[header + 1] === edit.TURN;
    const checkedInside = isTurn && frames.checkedEnd[top]! > frames.loopsAt[top]! && turn <= MAX_PENDING_OF_TURN;
    // A check stays even where nothing leads back to it: calls inside may count on it.
    if (frames.pendingAt[top]! < 0 || isTurn && back < 0 || checkedInside) {
      data[header + 1] = edit.SKIP;
      return 0;
    }
    data[header + 2]! += turn;
    return isTurn ? edit.NEEDS_COUNT : edit.NEEDS_TEMP;
  }

  /** Settles what all turns of a small loop that stand cost together. */
  #closeSmallLoop(top: number, event: number): void {
    const frames = this.#frames;
    const data = this.loops.data;
    const loop = frames.header[top]!;
    const turn = Math.max(frames.pendingEnd[top]! - Math.max(frames.pendingAt[top]!, 0), 1);
    data[loop + edit.LOOP_LAST] = event;
    data[loop + edit.LOOP_COST] = turn * data[loop + edit.LOOP_REPEATS]!;
  }

  /** The labels of a `br_table`, from its count on. */
  #labels(at: number, pending: number, checked: number): void {
    const r = new Numbers(this.#module.bytes, at);
    for (let left = r.u32(); left >= 0; left--) this.#frames.arrive(r.u32(), pending, checked);
  }

  /** The labels of a `try_table`'s catches. */
  #catches(at: number, firstCatch: number, checked: number): void {
    const bytes = this.#module.bytes;
    // The count is the number that ends where the first catch begins.
    let countAt = firstCatch - 1;
    while (countAt > at && bytes[countAt - 1]! & 0x80) countAt--;
    const r = new Numbers(bytes, countAt);
    for (let left = r.u32(); left > 0; left--) {
      const kind = bytes[r.pos++]!;
      if (kind < 2) r.u32();
      this.#frames.arrive(r.u32(), PENDING_AT_CATCH, checked);
    }
  }
}
