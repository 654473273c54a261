/**
 * One statement on SQLite: its parameters, its rows, and what it fails with.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { currentTask } from "../../context.ts";
import type { Seen } from "./authorize.ts";
import { bytesOf, io, type QueryResult, ResultBudget, SqlError, type Value } from "./backend.ts";
import { isBlank, parameterNames } from "./parameters.ts";

/** SQLite's codes: https://sqlite.org/rescode.html. */
const SQLITE_FULL = 13;
const SQLITE_BUSY_SNAPSHOT = 517;

/** Somebody else's transaction is in the way. */
export class Busy extends Error {}

/** What a statement is run on. */
interface Session {
  readonly db: DatabaseSync;
  /** What is seen of the statement while it is prepared. */
  seen: Seen;
  readonly lastError: string | undefined;
}

/** A statement that has been prepared. */
interface Prepared {
  readonly statement: StatementSync;
  readonly names: readonly (string | undefined)[];
  readonly seen: Readonly<Seen>;
  uses: number;
}

/** Statements of one connection that are kept: to prepare one takes longer than to run most. */
const MAX_KEPT = 64;

/** Longer ones, and those with larger values, are not kept: they take memory as long as they are. */
const MAX_KEPT_CHARACTERS = 4096;
const MAX_KEPT_BYTES = 64 * 1024;

/** Deno keeps some bytes for each use of a statement for as long as there is the statement. */
const MAX_USES = 1000;

/** The statements of one connection, the last used ones last. */
export class Statements {
  readonly #kept = new Map<string, Prepared>();

  take(session: Session, sql: string): Prepared {
    const kept = this.#kept.get(sql);
    if (kept !== undefined) {
      this.#kept.delete(sql);
      // SQLite prepares it anew by itself when tables have changed, and adds to what is seen.
      session.seen = { ...kept.seen };
      kept.uses++;
      return kept;
    }
    const statement = session.db.prepare(sql);
    if (!isBlank(sql.slice(statement.sourceSQL.length))) {
      throw io("there is more than one statement; execute them one by one");
    }
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    return { statement, names: parameterNames(sql), seen: { ...session.seen }, uses: 1 };
  }

  /** Keeps a statement for the next time, unless that costs more than it is worth. */
  giveBack(sql: string, prepared: Prepared, parameters: readonly Value[]): void {
    if (sql.length > MAX_KEPT_CHARACTERS || prepared.uses >= MAX_USES) return;
    if (parameters.reduce((sum, value) => sum + bytesOf(value), 0) > MAX_KEPT_BYTES) return;
    this.#kept.set(sql, prepared);
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
  }
}

/** Runs one statement, to its end or to a limit. */
export function run(
  session: Session & { readonly statements: Statements },
  sql: string,
  parameters: readonly Value[],
): QueryResult {
  if (isBlank(sql)) return { columns: [], rows: [] };
  const prepared = session.statements.take(session, sql);
  const { statement } = prepared;
  const given = bind(prepared.names, parameters);
  // Deno's iterate() keeps errors to itself, and all() keeps all rows in memory before they can be counted. What is
  // written is bounded by the database's size.
  const returned =
    (session.seen.changes || statement.columns().length === 0
      ? statement.all(...given as SQLInputValue[])
      : statement.iterate(...given as SQLInputValue[])) as Iterable<unknown>;
  const rows: { values: Value[] }[] = [];
  const budget = new ResultBudget();
  const task = currentTask();
  const until = performance.now() + Math.max(1, task.limits.cpuMs - task.cpuMs);
  for (const row of returned) {
    const values = (row as unknown[]).map(valueOf);
    budget.row(values);
    rows.push({ values });
    // Between rows only: nothing can interrupt SQLite on its way to the next one.
    if (performance.now() > until) {
      throw io(`no end after ${task.limits.cpuMs} ms of CPU time (limits.cpuMs); ask for fewer rows with LIMIT`);
    }
  }
  const error = session.lastError;
  if (error !== undefined) throw new SqliteError(error);
  // Asked last: a table may have had other columns when the statement was prepared.
  const columns = statement.columns().map(({ name }) => name);
  session.statements.giveBack(sql, prepared, parameters);
  return { columns, rows };
}

/** What `iterate()` has not thrown. */
class SqliteError extends Error {
  readonly code = "ERR_SQLITE_ERROR";
}

/** The arguments that Deno takes: named ones in an object, then the others. */
function bind(names: readonly (string | undefined)[], parameters: readonly Value[]): unknown[] {
  if (names.length !== parameters.length) {
    throw io(`the statement has ${names.length} parameters, and ${parameters.length} were given`);
  }
  const named: Record<string, SQLInputValue> = {};
  const positional: SQLInputValue[] = [];
  for (const [at, value] of parameters.entries()) {
    const name = names[at];
    if (name === undefined) positional.push(inputOf(value));
    else named[name] = inputOf(value);
  }
  return positional.length === parameters.length ? positional : [named, ...positional];
}

function inputOf(value: Value): SQLInputValue {
  switch (value.tag) {
    case "text":
      // The runtime reads a text back up to its first NUL.
      if (value.val.includes("\0")) throw io("a text has a NUL; pass it as a blob");
      return value.val;
    case "null":
      return null;
    default:
      return value.val as SQLInputValue;
  }
}

function valueOf(value: unknown): Value {
  switch (typeof value) {
    case "bigint":
      return { tag: "integer", val: value };
    case "number":
      return { tag: "real", val: value };
    case "string":
      return { tag: "text", val: value };
    default:
      return value === null ? { tag: "null" } : { tag: "blob", val: value as Uint8Array };
  }
}

/** Has what SQLite says reach the guest, and what only the operator should read the log. */
export function attempt<T>(step: () => T, session?: { readonly seen: Seen }): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof SqlError) throw error;
    const { code, errcode, message } = error as { code?: string; errcode?: number; message: string };
    const refused = session?.seen.refused;
    if (refused !== undefined) throw io(`not authorized: ${refused}`);
    if (code !== "ERR_SQLITE_ERROR") {
      currentTask().log("error", `sql: ${error instanceof Error ? error.stack : error}`);
      throw io("the database failed");
    }
    // What it has read is old: only beginning anew helps.
    if (errcode === SQLITE_BUSY_SNAPSHOT) throw io(`${message}: what the transaction has read has changed since`);
    if (message === "database is locked") throw new Busy();
    if (errcode === SQLITE_FULL) throw new SqlError({ tag: "database-full" });
    throw io(message);
  }
}
