/**
 * The backends that the tests of `sql` run on, and a task around each.
 *
 * @module
 */
import { WitError } from "../../errors.ts";
import type { HostImports } from "../../engine/mod.ts";
import type { LogRecord } from "../../log.ts";
import { inTask, withFolder } from "../_testing.ts";
import { startHranaServer } from "./_hrana_server.ts";
import type { Backend, QueryResult, Value } from "./backend.ts";
import { type SqlGrant, sqlGrant } from "./grant.ts";
import { LibsqlBackend } from "./libsql.ts";
import { spin } from "./spin.ts";
import { SqliteBackend } from "./sqlite.ts";
import { ownerOf, SqlProcess } from "./store.ts";

/** Opens a backend, runs `body`, and leaves nothing behind. */
type WithBackend = (body: (backend: Backend) => Promise<void>) => Promise<void>;

const LOCAL: Readonly<Record<string, WithBackend>> = {
  async "in memory"(body) {
    const backend = new SqliteBackend(undefined);
    await body(backend);
    backend.close();
  },
  "in files": (body) =>
    withFolder(async (folder) => {
      const backend = new SqliteBackend(folder);
      await body(backend);
      backend.close();
    }),
};

/**
 * A real libSQL server, with a database that is emptied, if there is one: `TEST_SQL_URL=http://127.0.0.1:8080` for
 * `sqld --http-listen-addr 127.0.0.1:8080`. Turso's `tursodb --sync-server` has neither streams nor recursive queries: what
 * needs those fails there, and all else passes.
 */
export const REAL_SERVER: string | undefined = Deno.env.get("TEST_SQL_URL");

const REMOTE: Readonly<Record<string, WithBackend>> = {
  async "on a server"(body) {
    await using server = await startHranaServer();
    await body(new LibsqlBackend(() => server.url));
  },
  ...REAL_SERVER === undefined ? {} : {
    async "on a real server"(body: (backend: Backend) => Promise<void>) {
      const backend = new LibsqlBackend(() => REAL_SERVER);
      await inTask(() => emptied(backend));
      await body(backend);
    },
  },
};

/** Drops all that an earlier test has left. */
async function emptied(backend: Backend): Promise<void> {
  const connection = await open(hostOf(backend));
  const left = await rows(connection, "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'");
  for (const type of ["view", "table"]) {
    for (const [, name] of left.filter(([is]) => is === type)) await rows(connection, `DROP ${type} "${name}"`);
  }
  connection[Symbol.dispose]();
}

type Body = (backend: Backend, records: LogRecord[]) => Promise<void>;

function registered(name: string, body: Body, backends: Readonly<Record<string, WithBackend>>): void {
  for (const [which, withBackend] of Object.entries(backends)) {
    Deno.test(`${name}, ${which}`, () => withBackend((backend) => inTask((records) => body(backend, records))));
  }
}

/** Registers a test for each backend, in a task whose records it gets. */
export function onEachBackend(name: string, body: Body): void {
  registered(name, body, { ...LOCAL, ...REMOTE });
}

/** The same for those that keep the data on this machine. */
export function onEachLocalBackend(name: string, body: Body): void {
  registered(name, body, LOCAL);
}

/** The interfaces of one function. */
export function hostOf(backend: Backend | SqlProcess, name = "f", grant: Partial<SqlGrant> = {}): HostImports {
  const process = backend instanceof SqlProcess ? backend : new SqlProcess(() => backend);
  return spin(ownerOf({ process, function: name, grant: sqlGrant.parse(grant) }));
}

/** A connection as a guest has it. */
export interface GuestConnection {
  execute(statement: string, parameters: readonly Value[]): QueryResult | Promise<QueryResult>;
  lastInsertRowid(): bigint | Promise<bigint>;
  changes(): bigint | Promise<bigint>;
  [Symbol.dispose](): void;
}

export async function open(host: HostImports, database = "default", version = 3): Promise<GuestConnection> {
  const name = version === 3 ? "spin:sqlite/sqlite@3.1.0" : "fermyon:spin/sqlite@2.0.0";
  const { Connection } = host[name] as { Connection: { open(name: string): Promise<GuestConnection> } };
  return await Connection.open(database);
}

/** Runs a statement with parameters as JavaScript has them, and gives the rows likewise. */
export async function rows(connection: GuestConnection, sql: string, ...given: unknown[]): Promise<unknown[][]> {
  const result = await connection.execute(sql, given.map(valueOf));
  return result.rows.map(({ values }) => values.map((value) => value.tag === "null" ? null : value.val));
}

function valueOf(given: unknown): Value {
  if (given === null) return { tag: "null" };
  if (typeof given === "bigint") return { tag: "integer", val: given };
  if (typeof given === "number") return { tag: "real", val: given };
  return typeof given === "string" ? { tag: "text", val: given } : { tag: "blob", val: given as Uint8Array };
}

/** Tries again until a database is free: a statement waits only so long, and on a busy machine many are before it. */
export async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof WitError) || !/database is locked/.test(JSON.stringify(error.payload))) throw error;
    }
  }
}
