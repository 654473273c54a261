/**
 * What `sql` keeps its data in: one small interface, and what every backend of it shares.
 *
 * @module
 */
import { WitError } from "../../errors.ts";

/** A value of a column or a parameter, as the WIT has it. */
export type Value =
  | { readonly tag: "integer"; readonly val: bigint }
  | { readonly tag: "real"; readonly val: number }
  | { readonly tag: "text"; readonly val: string }
  | { readonly tag: "blob"; readonly val: Uint8Array }
  | { readonly tag: "null" };

/** What a statement returned. */
export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly values: readonly Value[] }[];
}

/** The error of the WIT. */
export type SqlErrorPayload =
  | { readonly tag: "no-such-database" | "access-denied" | "invalid-connection" | "database-full" }
  | { readonly tag: "io"; readonly val: string };

/** A refusal, for the guest. */
export class SqlError extends WitError {
  declare readonly payload: SqlErrorPayload;
  override readonly name: string = "SqlError";

  constructor(payload: SqlErrorPayload) {
    super(payload);
  }
}

export const io = (val: string): SqlError => new SqlError({ tag: "io", val });

/** A database of one function, or one that functions share. */
export type DatabaseId =
  | { readonly function: string; readonly name: string }
  | { readonly shared: string };

/**
 * An open database of one guest. Each method throws a {@linkcode SqlError}, or what the operator should hear.
 *
 * They answer at once where they can: a guest need not be suspended for what is in memory.
 */
export interface Connection {
  execute(sql: string, parameters: readonly Value[]): QueryResult | Promise<QueryResult>;
  lastInsertRowid(): bigint | Promise<bigint>;
  changes(): bigint | Promise<bigint>;
  /** Rolls back what was begun and not committed. Calling it twice is harmless. */
  close(): void;
}

/** Where databases are. */
export interface Backend {
  /**
   * Looks whether the database is there to be opened, if that takes no waiting.
   *
   * @throws {SkerryError} `setting-invalid`.
   */
  check?(database: DatabaseId): void;
  connect(database: DatabaseId): Connection | Promise<Connection>;
}

/** The text of one statement: parsing it takes memory and time that other tasks wait. */
export const MAX_SQL_BYTES = 1024 * 1024;

/** One value, in a parameter, a row or between them: memory of the host. */
export const MAX_VALUE_BYTES = 16 * 1024 * 1024;

/** What one statement hands to the guest at most: it is in the host's memory before it is in the guest's. */
export const MAX_RESULT_BYTES = 16 * 1024 * 1024;

/** Rows of one result: each is some objects in the host, however small it is. */
export const MAX_RESULT_ROWS = 100_000;

/** What a row and a value take in a result, beside their bytes. */
const ROW_BYTES = 16;
const VALUE_BYTES = 16;

/** Counts what a result takes, and ends it with an error that says what to do. */
export class ResultBudget {
  #rows = 0;
  #bytes = 0;

  row(values: readonly Value[]): void {
    this.#rows++;
    if (this.#rows > MAX_RESULT_ROWS) {
      throw io(`the result has more than ${MAX_RESULT_ROWS} rows; ask for fewer with LIMIT`);
    }
    this.#bytes += ROW_BYTES;
    for (const value of values) this.#bytes += VALUE_BYTES + bytesOf(value);
    if (this.#bytes > MAX_RESULT_BYTES) {
      throw io(
        `the result has more than ${MAX_RESULT_BYTES} bytes; ask for fewer rows with LIMIT, or for fewer columns`,
      );
    }
  }
}

/** About how many bytes a value has: never more than it has. */
export function bytesOf(value: Value): number {
  // A character takes one byte at least; only a bound is needed.
  return value.tag === "text" ? value.val.length : value.tag === "blob" ? value.val.byteLength : 8;
}

/** Refuses what would take too much memory before it is looked at. */
export function checkSize(sql: string, parameters: readonly Value[]): void {
  if (sql.length > MAX_SQL_BYTES) {
    throw io(`the statement has more than ${MAX_SQL_BYTES} bytes; pass values as parameters`);
  }
  for (const value of parameters) {
    if (bytesOf(value) > MAX_VALUE_BYTES) throw io(`a parameter has more than ${MAX_VALUE_BYTES} bytes`);
  }
}
