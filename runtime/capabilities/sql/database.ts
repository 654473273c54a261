/**
 * One database of this machine, and the connections of SQLite to it.
 *
 * @module
 */
import { withTask } from "../../context.ts";
import { DEFAULT_LIMITS, MAX_WALL_MS } from "../../limits.ts";
import { Task } from "../../task.ts";
import { authorizer, nothingSeen, type Seen } from "./authorize.ts";
import { MAX_SQL_BYTES, MAX_VALUE_BYTES } from "./backend.ts";
import { Busy, failure, isError, type Session, Statements } from "./statement.ts";
import {
  CONFIG_DEFENSIVE,
  CONFIG_DQS_DDL,
  CONFIG_DQS_DML,
  CONFIG_FKEY,
  CONFIG_TRUSTED_SCHEMA,
  LIMIT_ATTACHED,
  LIMIT_EXPR_DEPTH,
  LIMIT_LENGTH,
  LIMIT_LIKE_PATTERN_LENGTH,
  LIMIT_SQL_LENGTH,
  OK,
} from "./sqlite/codes.ts";
import type { DatabaseFiles } from "./sqlite/files.ts";
import { chain, Instance, type Later } from "./sqlite/instance.ts";

/** Connections of SQLite to one database. Each has a memory, and V8 has room for some thousands of those in all. */
export const MAX_HANDLES = 16;

/**
 * How long a connection is kept open for the next guest: opening one takes as long as hundreds of small statements. The
 * last used ones are used first, so those that a busy moment left over come of age.
 */
const MAX_IDLE_MS = 30_000;

/** A connection whose memory has grown beyond that is not kept: it never shrinks. */
const MAX_KEPT_MEMORY_BYTES = 16 * 1024 * 1024;

/** Pages that a connection keeps in its memory. */
const CACHE_KIB = 4096;

/** How long those who wait in one process may hand the database to each other. */
const MAX_OURS_MS = 20;

/** How long the others then have to find it free. */
const PAUSE_MS = 3;

/** To roll back less takes some milliseconds. */
const MUCH_TO_ROLL_BACK_BYTES = 1024 * 1024;

const PAGE_BYTES = 4096;

/** A pattern of LIKE or GLOB: what matching costs grows with it. */
const MAX_PATTERN_BYTES = 1000;

/**
 * How deep expressions may be nested: nothing says when SQLite's stack is full, and so many levels take up to 370 KiB of
 * it, without a question in between.
 */
const MAX_EXPRESSION_DEPTH = 500;

/** Who uses a connection of SQLite: it can be taken from him between two statements, unless that would be noticed. */
export interface HandleUser {
  /** Whether a statement of his runs. */
  readonly running: boolean;
  /** His connection was given to somebody else. */
  lost(): void;
}

/** A connection of SQLite's own. */
export class Handle implements Session {
  readonly instance: Instance;
  readonly statements: Statements = new Statements();
  /** What has been seen of the statement that is being prepared. */
  seen: Seen = nothingSeen();
  /** Whether something is left of a guest that the next one would see. */
  lasting = false;
  user: HandleUser | undefined;
  /** When it was given back, by `performance.now()`. */
  idleSince = 0;
  /** Settings that are still to be made. */
  readonly #first: string[];

  constructor(files: DatabaseFiles, maxBytes: number) {
    const instance = this.instance = new Instance(files, maxBytes);
    const configure = (what: number, on: number) =>
      instance.call("sqlite3__wasm_db_config_ip", instance.db, what, on, 0);
    configure(CONFIG_FKEY, 1);
    configure(CONFIG_DEFENSIVE, 1);
    configure(CONFIG_TRUSTED_SCHEMA, 0);
    // Spin takes "text" for a string as well as 'text'.
    configure(CONFIG_DQS_DML, 1);
    configure(CONFIG_DQS_DDL, 1);
    const limit = (what: number, to: number) => instance.call("sqlite3_limit", instance.db, what, to);
    limit(LIMIT_ATTACHED, 0);
    limit(LIMIT_LENGTH, MAX_VALUE_BYTES);
    limit(LIMIT_SQL_LENGTH, MAX_SQL_BYTES);
    limit(LIMIT_EXPR_DEPTH, MAX_EXPRESSION_DEPTH);
    limit(LIMIT_LIKE_PATTERN_LENGTH, MAX_PATTERN_BYTES);
    this.#first = [
      `cache_size = -${CACHE_KIB}`,
      "temp_store = FILE",
      "synchronous = FULL",
      `max_page_count = ${Math.floor(maxBytes / PAGE_BYTES)}`,
    ];
  }

  /**
   * Does what has to be done before the first statement: at once, or letting others run, for here is rolled back what
   * somebody who was ended has left.
   */
  setUp(): Later<void> {
    const setting = this.#first[0];
    if (setting === undefined) return;
    const { instance } = this;
    instance.authorizer = undefined;
    return chain(instance.prepare(`PRAGMA ${setting}`), ({ code, statement }) => {
      if (code !== OK) throw failure(this, code);
      return chain(instance.run(statement, () => true), (code) => {
        const error = isError(code) ? failure(this, code) : undefined;
        instance.call("sqlite3_finalize", statement);
        if (error !== undefined) throw error;
        this.#first.shift();
        if (this.#first.length > 0) return this.setUp();
        instance.authorizer = authorizer(() => this.seen);
      });
    });
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    return this.instance.call("sqlite3_get_autocommit", this.instance.db) === 0;
  }
}

/** One database, and the connections of SQLite to it: those that guests use, and those that nobody does. */
export class Database {
  readonly #files: DatabaseFiles;
  readonly #maxBytes: number;
  readonly #idle: Handle[] = [];
  /** Those that were used longest ago first. */
  readonly #used = new Set<Handle>();
  #recovering = false;
  /** Since when those who waited here have had the database, one after the other. */
  #oursSince = -Infinity;
  #pausing = false;
  readonly #waiting = new Set<() => void>();

  constructor(files: DatabaseFiles, maxBytes: number) {
    this.#files = files;
    this.#maxBytes = maxBytes;
  }

  /** Opens it once, so that what is wrong is heard. */
  check(): void {
    const handle = new Handle(this.#files, this.#maxBytes);
    try {
      handle.instance.alone(() => handle.setUp());
    } catch (error) {
      if (!(error instanceof Busy)) {
        handle.instance.abandon();
        throw error;
      }
    }
    this.giveBack(handle);
  }

  /**
   * A connection for `user`.
   *
   * @throws {Busy} where there are too many.
   */
  take(user: HandleUser): Handle {
    const handle = this.#idle.pop() ?? this.#another();
    handle.user = user;
    this.#used.add(handle);
    return handle;
  }

  /** Takes note that `handle` was used just now. */
  touch(handle: Handle): void {
    this.#used.delete(handle);
    this.#used.add(handle);
  }

  /** Takes back what nobody uses any more: for the next guest, if nothing of this one is left in it. */
  giveBack(handle: Handle): void {
    this.#used.delete(handle);
    handle.user = undefined;
    this.done();
    const { instance } = handle;
    if (instance.dead) this.#recover();
    if (instance.dead || handle.lasting || instance.memory.bytes.byteLength > MAX_KEPT_MEMORY_BYTES) {
      return instance.abandon();
    }
    const now = handle.idleSince = performance.now();
    this.#idle.push(handle);
    while (now - this.#idle[0]!.idleSince > MAX_IDLE_MS) this.#idle.shift()!.instance.abandon();
  }

  /** Waits until somebody here is done with the database, or for `ms`: what other processes do nobody tells. */
  whenDone(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
    });
  }

  /**
   * Lets the one who has waited longest try again: to wake all of them would have all but one wait again. Now and then
   * nobody is woken for a moment, or those of other processes, who can only look from time to time, would never find the
   * database free.
   */
  done(): void {
    if (this.#waiting.size === 0 || this.#pausing) return;
    if (performance.now() - this.#oursSince < MAX_OURS_MS) return this.#wake();
    this.#pausing = true;
    setTimeout(() => {
      this.#pausing = false;
      this.#oursSince = performance.now();
      this.#wake();
    }, PAUSE_MS);
  }

  #wake(): void {
    for (const wake of this.#waiting) return wake();
  }

  /**
   * Rolls back what somebody who was ended has left, if that is much: in nobody's time, for the next one may have less than
   * it takes. Others run meanwhile, and who wants the database waits.
   */
  #recover(): void {
    const { journal } = this.#files;
    if (this.#recovering || journal.size() < MUCH_TO_ROLL_BACK_BYTES || journal.read(new Uint8Array(1), 0) === 0) {
      return;
    }
    this.#recovering = true;
    const handle = new Handle(this.#files, this.#maxBytes);
    handle.user = { running: true, lost() {} };
    this.#used.add(handle);
    const limits = { ...DEFAULT_LIMITS, cpuMs: MAX_WALL_MS, wallMs: MAX_WALL_MS };
    const task = new Task({ function: "sql", limits });
    const done = () => {
      task.end();
      this.giveBack(handle);
      this.#recovering = false;
    };
    withTask(task, async () => await handle.setUp()).then(done, () => {
      // Whoever reads next tries again.
      handle.instance.abandon();
      done();
    });
  }

  close(): void {
    this.#recovering = true;
    for (const handle of [...this.#idle, ...this.#used]) handle.instance.abandon();
    this.#idle.length = 0;
    this.#used.clear();
    this.#files.close();
  }

  #another(): Handle {
    if (this.#used.size < MAX_HANDLES) return new Handle(this.#files, this.#maxBytes);
    for (const handle of this.#used) {
      if (handle.user!.running || handle.lasting || handle.inTransaction) continue;
      handle.user!.lost();
      this.#used.delete(handle);
      return handle;
    }
    throw new Busy("database is locked");
  }
}
