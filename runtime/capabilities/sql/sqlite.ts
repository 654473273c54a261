/**
 * `sql` on SQLite, in files of this machine.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { SkerryError } from "../../errors.ts";
import type { Backend, Connection, DatabaseId } from "./backend.ts";
import { Database } from "./database.ts";
import { LocalConnection } from "./connection.ts";
import { inMemory, makeFolder, onDisk } from "./sqlite/files.ts";
import { sqliteModule } from "./sqlite/module.ts";

/** One database, so that a guest does not fill the operator's disk. */
export const MAX_DATABASE_BYTES = 2 ** 30;

/** What a statement may take without being named in the log. */
const SLOW_MS = 500;

/**
 * A backend on the files of a folder, or on memory that forgets with the process.
 *
 * @example
 * ```ts
 * import { withTask } from "../../context.ts";
 * import { Task } from "../../task.ts";
 * import { SqliteBackend } from "./sqlite.ts";
 *
 * const backend = new SqliteBackend(undefined);
 * const task = new Task({ function: "hello" });
 * const { rows } = await withTask(task, async () => {
 *   const connection = backend.connect({ function: "hello", name: "default" });
 *   return await connection.execute("SELECT ? + 1 AS n", [{ tag: "integer", val: 41n }]);
 * });
 * task.end();
 * const [value] = rows[0]!.values;
 * console.assert(value?.tag === "integer" && value.val === 42n);
 * ```
 */
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
      this.#database(id).check();
    } catch (error) {
      throw cannotOpen(this.#folder ?? "memory", error);
    }
  }

  connect(id: DatabaseId): Connection {
    return new LocalConnection(this.#database(id), { slowMs: this.#slowMs });
  }

  #database(id: DatabaseId): Database {
    const place = "shared" in id ? ["shared", id.shared] : ["functions", id.function, id.name];
    const key = place.join("/");
    let database = this.#databases.get(key);
    if (database === undefined) {
      database = this.#open(this.#folder && `${join(this.#folder, ...place)}.sqlite3`);
      this.#databases.set(key, database);
    }
    return database;
  }

  #open(path: string | undefined): Database {
    if (path === undefined) return new Database(inMemory(), this.#maxBytes);
    makeFolder(dirname(path));
    return new Database(onDisk(path), this.#maxBytes);
  }

  /** Closes what is kept open. */
  close(): void {
    for (const database of this.#databases.values()) database.close();
    this.#databases.clear();
  }
}

/** Where databases are when nothing else is said, from the folder that the server runs in. */
const DEFAULT_FOLDER = ".skerry/sql";

/**
 * Opens the folder `location`, by default `.skerry/sql`; `memory:` forgets with the process.
 *
 * @throws {SkerryError} `setting-invalid`, or `runtime-unsupported` where files cannot be locked.
 */
export function openFolder(location: string = DEFAULT_FOLDER): SqliteBackend {
  if (location === "memory:") return new SqliteBackend(undefined);
  try {
    // Asked first, for to make a folder would ask whoever sits at the terminal.
    const { state } = Deno.permissions.querySync({ name: "write", path: location });
    if (state !== "granted") throw new Error("the server may not write there");
    makeFolder(location);
  } catch (error) {
    throw cannotOpen(location, error);
  }
  if (typeof Deno.FsFile.prototype.tryLockSync !== "function") {
    throw new SkerryError(
      "runtime-unsupported",
      "opening the databases: this Deno cannot lock a file without waiting for it. Run Deno 2.8 or later, or write memory: " +
        "or the URL of a libSQL server into SQL_URL.",
    );
  }
  // What is wrong with it is heard now.
  sqliteModule();
  return new SqliteBackend(location);
}

/** What to do when databases cannot be kept in `location`. */
function cannotOpen(location: string, error: unknown): SkerryError {
  if (error instanceof SkerryError) return error;
  const { payload, message } = error as { payload?: { val?: string }; message?: string };
  return new SkerryError(
    "setting-invalid",
    `opening the databases in ${location}: ${payload?.val ?? message ?? error}. ` +
      `Start it with \`deno task start:kv\`, which may write below .skerry, or with --allow-write=${location}; ` +
      "or name another folder or a libSQL server in SQL_URL.",
    { cause: error },
  );
}
