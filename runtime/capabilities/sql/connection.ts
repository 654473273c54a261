/**
 * What a guest has of a database of this machine.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { checkSize, type Connection, io, type QueryResult, SqlError, type Value } from "./backend.ts";
import type { Database, Handle, HandleUser } from "./database.ts";
import { Busy, run } from "./statement.ts";
import type { Later } from "./sqlite/instance.ts";

/** How long a statement waits for another one's transaction. A guest may forget to end one, and its task ends it then. */
export const MAX_BUSY_MS = 5000;

/** A guest's connection. It has one of SQLite's from its first statement on. */
export class LocalConnection implements Connection, HandleUser {
  readonly #database: Database;
  readonly #slowMs: number;
  #handle: Handle | undefined;
  #running = false;
  #closed = false;
  #rowid = 0n;
  #changes = 0n;

  constructor(database: Database, { slowMs }: { readonly slowMs: number }) {
    this.#database = database;
    this.#slowMs = slowMs;
  }

  get running(): boolean {
    return this.#running;
  }

  lost(): void {
    this.#handle = undefined;
  }

  execute(sql: string, parameters: readonly Value[]): QueryResult | Promise<QueryResult> {
    checkSize(sql, parameters);
    try {
      const result = this.#execute(sql, parameters);
      return result instanceof Promise ? result.catch((error) => this.#later(error, sql, parameters)) : result;
    } catch (error) {
      return this.#later(error, sql, parameters);
    }
  }

  lastInsertRowid(): bigint {
    this.#check();
    return this.#rowid;
  }

  changes(): bigint {
    this.#check();
    return this.#changes;
  }

  close(): void {
    this.#closed = true;
    // A statement that runs learns from its task that it is over.
    if (!this.#running) this.#release();
  }

  /** Tries until the other transaction has ended. */
  #later(error: unknown, sql: string, parameters: readonly Value[]): Promise<QueryResult> {
    if (!(error instanceof Busy)) throw error;
    return this.#executeLater(sql, parameters);
  }

  async #executeLater(sql: string, parameters: readonly Value[]): Promise<QueryResult> {
    const task = currentTask();
    const until = performance.now() + MAX_BUSY_MS;
    for (let wait = 1;; wait = Math.min(wait * 2, 25)) {
      await this.#database.whenDone(wait);
      if (task.ended) throw io("the task is over");
      try {
        return await this.#execute(sql, parameters);
      } catch (error) {
        if (!(error instanceof Busy)) throw error;
        if (performance.now() > until) throw io("database is locked: another transaction does not end");
      }
    }
  }

  #execute(sql: string, parameters: readonly Value[]): Later<QueryResult> {
    this.#check();
    if (this.#running) throw new Busy("database is locked");
    const handle = this.#take();
    this.#running = true;
    const kept = handle.inTransaction || handle.lasting;
    const began = performance.now();
    const end = (done: boolean) => {
      const ms = performance.now() - began;
      if (ms >= this.#slowMs) tellSlow(sql, ms);
      this.#running = false;
      // What the guest has begun is gone: to go on as if it were there would do half of it.
      if (kept && handle.instance.dead) this.#closed = true;
      this.#ended(handle, done);
    };
    let result: Later<QueryResult>;
    try {
      result = run(handle, sql, parameters);
    } catch (error) {
      end(false);
      throw error;
    }
    if (!(result instanceof Promise)) {
      end(true);
      return result;
    }
    return result.then((rows) => {
      end(true);
      return rows;
    }, (error) => {
      end(false);
      throw error;
    });
  }

  #take(): Handle {
    let handle = this.#handle;
    if (handle === undefined) {
      try {
        handle = this.#handle = this.#database.take(this);
      } catch (error) {
        if (error instanceof Busy || error instanceof SqlError) throw error;
        throw this.#cannotOpen(error);
      }
      const { instance } = handle;
      instance.call("sqlite3_set_last_insert_rowid", instance.db, this.#rowid);
    } else this.#database.touch(handle);
    return handle;
  }

  /** SQLite's own words are for the guest, others for the operator. */
  #cannotOpen(error: unknown): SqlError {
    const { code, message, stack } = error as { code?: unknown; message?: string; stack?: string };
    if (typeof code === "number") return io(message!);
    currentTask().log("error", `sql: ${stack ?? error}`);
    return io("the database failed");
  }

  #ended(handle: Handle, done: boolean): void {
    const { instance, seen } = handle;
    if (!instance.dead) {
      handle.lasting ||= seen.lasting;
      if (done && seen.inserts) {
        this.#rowid = instance.call("sqlite3_last_insert_rowid", instance.db) as unknown as bigint;
      }
      if (done && seen.changes) this.#changes = instance.call("sqlite3_changes64", instance.db) as unknown as bigint;
    }
    if (instance.dead || this.#closed) this.#release();
    // Not where it had to wait itself: those who wait would wake each other without end.
    else if (done && !handle.inTransaction) this.#database.done();
  }

  #release(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    const { instance } = handle;
    try {
      if (!instance.dead && handle.inTransaction) instance.own("ROLLBACK");
    } catch {
      // It takes too long to be waited for: the next one who reads rolls it back, in a time of his own.
      instance.abandon();
    }
    this.#database.giveBack(handle);
  }

  #check(): void {
    if (this.#closed) throw new SqlError({ tag: "invalid-connection" });
  }
}

/** Tells the operator what took long. Values are no part of it, where they are parameters. */
function tellSlow(sql: string, ms: number): void {
  currentTask().log("warn", `sql: ${Math.round(ms)} ms for ${sql.slice(0, 500)}`);
}
