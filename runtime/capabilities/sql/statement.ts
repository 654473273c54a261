/**
 * One statement on SQLite: its parameters, its rows, and what it fails with.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { currentTask } from "../../context.ts";
import type { Seen } from "./authorize.ts";
import { io, type QueryResult, ResultBudget, SqlError, type Value } from "./backend.ts";
import { isBlank, parameterNames } from "./parameters.ts";

/** SQLite's codes: https://sqlite.org/rescode.html. */
const SQLITE_FULL = 13;
const SQLITE_BUSY_SNAPSHOT = 517;

/** Somebody else's transaction is in the way. */
export class Busy extends Error {}

/** What a statement is run on. */
interface Prepared {
  readonly db: DatabaseSync;
  readonly seen: Seen;
  readonly lastError: string | undefined;
}

/** Runs one statement, to its end or to a limit. */
export function run(handle: Prepared, sql: string, parameters: readonly Value[]): QueryResult {
  if (isBlank(sql)) return { columns: [], rows: [] };
  const statement = handle.db.prepare(sql);
  if (!isBlank(sql.slice(statement.sourceSQL.length))) {
    throw io("there is more than one statement; execute them one by one");
  }
  const given = bind(sql, parameters);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  const columns = statement.columns().map(({ name }) => name);
  // Deno's iterate() keeps errors to itself, and all() keeps all rows in memory before they can be counted. What is
  // written is bounded by the database's size.
  const returned =
    (handle.seen.changes || columns.length === 0
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
  const error = handle.lastError;
  if (error !== undefined) throw new SqliteError(error);
  return { columns, rows };
}

/** What `iterate()` has not thrown. */
class SqliteError extends Error {
  readonly code = "ERR_SQLITE_ERROR";
}

/** The arguments that Deno takes: named ones in an object, then the others. */
function bind(sql: string, parameters: readonly Value[]): unknown[] {
  const names = parameterNames(sql);
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
export function attempt<T>(step: () => T, seen?: Seen): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof SqlError) throw error;
    const { code, errcode, message } = error as { code?: string; errcode?: number; message: string };
    if (seen?.refused !== undefined) throw io(`not authorized: ${seen.refused}`);
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
