/**
 * The databases of a process, and which of them a function may open.
 *
 * @module
 */
import { refuseDisk } from "../../deploy.ts";
import { SkerryError } from "../../errors.ts";
import { openCount } from "../../open_count.ts";
import { tellUngranted } from "../../ungranted.ts";
import { type Backend, type Connection, type DatabaseId, io, SqlError } from "./backend.ts";
import { DATABASE_NAME, type DatabaseSource, type SqlGrant } from "./grant.ts";
import { isServerUrl, LibsqlBackend, parseServer } from "./libsql.ts";
import { openFolder } from "./sqlite.ts";

/** Databases that a task may have open at once: each is a file, or a connection of a server. */
export const MAX_OPEN_CONNECTIONS = 16;

/** What outlives a request: where databases are. */
export class SqlProcess {
  readonly #open: () => Backend;
  #backend: Backend | undefined;

  /** `open` is asked when the first function needs it: one whose databases are all on servers needs no folder. */
  constructor(open: () => Backend = openBackend) {
    this.#open = open;
  }

  get backend(): Backend {
    return this.#backend ??= this.#open();
  }
}

/**
 * What `SQL_URL` names: a folder, `memory:`, or the URL of a libSQL server with `{database}` where the name of the
 * database goes. A folder below `.skerry` if it is not set.
 *
 * @throws {SkerryError} `setting-invalid` or `runtime-unsupported`.
 */
export function openBackend(): Backend {
  const location = Deno.env.get("SQL_URL") || undefined;
  if (location === undefined) {
    refuseDisk("opening the databases", "Set SQL_URL to libSQL servers, as in libsql://{database}.example.com.");
  }
  const scheme = /^([a-z][a-z0-9+.-]+:)\/\//i.exec(location ?? "")?.[1];
  if (scheme !== undefined && !isServerUrl(location!)) {
    throw new SkerryError(
      "setting-invalid",
      `reading SQL_URL: it begins with ${JSON.stringify(scheme)}, which is not understood. ` +
        "Write the path of a folder, memory:, or libsql://{database}.example.com.",
    );
  }
  if (location === undefined || !isServerUrl(location)) return openFolder(location);
  if (!location.includes("{database}")) {
    throw new SkerryError(
      "setting-invalid",
      "reading SQL_URL: every database would be the same one. Write {database} where the name of the database goes, " +
        'as in libsql://{database}.example.com; or give a function its database with "databases": { "default": ' +
        '{ "env": "NAME" } }.',
    );
  }
  checkServer(location.replaceAll("{database}", "name"), "SQL_URL");
  const backend = new LibsqlBackend((id) => location.replaceAll("{database}", serverNameOf(id)));
  return Object.assign(backend, { check: namesOnce() });
}

/** What a database is called on its server, where names are often parts of a host's: there is nothing but dashes to join by. */
const serverNameOf = (id: DatabaseId) => "shared" in id ? id.shared : `${id.function}-${id.name}`;

/** Refuses a database that another one is called as on the server: `b-c` of `a` would be `c` of `a-b`. */
function namesOnce(): (id: DatabaseId) => void {
  const known = new Map<string, string>();
  return function check(id) {
    const name = serverNameOf(id);
    const shown = "shared" in id ? `the shared ${id.shared}` : `${id.name} of ${id.function}`;
    const other = known.get(name) ?? shown;
    if (other !== shown) {
      throw new SkerryError(
        "grant-invalid",
        `finding the database ${shown}: on the server of SQL_URL it would be ${name}, as ${other} is. Call one of them ` +
          "otherwise, or start the server anew if that is what you have done.",
      );
    }
    known.set(name, shown);
  };
}

function checkServer(url: string, variable: string): void {
  try {
    if (!isServerUrl(url)) throw new TypeError("it begins with none of libsql:, https: and http:");
    parseServer(url);
  } catch {
    // What is in it may be a secret.
    throw new SkerryError(
      "setting-invalid",
      `reading ${variable}: it is no URL of a libSQL server. Write libsql://HOST or http://HOST:PORT, with ` +
        "?authToken=TOKEN where one is needed.",
    );
  }
}

/** The function that databases belong to, and where they are. */
export interface SqlOwner {
  readonly function: string;
  readonly grant: SqlGrant;
  /** By what the function calls them. */
  readonly databases: ReadonlyMap<string, { readonly backend: Backend; readonly id: DatabaseId }>;
}

/**
 * Finds the databases of a function.
 *
 * @throws {SkerryError} `grant-invalid` or `setting-invalid`, when one of them is nowhere.
 */
export function ownerOf(
  { process, function: owner, grant }: { process: SqlProcess; function: string; grant: SqlGrant },
): SqlOwner {
  const databases = new Map(
    Object.entries(grant.databases).map(([name, source]) => [name, place(name, source)] as const),
  );
  return { function: owner, grant, databases };

  function place(name: string, source: DatabaseSource): { backend: Backend; id: DatabaseId } {
    const id = typeof source === "string" ? { shared: source } : { function: owner, name };
    if (typeof source !== "object") {
      process.backend.check?.(id);
      return { backend: process.backend, id };
    }
    const url = Deno.env.get(source.env);
    if (!url) {
      throw new SkerryError(
        "grant-invalid",
        `linking ${owner}: its database ${
          JSON.stringify(name)
        } is where the environment variable ${source.env} says, ` +
          "which is not set. Set it to libsql://HOST?authToken=TOKEN, or write true for a file.",
      );
    }
    checkServer(url, source.env);
    return { backend: new LibsqlBackend(() => url), id };
  }
}

const countDatabase = openCount();

/**
 * Opens a database by the function's name for it; an empty one is `default`. `release` takes it off the task's count.
 *
 * @throws {SqlError} `access-denied`, and tells the operator the line to add; `no-such-database` for a name that no
 * grant could have.
 */
export function openDatabase(
  { function: owner, databases }: SqlOwner,
  label: string,
): { core: Connection | Promise<Connection>; release: () => void } {
  const name = label === "" ? "default" : label;
  if (!DATABASE_NAME.test(name)) throw new SqlError({ tag: "no-such-database" });
  const database = databases.get(name);
  if (database === undefined) {
    const line = `"sql": { "databases": { ${JSON.stringify(name)}: true } }`;
    tellUngranted({ function: owner, what: "open the database", line });
    throw new SqlError({ tag: "access-denied" });
  }
  const release = countDatabase(
    MAX_OPEN_CONNECTIONS,
    () => io(`${MAX_OPEN_CONNECTIONS} databases are open, and no more may be`),
  );
  try {
    return { core: database.backend.connect(database.id), release };
  } catch (error) {
    release();
    throw error;
  }
}
