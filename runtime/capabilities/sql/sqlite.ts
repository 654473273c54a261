/**
 * `sql` on SQLite, in files of this machine.
 *
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { currentTask } from "../../context.ts";
import { SkerryError } from "../../errors.ts";
import { authorizer, nothingSeen, type Seen } from "./authorize.ts";
import {
  type Backend,
  checkSize,
  type Connection,
  type ConnectOptions,
  type DatabaseId,
  io,
  MAX_SQL_BYTES,
  MAX_VALUE_BYTES,
  type QueryResult,
  SqlError,
  type Value,
} from "./backend.ts";
import { attempt, Busy, run, Statements } from "./statement.ts";

/** One database, so that a guest does not fill the operator's disk. */
export const MAX_DATABASE_BYTES = 2 ** 30;

/** How long a statement waits for another one's transaction. A guest may forget to end one, and its task ends it then. */
export const MAX_BUSY_MS = 5000;

/** What a statement may take without being named in the log: SQLite lets nothing else run meanwhile. */
const SLOW_MS = 500;

/** Connections that are kept open for the next guest: opening one takes as long as hundreds of small statements. */
const MAX_IDLE = 8;

const PAGE_BYTES = 4096;

/** A backend on the files of a folder, or on memory that forgets with the process. */
export class SqliteBackend implements Backend {
  readonly #folder: string | undefined;
  readonly #maxBytes: number;
  readonly #slowMs: number;
  readonly #databases = new Map<string, Database>();

  /** `folder` is `undefined` for memory; a database may have `maxBytes`; what takes `slowMs` is named in the log. */
  constructor(
    folder: string | undefined,
    { maxBytes = MAX_DATABASE_BYTES, slowMs = SLOW_MS }: { maxBytes?: number; slowMs?: number } = {},
  ) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#slowMs = slowMs;
  }

  /**
   * Opens a database before a guest asks for it, so that what is wrong is heard when the server starts.
   *
   * @throws {SkerryError} `setting-invalid`.
   */
  check(id: DatabaseId): void {
    try {
      const database = this.#database(id);
      database.giveBack(database.take());
    } catch (error) {
      throw cannotOpen(this.#folder ?? "memory", error);
    }
  }

  connect(id: DatabaseId, options: ConnectOptions): Connection {
    return new LocalConnection(this.#database(id), { ...options, slowMs: this.#slowMs });
  }

  #database(id: DatabaseId): Database {
    const place = "shared" in id ? ["shared", id.shared] : ["functions", id.function, id.name];
    const key = place.join("/");
    let database = this.#databases.get(key);
    if (database === undefined) {
      database = new Database(this.#folder && `${join(this.#folder, ...place)}.sqlite3`, this.#maxBytes);
      this.#databases.set(key, database);
    }
    return database;
  }

  /** Closes what is kept open. */
  close(): void {
    for (const database of this.#databases.values()) database.close();
    this.#databases.clear();
  }
}

/** One file, and the connections to it that nobody uses. */
class Database {
  readonly #path: string | undefined;
  readonly #maxBytes: number;
  readonly #idle: Handle[] = [];
  /** Memory is there for one connection alone, so all guests share it, and who has begun a transaction has it for itself. */
  readonly #memory: Handle | undefined;

  constructor(path: string | undefined, maxBytes: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    if (path === undefined) this.#memory = new Handle(":memory:", maxBytes);
    else mkdirSync(dirname(path), { recursive: true });
  }

  take(): Handle {
    return this.#memory ?? this.#idle.pop() ?? new Handle(this.#path!, this.#maxBytes);
  }

  giveBack(handle: Handle): void {
    if (handle === this.#memory) return;
    if (this.#idle.length < MAX_IDLE && !handle.lasting) this.#idle.push(handle);
    else handle.db.close();
  }

  close(): void {
    for (const handle of this.#idle.splice(0)) handle.db.close();
    this.#memory?.db.close();
  }
}

/** Has a database keep a write-ahead log. SQLite waits for no one there: of two that open a new file, one is refused. */
function useWal(db: DatabaseSync): void {
  const until = performance.now() + OPEN_MS;
  while (true) {
    try {
      return db.exec("PRAGMA journal_mode = WAL");
    } catch (error) {
      if (!(error instanceof Error) || error.message !== "database is locked" || performance.now() > until) throw error;
      Atomics.wait(NAP, 0, 0, 2);
    }
  }
}

const NAP = new Int32Array(new SharedArrayBuffer(4));

/** How long other processes that open the same file may take for it. */
const OPEN_MS = 1000;

/** A connection of SQLite's own. */
class Handle {
  readonly db: DatabaseSync;
  readonly #told: StatementSync;
  readonly #nothing: StatementSync;
  /** What has been seen of the statement that is being prepared. */
  seen: Seen = nothingSeen();
  recursive = false;
  /** What has been allowed where statements may be recursive is not known to be allowed elsewhere. */
  readonly #statements = { recursive: new Statements(), other: new Statements() };
  /** Whether something is left of a guest that the next one would see. */
  lasting = false;
  /** Who has begun a transaction. */
  owner: LocalConnection | undefined;

  constructor(path: string, maxBytes: number) {
    this.db = new DatabaseSync(path, {
      // For other processes that open the file at this moment.
      timeout: OPEN_MS,
      // Spin takes "text" for a string as well as 'text'.
      enableForeignKeyConstraints: true,
      enableDoubleQuotedStringLiterals: true,
      defensive: true,
    });
    const { db } = this;
    useWal(db);
    // From now on a wait in SQLite would hold up whoever is to end it.
    db.exec(`PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;
      PRAGMA max_page_count = ${Math.floor(maxBytes / PAGE_BYTES)}; PRAGMA busy_timeout = 0`);
    Object.assign(db.limits, { attach: 0, length: MAX_VALUE_BYTES, sqlLength: MAX_SQL_BYTES, likePatternLength: 1000 });
    this.#told = db.prepare("SELECT last_insert_rowid() AS rowid, changes() AS changes");
    this.#told.setReadBigInts(true);
    this.#nothing = db.prepare("");
    db.setAuthorizer(authorizer(() => this.seen, () => this));
  }

  get statements(): Statements {
    return this.recursive ? this.#statements.recursive : this.#statements.other;
  }

  /** What SQLite said last, if that was an error. No statement, which `""` is, is an error that leaves it as it was. */
  get lastError(): string | undefined {
    try {
      this.#nothing.get();
    } catch (error) {
      if (error instanceof Error && error.message !== "not an error") return error.message;
    }
    return undefined;
  }

  /** What `sql` fails with. */
  lastErrorOf(sql: string): string | undefined {
    try {
      for (const _ of this.db.prepare(sql).iterate());
    } catch (error) {
      return (error as Error).message;
    }
    return this.lastError;
  }

  told(): { rowid: bigint; changes: bigint } {
    return this.#told.get() as { rowid: bigint; changes: bigint };
  }
}

/** What a guest has. */
class LocalConnection implements Connection {
  readonly #database: Database;
  readonly #options: ConnectOptions & { readonly slowMs: number };
  #handle: Handle | undefined;
  #inserted = false;
  #changed = false;

  constructor(database: Database, options: ConnectOptions & { readonly slowMs: number }) {
    this.#database = database;
    this.#options = options;
    try {
      this.#handle = attempt(() => database.take());
    } catch (error) {
      throw error instanceof Busy ? io("database is locked") : error;
    }
  }

  execute(sql: string, parameters: readonly Value[]): QueryResult | Promise<QueryResult> {
    checkSize(sql, parameters);
    try {
      return this.#execute(sql, parameters);
    } catch (error) {
      if (!(error instanceof Busy)) throw error;
      return this.#executeLater(sql, parameters);
    }
  }

  /** Tries until the other transaction has ended. */
  async #executeLater(sql: string, parameters: readonly Value[]): Promise<QueryResult> {
    const task = currentTask();
    const until = performance.now() + MAX_BUSY_MS;
    for (let wait = 1;; wait = Math.min(wait * 2, 25)) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (task.ended) throw io("the task is over");
      try {
        return this.#execute(sql, parameters);
      } catch (error) {
        if (!(error instanceof Busy)) throw error;
        if (performance.now() > until) throw io("database is locked: another transaction does not end");
      }
    }
  }

  #execute(sql: string, parameters: readonly Value[]): QueryResult {
    const handle = this.#open();
    if (handle.owner !== undefined && handle.owner !== this) throw new Busy();
    handle.seen = nothingSeen();
    handle.recursive = this.#options.recursive;
    let result: QueryResult;
    const began = performance.now();
    try {
      result = attempt(() => run(handle, sql, parameters), handle);
    } finally {
      const ms = performance.now() - began;
      if (ms >= this.#options.slowMs) tellSlow(sql, ms);
      handle.lasting ||= handle.seen.lasting;
      handle.owner = handle.db.isTransaction ? this : undefined;
    }
    this.#inserted ||= handle.seen.inserts;
    this.#changed ||= handle.seen.changes;
    return result;
  }

  lastInsertRowid(): bigint {
    const { rowid } = this.#open().told();
    return this.#inserted ? rowid : 0n;
  }

  changes(): bigint {
    const { changes } = this.#open().told();
    return this.#changed ? changes : 0n;
  }

  close(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    if (handle.owner === this) {
      handle.db.exec("ROLLBACK");
      handle.owner = undefined;
    }
    this.#database.giveBack(handle);
  }

  #open(): Handle {
    if (this.#handle === undefined) throw new SqlError({ tag: "invalid-connection" });
    return this.#handle;
  }
}

/** Tells the operator what has held up everybody. Values are no part of it, where they are parameters. */
function tellSlow(sql: string, ms: number): void {
  currentTask().log("warn", `sql: nothing else ran for ${Math.round(ms)} ms, but ${sql.slice(0, 500)}`);
}

/** Where databases are when nothing else is said, from the folder that the server runs in. */
const DEFAULT_FOLDER = ".skerry/sql";

/**
 * Opens the folder `location`, by default `.skerry/sql`; `memory:` forgets with the process.
 *
 * @throws {SkerryError} `setting-invalid`, or `runtime-unsupported` where SQLite cannot be kept inside its file.
 */
export function openFolder(location: string = DEFAULT_FOLDER): SqliteBackend {
  checkRuntime();
  if (location === "memory:") return new SqliteBackend(undefined);
  try {
    // Asked first, for to make a folder would ask whoever sits at the terminal.
    const { state } = Deno.permissions.querySync({ name: "write", path: location });
    if (state !== "granted") throw new Error("the server may not write there");
    mkdirSync(location, { recursive: true });
  } catch (error) {
    throw cannotOpen(location, error);
  }
  return new SqliteBackend(location);
}

/** Whether this Deno's SQLite does what the rest relies on. */
function checkRuntime(): void {
  const lacks = (what: string) =>
    new SkerryError(
      "runtime-unsupported",
      `opening the databases: node:sqlite of this Deno ${what}. Run Deno 2.8 or later, or name a libSQL server in SQL_URL.`,
    );
  if (!("setAuthorizer" in new DatabaseSync(":memory:"))) {
    throw lacks("has no setAuthorizer(), and a statement could leave its file");
  }
  if (new Handle(":memory:", PAGE_BYTES).lastErrorOf("SELECT abs(-9223372036854775808)") === undefined) {
    throw lacks("keeps errors to itself");
  }
}

/** What to do when databases cannot be kept in `location`. */
function cannotOpen(location: string, error: unknown): SkerryError {
  return new SkerryError(
    "setting-invalid",
    `opening the databases in ${location}: ${error instanceof Error ? error.message : error}. ` +
      `Start it with \`deno task start:kv\`, which may write below .skerry, or with --allow-write=${location}; ` +
      "or name another folder or a libSQL server in SQL_URL.",
    { cause: error },
  );
}
