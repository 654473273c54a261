/**
 * One instance of SQLite with one connection: what is called, and who pays for it.
 *
 * @module
 */
import { maybeTask } from "../../../context.ts";
import { METER, type Meter, type Running } from "../../../engine/metering.ts";
import type { DatabaseFiles } from "./files.ts";
import { InstanceMemory, sqliteModule, systemImports } from "./module.ts";
import { DENY, OK, OPEN_CREATE, OPEN_READWRITE } from "./codes.ts";
import type { ShimExports } from "./shim.ts";
import { NAME, Vfs } from "./vfs.ts";
import { Work } from "./work.ts";

/** SQLite's functions: numbers, pointers among them, and `bigint` for 64 bits. */
type Exports = Readonly<Record<string, (...args: (number | bigint)[]) => number>>;

/** Asked for each action of a statement that is prepared: see `authorize.ts`. */
export type Authorizer = (
  action: number,
  first: string | null,
  second: string | null,
  database: string | null,
  trigger: string | null,
) => number;

/** A statement that was ended, or something in SQLite that must not be: the instance cannot be used any more. */
export class Dead extends Error {}

/** What the host does for itself, such as rolling back, may take so long: others wait meanwhile. */
const MAX_OWN_MS = 20;

/** What the meter grants where nobody has to pay. */
const OWN_FUEL = 1_000_000;

/** What is computed in a millisecond, about. */
const FUEL_PER_MS = 1_000_000;

/** What SQLite is called for between statements takes no long: what takes longer is caught in itself. */
const MAX_CALL_MS = 5000;

/**
 * SQLite's stack. By itself it has half of that, above all it knows, and nothing says when it is full: what is deeper
 * overwrites that.
 */
export const STACK_BYTES = 1024 * 1024;

/**
 * Where this is taken, nothing more is authorized: triggers that set each other off would be nested without end. The rest
 * is for what SQLite does between two questions, an expression of many levels above all.
 */
const MAX_STACK_BYTES = STACK_BYTES / 2;

/** Below zero the counter makes SQLite look; so does what `look` answers when it has to end. */
const END = -1;

/** A longer one is encoded first, so that it takes no more of SQLite's memory than it has to. */
const LONG_TEXT = 4096;

interface Jspi {
  promising(func: unknown): (...args: number[]) => Promise<void>;
  Suspending: new (func: (reason: number) => Promise<number>) => WebAssembly.ImportValue;
}
const jspi = WebAssembly as unknown as Jspi;

/**
 * One connection of SQLite, in a memory of its own. What it does for a task is metered as that task's guest is: it lets
 * others run, and ends with the task, in the middle of whatever it does. Then it is {@linkcode Instance.dead}.
 */
export class Instance {
  readonly vfs: Vfs;
  readonly memory: InstanceMemory = new InstanceMemory();
  readonly db: number;
  /** For what is called often; {@linkcode call} is for the rest. */
  readonly e: Exports;
  readonly #meter: Meter;
  readonly #shim: ShimExports;
  readonly #prepare: (...args: number[]) => Promise<void>;
  readonly #run: (...args: number[]) => Promise<void>;
  readonly #counter: WebAssembly.Global;
  readonly #scratch: number;
  #work: Work | undefined;
  #canSuspend = false;
  /** Until when it may run where nobody pays. */
  #until = Infinity;
  #row: () => boolean = () => false;
  #dead = false;
  #alone = false;
  /** Up to where SQLite's stack may grow, downwards. */
  readonly #deepest: number;
  /** Whether the last statement was nested so deep that there was no room on the stack. */
  tooDeep = false;
  authorizer: Authorizer | undefined;

  constructor(files: DatabaseFiles, maxBytes: number) {
    const module = sqliteModule();
    this.#meter = module.meter;
    const { memory } = this.memory;
    maybeTask()?.memory?.made(memory);
    this.vfs = new Vfs(files, maxBytes, this.memory);
    const hooks = {
      look: (fuel: number) => this.#look(fuel),
      wait: new jspi.Suspending((reason) => this.#wait(reason)),
      grow: () => 0,
    };
    const imports = systemImports(module.sqlite, memory, (bytes) => maybeTask()?.memory?.grow(bytes) ?? true);
    const sqlite = new WebAssembly.Instance(module.sqlite, { ...imports, [METER]: hooks });
    this.e = sqlite.exports as unknown as Exports;
    this.#counter = sqlite.exports[module.counter] as WebAssembly.Global;
    const system = this.vfs.callbacks();
    const callbacks = { ...system, authorize: (...args: number[]) => this.#authorize(args) };
    for (const slow of ["xRead", "xWrite", "xTruncate", "xSync"] as const) callbacks[slow] = this.#paid(system[slow]);
    const row = () => this.#onRow();
    const shim = new WebAssembly.Instance(module.shim, {
      sqlite: sqlite.exports as WebAssembly.ModuleImports,
      host: { ...callbacks, row },
    });
    this.#shim = shim.exports as unknown as ShimExports;
    this.#prepare = jspi.promising(this.#shim.prepare);
    this.#run = jspi.promising(this.#shim.run);

    const table = sqlite.exports.__indirect_function_table as WebAssembly.Table;
    const pointer = (callback: keyof typeof callbacks): number => {
      const at = table.grow(1);
      table.set(at, this.#shim[callback]);
      return at;
    };
    this.e.__wasm_call_ctors!();
    const top = this.e.malloc!(STACK_BYTES) + STACK_BYTES & -16;
    this.e._emscripten_stack_restore!(top);
    this.#deepest = top - MAX_STACK_BYTES;
    this.#scratch = this.e.malloc!(16);
    const vfs = this.vfs.install((bytes) => this.e.malloc!(bytes), pointer);
    this.#must(this.e.sqlite3_initialize!());
    this.#must(this.e.sqlite3_vfs_register!(vfs, 1));
    const [name, free] = this.text(NAME);
    const code = this.e.sqlite3_open_v2!(name, this.#scratch, OPEN_READWRITE | OPEN_CREATE, 0);
    free();
    this.db = this.memory.view.getInt32(this.#scratch, true);
    this.#must(code);
    this.e.sqlite3_extended_result_codes!(this.db, 1);
    this.#must(this.e.sqlite3_set_authorizer!(this.db, pointer("authorize"), 0));
  }

  /** Whether it may not be used any more. */
  get dead(): boolean {
    return this.#dead;
  }

  /** Calls a function of SQLite that takes no long. */
  call(name: string, ...args: (number | bigint)[]): number {
    this.#until = Infinity;
    try {
      return this.e[name]!(...args);
    } catch (error) {
      throw this.#die(error);
    }
  }

  /** `text` in SQLite's memory, with a zero behind it, and what frees it. */
  text(text: string): [at: number, free: () => void, bytes: number] {
    if (text.length > LONG_TEXT) {
      const bytes = encoder.encode(text);
      const at = this.allocate(bytes.length + 1);
      this.memory.bytes.set(bytes, at);
      this.memory.bytes[at + bytes.length] = 0;
      return [at, () => this.call("free", at), bytes.length];
    }
    // No character has more than three bytes for each of its units.
    const size = text.length * 3 + 1;
    const at = this.allocate(size);
    const { written } = encoder.encodeInto(text, this.memory.bytes.subarray(at, at + size));
    this.memory.bytes[at + written] = 0;
    return [at, () => this.call("free", at), written];
  }

  /** @throws {Error} where there is no room. */
  allocate(bytes: number): number {
    const at = this.call("malloc", bytes);
    if (at === 0) throw new OutOfMemory();
    return at;
  }

  /** The text at `at`, up to a zero. */
  read(at: number): string {
    if (at === 0) return "";
    return this.decode(at, this.memory.bytes.indexOf(0, at) - at);
  }

  decode(at: number, length: number): string {
    const { bytes } = this.memory;
    if (length > 24) return decoder.decode(bytes.subarray(at, at + length));
    let text = "";
    for (let i = at; i < at + length; i++) {
      const byte = bytes[i]!;
      if (byte > 0x7f) return decoder.decode(bytes.subarray(at, at + length));
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** What went wrong last, as SQLite says it. */
  get message(): string {
    return this.read(this.call("sqlite3_errmsg", this.db));
  }

  /**
   * Prepares the first statement in `sql`, at once or after others have run: its code, the statement, and what of `sql` is
   * behind it.
   */
  prepare(sql: string): Later<{ readonly code: number; readonly statement: number; readonly rest: string }> {
    this.vfs.refused = false;
    const [at, free, size] = this.text(sql);
    const scratch = this.#scratch;
    return chain(this.#metered(() => this.#prepare(this.db, at, size + 1, 0, scratch, scratch + 4)), (code) => {
      const statement = this.memory.view.getInt32(scratch, true);
      const tail = this.memory.view.getInt32(scratch + 4, true);
      const rest = tail === 0 ? "" : this.decode(tail, at + size - tail);
      free();
      return { code, statement, rest };
    });
  }

  /** Steps through a statement, at once or after others have run. `row` is called for each row until it answers `false`. */
  run(statement: number, row: () => boolean): Later<number> {
    this.#row = row;
    this.vfs.refused = false;
    return this.#metered(() => this.#run(statement));
  }

  /** Runs statements of the host's own, without letting others run. */
  own(sql: string, maxMs: number = MAX_OWN_MS): void {
    const { authorizer } = this;
    this.authorizer = undefined;
    const [at, free] = this.text(sql);
    this.#until = performance.now() + maxMs;
    let code: number;
    try {
      code = this.e.sqlite3_exec!(this.db, at, 0, 0, 0);
    } catch (error) {
      throw this.#die(error);
    } finally {
      this.authorizer = authorizer;
    }
    this.#must(code);
    free();
  }

  /** Does what `body` does at once, whoever asks: for the server's start, when nobody waits. */
  alone<T>(body: () => Later<T>): T {
    this.#alone = true;
    try {
      const value = body();
      if (!(value instanceof Promise)) return value;
      // It could not be suspended, so it was ended.
      value.catch(() => {});
      throw new Dead("SQLite was ended");
    } finally {
      this.#alone = false;
    }
  }

  /** Ends it: whatever it was about to do is rolled back by the next one who looks. */
  abandon(): void {
    this.#dead = true;
    this.vfs.abandon();
  }

  #must(code: number): void {
    if (code !== OK) throw Object.assign(new Error(this.db ? this.message : `SQLite answers ${code}`), { code });
  }

  /** Calls a function of the shim that leaves its code, on a stack that can be suspended. */
  #metered(call: () => Promise<void>): Later<number> {
    this.tooDeep = false;
    const task = this.#alone ? undefined : maybeTask();
    const work = this.#work = task && new Work(task, this.#meter.clock(task));
    this.#canSuspend = work !== undefined;
    const over = () => {
      work?.pause();
      this.#work = undefined;
      this.#canSuspend = false;
    };
    const promise = call();
    const { code } = this.#shim;
    if (code.value >= 0) {
      over();
      return code.value;
    }
    return promise.then(() => {
      over();
      return code.value;
    }, (error) => {
      over();
      throw this.#die(error);
    });
  }

  #die(error: unknown): Dead {
    if (error instanceof Dead) return error;
    this.abandon();
    return new Dead("SQLite was ended", { cause: error });
  }

  #look(fuel: number): number {
    const work = this.#work;
    if (work !== undefined) return this.#meter.look(this.#running(work), fuel);
    const now = performance.now();
    if (this.#until === Infinity && !this.#alone) this.#until = now + MAX_CALL_MS;
    return now > this.#until ? END : OWN_FUEL;
  }

  #wait(reason: number): Promise<number> {
    const work = this.#work!;
    work.suspend();
    const turn = this.#meter.wait(this.#running(work), reason);
    const resume = () => work.clock.start();
    turn.then(resume, resume);
    return turn;
  }

  #running(work: Work): Running {
    return { isolate: work, canSuspend: this.#canSuspend };
  }

  /** SQLite counts what it computes, not what a disk takes: that is taken from its fuel here, so that it looks in time. */
  #paid(callback: (...args: number[]) => number): (...args: number[]) => number {
    return (...args) => {
      const began = performance.now();
      const code = callback(...args);
      this.#counter.value -= Math.min((performance.now() - began) * FUEL_PER_MS, FUEL_PER_MS);
      return code;
    };
  }

  /** While JavaScript is on the stack, SQLite cannot be suspended. */
  #onRow(): number {
    const canSuspend = this.#canSuspend;
    this.#canSuspend = false;
    try {
      return this.#row() ? 1 : 0;
    } finally {
      this.#canSuspend = canSuspend;
    }
  }

  #authorize([, action, first, second, database, trigger]: number[]): number {
    if (this.e.emscripten_stack_get_current!() < this.#deepest) {
      this.tooDeep = true;
      return DENY;
    }
    const { authorizer } = this;
    if (authorizer === undefined) return OK;
    const text = (at: number | undefined) => at ? this.read(at) : null;
    try {
      return authorizer(action!, text(first), text(second), text(database), text(trigger));
    } catch {
      return DENY;
    }
  }
}

/** A value, or a promise of it where others ran before it was there. */
export type Later<T> = T | Promise<T>;

/** Goes on with a value when it is there: at once, if it is. */
export function chain<T, U>(value: Later<T>, next: (value: T) => Later<U>): Later<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** The instance's memory is full. */
export class OutOfMemory extends Error {
  override readonly message = "out of memory";
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
