/**
 * One statement on SQLite: its parameters, its rows, and what it fails with.
 *
 * @module
 */
import { currentTask, maybeTask } from "../../context.ts";
import { SkerryError } from "../../errors.ts";
import { nothingSeen, type Seen } from "./authorize.ts";
import { io, type QueryResult, ResultBudget, SqlError, type Value } from "./backend.ts";
import { isBlank } from "./parameters.ts";
import { BLOB, BUSY, CANTOPEN, ERROR, FLOAT, FULL, INTEGER, IOERR, NOMEM, OK, TEXT } from "./sqlite/codes.ts";
import { chain, Dead, type Instance, type Later, OutOfMemory } from "./sqlite/instance.ts";

/** Somebody else's transaction is in the way. */
export class Busy extends Error {}

/** What a statement is run on. */
export interface Session {
  readonly instance: Instance;
  readonly statements: Statements;
  /** What is seen of the statement while it is prepared. */
  seen: Seen;
  /** Does what has to be done before the first statement. */
  setUp(): Later<void>;
}

/** A statement that has been prepared. */
interface Prepared {
  readonly statement: number;
  readonly parameters: number;
  readonly seen: Readonly<Seen>;
  columns: readonly string[];
  /** How often SQLite had to prepare it anew, by itself, when its columns were asked for. */
  prepared: number;
}

/** Statements of one connection that are kept: to prepare one takes longer than to run most. */
const MAX_KEPT = 64;

/** Longer ones are not kept: they take memory as long as they are. */
const MAX_KEPT_CHARACTERS = 4096;

/** Of `sqlite3_stmt_status()`: how often it was prepared anew. */
const REPREPARED = 5;

/** Says of a text or a blob that it stays where it is until the statement is over. */
const STATIC = 0;

/** The statements of one connection, the last used ones last. */
export class Statements {
  readonly #kept = new Map<string, Prepared>();

  take(session: Session, sql: string): Later<Prepared> {
    const kept = this.#kept.get(sql);
    if (kept !== undefined) {
      this.#kept.delete(sql);
      // SQLite prepares it anew by itself when tables have changed, and adds to what is seen.
      session.seen = { ...kept.seen };
      return kept;
    }
    const { instance } = session;
    return chain(instance.prepare(sql), ({ code, statement, rest }) => {
      if (code !== OK) throw failure(session, code);
      if (!isBlank(rest)) {
        instance.call("sqlite3_finalize", statement);
        throw io("there is more than one statement; execute them one by one");
      }
      const parameters = instance.call("sqlite3_bind_parameter_count", statement);
      return { statement, parameters, seen: { ...session.seen }, columns: [], prepared: -1 };
    });
  }

  /** Keeps a statement for the next time, unless that costs more than it is worth. */
  giveBack({ instance }: Session, sql: string, prepared: Prepared): void {
    if (sql.length > MAX_KEPT_CHARACTERS) return void instance.call("sqlite3_finalize", prepared.statement);
    this.#kept.set(sql, prepared);
    if (this.#kept.size <= MAX_KEPT) return;
    const [oldest, { statement }] = this.#kept.entries().next().value!;
    this.#kept.delete(oldest);
    instance.call("sqlite3_finalize", statement);
  }
}

/** Runs one statement, to its end or to a limit: at once, or letting others run. */
export function run(session: Session, sql: string, parameters: readonly Value[]): Later<QueryResult> {
  if (isBlank(sql)) return { columns: [], rows: [] };
  session.seen = nothingSeen();
  return guarded(
    session,
    () =>
      chain(chain(session.setUp(), () => session.statements.take(session, sql)), (prepared) => {
        const ran = guarded(session, () => step(session, prepared, parameters));
        const giveBack = () => {
          if (!session.instance.dead) session.statements.giveBack(session, sql, prepared);
        };
        return settled(ran, giveBack);
      }),
  );
}

/** Calls `done` when `value` is there or has failed. */
function settled<T>(value: Later<T>, done: () => void): Later<T> {
  if (value instanceof Promise) return value.finally(done);
  done();
  return value;
}

function step(session: Session, prepared: Prepared, parameters: readonly Value[]): Later<QueryResult> {
  const { instance } = session;
  const { statement } = prepared;
  const free = bind(session, prepared, parameters);
  const rows: { values: Value[] }[] = [];
  const budget = new ResultBudget();
  let refused: unknown;
  const count = instance.call("sqlite3_column_count", statement);
  const onRow = (): boolean => {
    try {
      const values = valuesOf(instance, statement, count);
      budget.row(values);
      rows.push({ values });
      return true;
    } catch (error) {
      // SQLite may have been ended in the middle of handing a value over: then nothing more is asked of it.
      if (!(error instanceof SqlError)) throw error;
      refused = error;
      return false;
    }
  };
  const end = () => {
    if (instance.dead) return;
    instance.call("sqlite3_reset", statement);
    instance.call("sqlite3_clear_bindings", statement);
    free();
  };
  return chain(instance.run(statement, onRow), (code) => {
    // Before it is reset, which may say something else.
    const error = refused ?? (isError(code) ? failure(session, code) : undefined);
    const columns = error === undefined ? columnsOf(instance, prepared) : [];
    if (refused !== undefined) undo(instance, statement);
    end();
    if (error !== undefined) throw error;
    return { columns, rows };
  });
}

/** Rolls back what a statement has changed by itself whose rows were too many: to be reset would commit it. */
function undo(instance: Instance, statement: number): void {
  if (instance.call("sqlite3_stmt_readonly", statement) !== 0) return;
  if (instance.call("sqlite3_get_autocommit", instance.db) === 0) return;
  instance.call("sqlite3_interrupt", instance.db);
  instance.call("sqlite3_step", statement);
}

/** `SQLITE_ROW`, `SQLITE_DONE` and what is no code of an error. */
export const isError = (code: number): boolean => code !== OK && code < 100 || code > 0xff;

/** Binds what was given, and answers with what frees it. */
function bind(session: Session, { statement, parameters: wanted }: Prepared, given: readonly Value[]): () => void {
  const { instance } = session;
  if (given.length !== wanted) {
    throw io(`the statement has ${wanted} parameters, and ${given.length} were given`);
  }
  const freed: (() => void)[] = [];
  const free = () => freed.forEach((free) => free());
  const bindOne = (value: Value, at: number): number => {
    switch (value.tag) {
      case "integer":
        return instance.call("sqlite3_bind_int64", statement, at, value.val);
      case "real":
        return instance.call("sqlite3_bind_double", statement, at, value.val);
      case "null":
        return instance.call("sqlite3_bind_null", statement, at);
      case "text": {
        const [place, free, bytes] = instance.text(value.val);
        freed.push(free);
        return instance.call("sqlite3_bind_text", statement, at, place, bytes, STATIC);
      }
      case "blob": {
        // Never at 0, which would be no blob but NULL.
        const place = instance.allocate(value.val.byteLength + 1);
        freed.push(() => instance.call("free", place));
        instance.memory.bytes.set(value.val, place);
        return instance.call("sqlite3_bind_blob", statement, at, place, value.val.byteLength, STATIC);
      }
    }
  };
  try {
    for (const [i, value] of given.entries()) {
      const code = bindOne(value, i + 1);
      if (code !== OK) throw failure(session, code);
    }
  } catch (error) {
    if (!instance.dead) {
      instance.call("sqlite3_clear_bindings", statement);
      free();
    }
    throw error;
  }
  return free;
}

function valuesOf(instance: Instance, statement: number, count: number): Value[] {
  const { e } = instance;
  const values = new Array<Value>(count);
  for (let i = 0; i < count; i++) {
    switch (e.sqlite3_column_type!(statement, i)) {
      case INTEGER:
        values[i] = { tag: "integer", val: e.sqlite3_column_int64!(statement, i) as unknown as bigint };
        break;
      case FLOAT:
        values[i] = { tag: "real", val: e.sqlite3_column_double!(statement, i) };
        break;
      case TEXT: {
        const at = e.sqlite3_column_text!(statement, i);
        values[i] = { tag: "text", val: instance.decode(at, e.sqlite3_column_bytes!(statement, i)) };
        break;
      }
      case BLOB: {
        const at = e.sqlite3_column_blob!(statement, i);
        values[i] = { tag: "blob", val: instance.memory.bytes.slice(at, at + e.sqlite3_column_bytes!(statement, i)) };
        break;
      }
      default:
        values[i] = { tag: "null" };
    }
  }
  return values;
}

/** Asked last: a table may have had other columns when the statement was prepared. */
function columnsOf(instance: Instance, prepared: Prepared): readonly string[] {
  const { statement } = prepared;
  const times = instance.call("sqlite3_stmt_status", statement, REPREPARED, 0);
  if (times !== prepared.prepared) {
    prepared.prepared = times;
    const count = instance.call("sqlite3_column_count", statement);
    const columns: string[] = [];
    for (let i = 0; i < count; i++) columns.push(instance.read(instance.call("sqlite3_column_name", statement, i)));
    prepared.columns = columns;
  }
  return prepared.columns;
}

const TOO_DEEP = "the statement, with its triggers, views and subqueries, is nested too deep";

/** What a code of SQLite's means to the guest, and what only the operator should read to the log. */
export function failure({ instance, seen }: Session, code: number): Error {
  const { message, vfs } = instance;
  if (instance.tooDeep) return io(TOO_DEEP);
  if (seen.refused !== undefined) return io(`not authorized: ${seen.refused}`);
  switch (code & 0xff) {
    case BUSY:
      // Who waits for us to be done with what we have read can neither go on nor be waited for.
      if (vfs.awaited && instance.call("sqlite3_get_autocommit", instance.db) === 0) {
        return io(`${message}: another transaction waits for this one to end; begin with BEGIN IMMEDIATE to write`);
      }
      return new Busy(message);
    case FULL:
      // Where it is not the database that has as much as it may.
      if (vfs.failure !== undefined) {
        const { message } = vfs.failure as Error;
        maybeTask()?.log("error", `sql: the disk of the databases is full: ${message}`);
        vfs.failure = undefined;
      } else {
        maybeTask()?.countLimit("sql.bytes");
      }
      return new SqlError({ tag: "database-full" });
    case NOMEM:
      return io("out of memory: the statement keeps too much at once");
    case IOERR:
    case CANTOPEN: {
      const why = vfs.failure;
      maybeTask()?.log("error", `sql: ${message}: ${why instanceof Error ? why.stack : why ?? `code ${code}`}`);
      return io("the database failed");
    }
    case ERROR:
      // It goes by the tables that it knows, if it cannot look whether there are others by now.
      return vfs.refused ? new Busy(message) : io(message);
    default:
      return io(message);
  }
}

/** Has what ends a statement reach the guest, and what only the operator should read the log. */
function guarded<T>(session: Session, body: () => Later<T>): Later<T> {
  try {
    const value = body();
    return value instanceof Promise ? value.catch((error) => Promise.reject(told(error))) : value;
  } catch (error) {
    throw told(error);
  }

  function told(error: unknown): unknown {
    if (error instanceof SqlError || error instanceof Busy) return error;
    if (error instanceof OutOfMemory) return io("out of memory: the statement keeps too much at once");
    const { reason } = currentTask();
    if (error instanceof Dead && reason !== undefined) {
      return io(reason instanceof SkerryError ? reason.message : "the task is over");
    }
    // What was in the middle of something cannot be trusted to go on.
    session.instance.abandon();
    const cause = error instanceof Dead ? error.cause : error;
    // V8's stack was full before SQLite's was.
    if (error instanceof Dead && cause instanceof RangeError) return io(TOO_DEEP);
    currentTask().log("error", `sql: ${cause instanceof Error ? cause.stack : cause}`);
    return io("the database failed");
  }
}
