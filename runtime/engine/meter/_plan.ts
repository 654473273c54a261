/**
 * Decides where a module's code pays and where it looks at the counter.
 *
 * Two rules make the counter run out in bounded time, whatever the guest does:
 *
 * - **No cycle without a check.** Each way around a loop passes its header, or a check in its body. Each cycle of calls
 *   passes a call that is *cut*: before it, on every path from the start of its function, stands a check. Calls of
 *   imports are cut, since another module or the host may call back; so is one edge of every cycle of direct calls, and
 *   each indirect call in a function that an indirect call can reach.
 * - **No path is free.** What a path has cost since it last paid, {@linkcode FunctionPlan.leak} of the functions it has
 *   called included, is known as an upper bound at every point; where it would exceed {@linkcode MAX_PENDING} the path
 *   pays. Without this rule, thirty functions that each call the next one twice would run for a second unseen.
 *
 * Functions are planned callees first. What remains of the call graph without the cut edges has no cycle, so each
 * callee's leak is known by then.
 *
 * @module
 */
import * as ev from "./_events.ts";
import type { ModuleInfo } from "./_module.ts";
import type { ScannedCode } from "./_scan.ts";

/** What a path may cost before it must pay: some tens of nanoseconds. */
export const MAX_PENDING = 192;
/** What is left of a path before a loop pays there, not again at each turn. */
const MAX_PENDING_BEFORE_LOOP = 24;
/** What a turn of a loop that is checked inside may cost besides. */
const MAX_PENDING_OF_TURN = 16;
const COST_CALL = 4;
const COST_INDIRECT = 12;
/** A call of the host crosses into JavaScript. */
const COST_IMPORT = 48;
/** A call whose callee is planned later. */
const COST_CUT = 12;
/** A caught exception may have been thrown anywhere in the block. */
const PENDING_AT_CATCH = MAX_PENDING >> 1;

// Kinds of edit. An edit is three numbers: where, kind, argument.
/** Nothing. */
export const SKIP = 0;
/** A function's index has moved. Argument: the index. */
export const INDEX = 1;
/** Pay from the counter and look. Argument: the cost. */
export const CHECK = 2;
/** A loop's header: add to the function's own count, and spend it when it is large. Argument: the cost. */
export const TURN = 3;
/** Add to the function's own count. Argument: the cost. */
export const ADD = 4;
/** `return`, which becomes a branch to the function's end. Argument: how many blocks are open. */
export const EXIT = 5;
/** Pay the function's own count and look, before a tail call or at the end. Argument: the cost on top. */
export const FLUSH = 6;
/** Pay for a bulk operation. Argument: that of the event, and the cost on top above its three bits. */
export const BULK = 7;
export const GROW_MEMORY = 8;
export const GROW_TABLE = 9;
/** `memory.atomic.wait` that does not wait. */
export const NO_WAIT = 10;
export const EDIT = 3;

/** Which locals a function needs: its own count, a temporary, a 64-bit temporary. */
export const NEEDS_COUNT = 1;
export const NEEDS_TEMP = 2;
export const NEEDS_TEMP64 = 4;

export interface Plan {
  readonly edits: ev.Ints;
  /** Per defined function: where its edits begin and end. */
  readonly firstEdit: Int32Array;
  readonly lastEdit: Int32Array;
  readonly needs: Uint8Array;
  /** Whether anything pays. */
  readonly meters: boolean;
  readonly growsMemory: ReadonlySet<number>;
  readonly growsTable: ReadonlySet<number>;
}

export interface PlanOptions {
  /** Whether an exception may unwind the module's functions: then loops pay from the counter at each turn. */
  readonly exceptions: boolean;
  /** Whether growing asks or is bounded. */
  readonly growMemory: boolean;
  readonly growTable: boolean;
}

const UNSEEN = 0;
const OPEN = 1;
const DONE = 2;

export function planCode(module: ModuleInfo, code: ScannedCode, options: PlanOptions): Plan {
  return new Planner(module, code, options).plan();
}

class Planner {
  readonly #module: ModuleInfo;
  readonly #code: ScannedCode;
  readonly #options: PlanOptions;
  readonly #exceptions: boolean;
  readonly #count: number;
  readonly #edits: ev.Ints;
  readonly #firstEdit: Int32Array;
  readonly #lastEdit: Int32Array;
  readonly #needs: Uint8Array;
  readonly #state: Uint8Array;
  /** The most that a call of a function leaves unpaid. */
  readonly #leak: Int32Array;
  /** Whether a call of a function always looks. */
  readonly #looks: Uint8Array;
  #indirectState = UNSEEN;
  #indirectLeak = 0;
  #meters = false;
  readonly #growsMemory = new Set<number>();
  readonly #growsTable = new Set<number>();
  readonly #frames: Frames = new Frames();

  constructor(module: ModuleInfo, code: ScannedCode, options: PlanOptions) {
    this.#module = module;
    this.#code = code;
    this.#options = options;
    this.#exceptions = options.exceptions;
    this.#count = code.bodyStart.length;
    this.#edits = new ev.Ints(64 + code.events.length);
    this.#firstEdit = new Int32Array(this.#count);
    this.#lastEdit = new Int32Array(this.#count);
    this.#needs = new Uint8Array(this.#count);
    this.#state = new Uint8Array(this.#count);
    this.#leak = new Int32Array(this.#count);
    this.#looks = new Uint8Array(this.#count);
  }

  plan(): Plan {
    this.#indirectState = OPEN;
    // From here the functions that indirect calls can reach, so that just those of them that call indirectly are cut.
    for (const index of this.#indirectTargets()) {
      const f = index - this.#module.importedFunctions;
      if (f < 0) continue;
      this.#visit(f);
      this.#indirectLeak = Math.max(this.#indirectLeak, this.#leak[f]!);
    }
    this.#indirectState = DONE;
    for (const index of this.#module.exportedFunctions) this.#visit(index - this.#module.importedFunctions);
    for (let f = 0; f < this.#count; f++) this.#visit(f);
    return {
      edits: this.#edits,
      firstEdit: this.#firstEdit,
      lastEdit: this.#lastEdit,
      needs: this.#needs,
      meters: this.#meters,
      growsMemory: this.#growsMemory,
      growsTable: this.#growsTable,
    };
  }

  *#indirectTargets(): Iterable<number> {
    yield* this.#module.elementFunctions;
    const { events } = this.#code;
    for (let e = 0; e < events.length; e += ev.EVENT) {
      const word = events.data[e]!;
      if ((word & ev.KIND_MASK) === ev.REF_FUNC) yield word >>> ev.KIND_BITS;
    }
    // A function from elsewhere may call this module's exports.
    const { sharesTables, elementFunctions, importedFunctions, exportedFunctions } = this.#module;
    if (
      sharesTables || this.#code.takesReferences || elementFunctions.some((index) => index < importedFunctions)
    ) yield* exportedFunctions;
  }

  /** Plans a function after all that it calls, without recursion: a guest chooses how deep calls go. */
  #visit(root: number): void {
    if (root < 0 || this.#state[root] !== UNSEEN) return;
    const { events, firstEvent } = this.#code;
    const imported = this.#module.importedFunctions;
    const stack: number[] = [root];
    const cursors: number[] = [firstEvent[root]!];
    this.#state[root] = OPEN;
    while (stack.length > 0) {
      const f = stack[stack.length - 1]!;
      const end = firstEvent[f + 1]!;
      let cursor = cursors[cursors.length - 1]!;
      let callee = -1;
      while (cursor < end) {
        const word = events.data[cursor]!;
        cursor += ev.EVENT;
        const kind = word & ev.KIND_MASK;
        if (kind !== ev.CALL && kind !== ev.RETURN_CALL) continue;
        const target = (word >>> ev.KIND_BITS) - imported;
        if (target < 0 || this.#state[target] !== UNSEEN) continue;
        callee = target;
        break;
      }
      cursors[cursors.length - 1] = cursor;
      if (callee >= 0) {
        this.#state[callee] = OPEN;
        stack.push(callee);
        cursors.push(firstEvent[callee]!);
        continue;
      }
      this.#function(f);
      this.#state[f] = DONE;
      stack.pop();
      cursors.pop();
    }
  }

  /** Plans one function. */
  #function(f: number): void {
    const { events, firstEvent } = this.#code;
    const data = events.data;
    const edits = this.#edits;
    const imported = this.#module.importedFunctions;
    const frames = this.#frames;
    const first = firstEvent[f]!;
    const last = firstEvent[f + 1]!;
    this.#firstEdit[f] = edits.length;
    let needs = 0;
    /** The most that the path here has cost since it paid; -1 where no path leads. */
    let pending = 0;
    /** Enclosing loops, counted from the outermost, whose turn has had a check; -1 while the call has had none. */
    let checked = -1;
    let loops = 0;
    frames.reset();
    const ownCount = !this.#exceptions && this.#code.hasLoop[f] === 1;

    const pay = (at: number, cost: number) => {
      edits.push3(at, ownCount ? ADD : CHECK, cost);
      if (!ownCount) {
        checked = loops;
        needs |= NEEDS_TEMP;
      } else needs |= NEEDS_COUNT;
      pending = 0;
    };
    const check = (at: number, cost: number) => {
      edits.push3(at, CHECK, cost);
      needs |= NEEDS_TEMP;
      checked = loops;
      pending = 0;
    };

    for (let e = first; e < last; e += ev.EVENT) {
      const word = data[e]!;
      const at = data[e + 1]!;
      const kind = word & ev.KIND_MASK;
      const arg = word >>> ev.KIND_BITS;
      if (pending >= 0) {
        pending += data[e + 2]!;
        if (pending >= MAX_PENDING) pay(at, pending);
      }
      switch (kind) {
        case ev.BLOCK:
        case ev.IF:
        case ev.TRY:
          frames.open(kind, pending, checked, loops);
          break;
        case ev.LOOP:
          if (pending > MAX_PENDING_BEFORE_LOOP) pay(at, pending);
          frames.open(kind, pending, checked, loops);
          frames.header[frames.top] = edits.length;
          loops++;
          if (this.#exceptions) {
            edits.push3(at + arg, CHECK, 1);
            needs |= NEEDS_TEMP;
            checked = loops;
          } else edits.push3(at + arg, TURN, 0);
          break;
        case ev.ELSE:
          frames.arrive(0, pending, checked);
          pending = frames.pendingAt[frames.top]!;
          checked = frames.checkedAt[frames.top]!;
          frames.kind[frames.top] = ev.ELSE;
          break;
        case ev.CATCH:
          frames.arrive(0, pending, checked);
          pending = frames.pendingAt[frames.top]! < 0 ? -1 : PENDING_AT_CATCH;
          checked = frames.checkedAt[frames.top]!;
          break;
        case ev.TRY_TABLE:
          if (arg > 0 && pending >= 0) this.#catches(at, at + arg, checked);
          frames.open(kind, pending, checked, loops);
          break;
        case ev.END:
        case ev.DELEGATE: {
          const top = frames.top;
          loops = frames.loopsAt[top]!;
          if (frames.kind[top] === ev.LOOP) {
            // Branches to a loop go back to its header: behind its end stands only what falls out of it.
            if (this.#closeLoop(top)) needs |= NEEDS_COUNT;
          } else {
            frames.arrive(0, pending, checked);
            if (frames.kind[top] === ev.IF) frames.merge(top, frames.pendingAt[top]!, frames.checkedAt[top]!);
            pending = frames.pendingEnd[top]!;
            checked = frames.checkedEnd[top]!;
          }
          checked = Math.min(checked, loops);
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
          edits.push3(at, EXIT, frames.top);
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
          const callee = arg - imported;
          if (pending >= 0) {
            let cost = 0;
            let cut = false;
            let looks = false;
            if (!direct) {
              cut = this.#indirectState !== DONE;
              cost = COST_INDIRECT + (cut ? 0 : Math.min(this.#indirectLeak, MAX_PENDING >> 2));
            } else if (callee < 0) {
              cut = true;
              cost = COST_IMPORT;
            } else if (this.#state[callee] === DONE) {
              cost = COST_CALL + this.#leak[callee]!;
              looks = this.#looks[callee] === 1;
            } else {
              cut = true;
              cost = COST_CUT;
            }
            if (cut && checked < 0) check(at, pending + cost);
            else pending += cost;
            if (looks) checked = loops;
          }
          if (kind === ev.RETURN_CALL || kind === ev.RETURN_CALL_INDIRECT) {
            frames.arrive(frames.top, pending, checked);
            edits.push3(at, FLUSH, Math.max(pending, 0));
            pending = -1;
          }
          if (direct && callee >= 0) edits.push3(at, INDEX, arg);
          break;
        }
        case ev.REF_FUNC:
          if (arg >= imported) edits.push3(at, INDEX, arg);
          break;
        case ev.BULK:
          edits.push3(at, BULK, arg | Math.max(pending, 0) << 3);
          needs |= arg & 1 ? NEEDS_TEMP64 : NEEDS_TEMP;
          if (pending >= 0) {
            checked = loops;
            pending = 0;
          }
          break;
        case ev.MEMORY_GROW:
          if (!this.#options.growMemory) break;
          edits.push3(at, GROW_MEMORY, arg);
          this.#growsMemory.add(arg);
          break;
        case ev.TABLE_GROW:
          if (!this.#options.growTable) break;
          edits.push3(at, GROW_TABLE, arg);
          this.#growsTable.add(arg);
          break;
        case ev.ATOMIC_WAIT:
          edits.push3(at, NO_WAIT, 0);
          break;
      }
    }

    const exit = frames.pendingEnd[0]!;
    const flushes = (needs & NEEDS_COUNT) !== 0;
    if (flushes) edits.push3(this.#code.bodyEnd[f]! - 1, FLUSH, Math.max(exit, 0));
    this.#leak[f] = flushes ? 0 : Math.max(exit, 0);
    this.#looks[f] = flushes || exit < 0 || frames.checkedEnd[0]! >= 0 ? 1 : 0;
    if (needs !== 0) this.#meters = true;
    this.#needs[f] = needs;
    this.#lastEdit[f] = edits.length;
  }

  /** Settles what a loop's header does, now that all ways back to it are known: whether it uses the own count. */
  #closeLoop(top: number): boolean {
    const frames = this.#frames;
    const data = this.#edits.data;
    const header = frames.header[top]!;
    const back = frames.pendingEnd[top]!;
    const turn = Math.max(back - Math.max(frames.pendingAt[top]!, 0), 1);
    const checkedInside = frames.checkedEnd[top]! > frames.loopsAt[top]! && turn <= MAX_PENDING_OF_TURN;
    if (back < 0 || checkedInside && !this.#exceptions) data[header + 1] = SKIP;
    else data[header + 2] = turn;
    return data[header + 1] === TURN;
  }

  /** The labels of a `br_table`, from its count on. */
  #labels(at: number, pending: number, checked: number): void {
    const r = new Labels(this.#module.bytes, at);
    for (let left = r.u32(); left >= 0; left--) this.#frames.arrive(r.u32(), pending, checked);
  }

  /** The labels of a `try_table`'s catches. */
  #catches(at: number, firstCatch: number, checked: number): void {
    const bytes = this.#module.bytes;
    const r = new Labels(bytes, at);
    // The count is the number that ends where the first catch begins; it was read before, so it is found by its length.
    let countAt = firstCatch - 1;
    while (countAt > at && bytes[countAt - 1]! & 0x80) countAt--;
    r.pos = countAt;
    for (let left = r.u32(); left > 0; left--) {
      const kind = bytes[r.pos++]!;
      if (kind < 2) r.u32();
      this.#frames.arrive(r.u32(), PENDING_AT_CATCH, checked);
    }
  }
}

/** Reads LEB128 numbers that the scan has checked. */
class Labels {
  readonly #bytes: Uint8Array;
  pos: number;

  constructor(bytes: Uint8Array, pos: number) {
    this.#bytes = bytes;
    this.pos = pos;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = this.#bytes[this.pos++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
}

/** The open blocks of a function. Index 0 is the function itself. */
class Frames {
  top = 0;
  kind = new Uint8Array(64);
  /** Pending and checked where the block was entered. */
  pendingAt = new Int32Array(64);
  checkedAt = new Int32Array(64);
  loopsAt = new Int32Array(64);
  /** What has arrived at a block's end, or at a loop's header from inside. */
  pendingEnd = new Int32Array(64);
  checkedEnd = new Int32Array(64);
  /** A loop's edit. */
  header = new Int32Array(64);

  reset(): void {
    this.top = -1;
    this.open(ev.BLOCK, 0, -1, 0);
  }

  open(kind: number, pending: number, checked: number, loops: number): void {
    const top = ++this.top;
    if (top === this.kind.length) this.#widen();
    this.kind[top] = kind;
    this.pendingAt[top] = pending;
    this.checkedAt[top] = checked;
    this.loopsAt[top] = loops;
    this.pendingEnd[top] = -1;
    this.checkedEnd[top] = 0x7fffffff;
  }

  /** A path arrives at the label `depth` blocks out. */
  arrive(depth: number, pending: number, checked: number): void {
    if (pending >= 0) this.merge(this.top - depth, pending, checked);
  }

  merge(frame: number, pending: number, checked: number): void {
    if (pending > this.pendingEnd[frame]!) this.pendingEnd[frame] = pending;
    if (pending >= 0 && checked < this.checkedEnd[frame]!) this.checkedEnd[frame] = checked;
  }

  #widen(): void {
    const wider = (old: Int32Array) => {
      const list = new Int32Array(old.length * 2);
      list.set(old);
      return list;
    };
    const kind = new Uint8Array(this.kind.length * 2);
    kind.set(this.kind);
    this.kind = kind;
    this.pendingAt = wider(this.pendingAt);
    this.checkedAt = wider(this.checkedAt);
    this.loopsAt = wider(this.loopsAt);
    this.pendingEnd = wider(this.pendingEnd);
    this.checkedEnd = wider(this.checkedEnd);
    this.header = wider(this.header);
  }
}
