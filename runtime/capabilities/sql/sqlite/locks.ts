/**
 * Who may read and write a database: the locks of its connections, in this process and in others.
 *
 * SQLite's own protocol (https://sqlite.org/lockingv3.html) wants three places to lock. Within a process a record is kept
 * here; towards other processes each place is a file that is locked as a whole, without ever waiting for it.
 *
 * @module
 */
import { BUSY, EXCLUSIVE, NONE, OK, PENDING, RESERVED, SHARED } from "./codes.ts";

/** Some program locks without the protocol. */
const TAKEN = "a lock that only one process can take was taken by another program";

/** A file that processes lock: `Deno.FsFile` is one. */
export interface Lockable {
  /** Locks it if nobody else has it locked, and answers whether it did. */
  tryLockSync(exclusive: boolean): boolean;
  unlockSync(): void;
}

/** What is locked towards other processes. */
export interface LockPlaces {
  /** Shared while connections of this process read; exclusive while one writes into the database. */
  readonly readers: Lockable;
  /** Exclusive while one prepares to write. */
  readonly writer: Lockable;
  /** Shared for a moment by who begins to read, exclusive while a writer waits for readers to be done. */
  readonly turn: Lockable;
}

/** One connection: what it holds. */
export interface Holder {
  level: number;
}

/**
 * The locks of one database in this process. Nothing here waits: who is refused tries again later.
 *
 * @example
 * ```ts
 * import { BUSY, EXCLUSIVE, NONE, OK, RESERVED, SHARED } from "./codes.ts";
 * import { Locks } from "./locks.ts";
 *
 * const locks = new Locks(undefined);
 * const [reader, writer] = [{ level: NONE }, { level: NONE }];
 * console.assert(locks.lock(reader, SHARED) === OK && locks.lock(writer, RESERVED) === OK);
 * console.assert(locks.lock(writer, EXCLUSIVE) === BUSY);
 * locks.unlock(reader, NONE);
 * console.assert(locks.lock(writer, EXCLUSIVE) === OK && locks.lock(reader, SHARED) === BUSY);
 * ```
 */
export class Locks {
  readonly #places: LockPlaces | undefined;
  #readers = 0;
  #writer: Holder | undefined;
  /** Who is about to write into the database, or does: nobody begins to read. */
  #pending: Holder | undefined;

  /** `places` is `undefined` for a database that no other process has. */
  constructor(places: LockPlaces | undefined) {
    this.#places = places;
  }

  /** Whether a connection waits for `holder` to be done with reading, so that it would wait in vain for that one. */
  awaits(holder: Holder): boolean {
    return holder.level === SHARED && this.#pending !== undefined && this.#pending !== holder;
  }

  /** Takes `holder` up to `level`; answers {@linkcode BUSY} where somebody else is in the way. */
  lock(holder: Holder, level: number): number {
    if (holder.level < SHARED && !this.#read(holder)) return BUSY;
    if (level === RESERVED && holder.level < RESERVED) return this.#reserve(holder) ? OK : BUSY;
    if (level === EXCLUSIVE && holder.level < EXCLUSIVE) return this.#exclude(holder) ? OK : BUSY;
    return OK;
  }

  /** Takes `holder` down to `level`, which is {@linkcode SHARED} or {@linkcode NONE}. */
  unlock(holder: Holder, level: number): number {
    const places = this.#places;
    const was = holder.level;
    holder.level = Math.min(was, level);
    if (was > SHARED) {
      // Before others may read: they would take a journal that is left behind for that of a writer who lives, and read what
      // he had half written.
      if (this.#writer === holder) {
        this.#writer = undefined;
        places?.writer.unlockSync();
      }
      // Still with the turn: nobody else can become exclusive in between.
      if (was === EXCLUSIVE && places !== undefined) {
        places.readers.unlockSync();
        if (level === SHARED && !places.readers.tryLockSync(false)) throw new Error(TAKEN);
      }
      if (this.#pending === holder) {
        this.#pending = undefined;
        places?.turn.unlockSync();
      }
    }
    if (level === NONE && was > NONE && --this.#readers === 0 && was !== EXCLUSIVE) places?.readers.unlockSync();
    return OK;
  }

  /** Whether anyone prepares to write: then a journal is his, and not one that was left behind. */
  isReserved(): boolean {
    if (this.#writer !== undefined) return true;
    const writer = this.#places?.writer;
    if (writer === undefined) return false;
    // Shared, for who looks at the same moment must not be taken for one who writes.
    if (!writer.tryLockSync(false)) return true;
    writer.unlockSync();
    return false;
  }

  #read(holder: Holder): boolean {
    if (this.#pending !== undefined) return false;
    const places = this.#places;
    if (places !== undefined) {
      // Nobody begins while a writer waits, in this process or another, or it would wait for ever.
      if (!places.turn.tryLockSync(false)) return false;
      const reads = this.#readers > 0 || places.readers.tryLockSync(false);
      places.turn.unlockSync();
      if (!reads) return false;
    }
    this.#readers++;
    holder.level = SHARED;
    return true;
  }

  #reserve(holder: Holder): boolean {
    if (this.#writer !== undefined || this.#places?.writer.tryLockSync(true) === false) return false;
    this.#writer = holder;
    holder.level = RESERVED;
    return true;
  }

  #exclude(holder: Holder): boolean {
    const places = this.#places;
    if (this.#pending !== holder) {
      if (this.#pending !== undefined || places?.turn.tryLockSync(true) === false) return false;
      this.#pending = holder;
      holder.level = PENDING;
    }
    if (this.#readers > 1) return false;
    if (places !== undefined) {
      // A lock is not changed into another in one step. Only who has the turn becomes exclusive, so what is let go of here
      // only readers can take.
      places.readers.unlockSync();
      if (!places.readers.tryLockSync(true)) {
        if (!places.readers.tryLockSync(false)) throw new Error(TAKEN);
        return false;
      }
    }
    holder.level = EXCLUSIVE;
    return true;
  }
}
