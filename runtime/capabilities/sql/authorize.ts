/**
 * What a statement may do: SQLite asks for each action of it before it is run.
 *
 * @module
 */
import { ACTION, DENY, OK } from "./sqlite/codes.ts";
import type { Authorizer } from "./sqlite/instance.ts";

/** What is seen of a statement while it is prepared. */
export interface Seen {
  /** Whether it inserts into, or changes, a table. */
  inserts: boolean;
  changes: boolean;
  /** Whether it leaves something behind in the connection that another guest would see. */
  lasting: boolean;
  /** What was refused first, as the guest reads it. */
  refused: string | undefined;
}

export const nothingSeen = (): Seen => ({ inserts: false, changes: false, lasting: false, refused: undefined });

/** Their argument names what is asked for and sets nothing. */
const ASKING_PRAGMAS = new Set([
  "foreign_key_check",
  "foreign_key_list",
  "index_info",
  "index_list",
  "index_xinfo",
  "integrity_check",
  "optimize",
  "quick_check",
  "table_info",
  "table_list",
  "table_xinfo",
]);

/** They may be read, not set: they say how the file is kept, for everybody. */
const READ_PRAGMAS = new Set([
  "auto_vacuum",
  "collation_list",
  "compile_options",
  "data_version",
  "encoding",
  "freelist_count",
  "function_list",
  "journal_mode",
  "max_page_count",
  "module_list",
  "page_count",
  "page_size",
  "pragma_list",
  "schema_version",
  "synchronous",
]);

/** They belong to the connection. */
const CONNECTION_PRAGMAS = new Set([
  "case_sensitive_like",
  "defer_foreign_keys",
  "foreign_keys",
  "ignore_check_constraints",
  "query_only",
  "recursive_triggers",
  "reverse_unordered_selects",
]);

/** They are numbers in the file, for its users. */
const FILE_PRAGMAS = new Set(["application_id", "user_version"]);

/** They reach out of the database, or load code. */
const REFUSED_FUNCTIONS = new Set(["load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"]);

/** They show what other guests have prepared on the connection, or the file as it is. */
const REFUSED_TABLES = new Set(["bytecode", "dbstat", "sqlite_dbpage", "sqlite_stmt", "tables_used"]);

/** What they are changed by is no change of rows: it creates and drops. */
const SCHEMA_TABLES = new Set(["sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"]);

/** Virtual tables that keep what they have in the database. */
const MODULES = new Set(["fts5", "fts5vocab", "rtree", "rtree_i32", "geopoly"]);

const ALWAYS = new Set<number>([
  ACTION.ALTER_TABLE,
  ACTION.ANALYZE,
  ACTION.CREATE_INDEX,
  ACTION.CREATE_TABLE,
  ACTION.CREATE_TRIGGER,
  ACTION.CREATE_VIEW,
  ACTION.DROP_INDEX,
  ACTION.DROP_TABLE,
  ACTION.DROP_TEMP_INDEX,
  ACTION.DROP_TEMP_TABLE,
  ACTION.DROP_TEMP_TRIGGER,
  ACTION.DROP_TEMP_VIEW,
  ACTION.DROP_TRIGGER,
  ACTION.DROP_VIEW,
  ACTION.DROP_VTABLE,
  ACTION.RECURSIVE,
  ACTION.REINDEX,
  ACTION.SAVEPOINT,
  ACTION.SELECT,
  ACTION.TRANSACTION,
]);

/**
 * Allows what stays inside the database, refuses the rest, and tells `seen()` about it. What it does not know, it refuses.
 */
export function authorizer(seen: () => Seen): Authorizer {
  const refuse = (what: string): number => {
    seen().refused ??= what;
    return DENY;
  };
  return function authorize(action, first, second, database) {
    if (ALWAYS.has(action)) return OK;
    switch (action) {
      case ACTION.INSERT:
        if (SCHEMA_TABLES.has(first ?? "")) return OK;
        seen().inserts = true;
        // Falls through: an insertion is a change.
      case ACTION.UPDATE:
      case ACTION.DELETE:
        if (!SCHEMA_TABLES.has(first ?? "")) seen().changes = true;
        return OK;
      case ACTION.READ:
        return REFUSED_TABLES.has((first ?? "").toLowerCase()) ? refuse(`the table ${first}`) : OK;
      case ACTION.FUNCTION:
        return REFUSED_FUNCTIONS.has(second ?? "") ? refuse(`the function ${second}`) : OK;
      case ACTION.CREATE_TEMP_INDEX:
      case ACTION.CREATE_TEMP_TABLE:
      case ACTION.CREATE_TEMP_TRIGGER:
      case ACTION.CREATE_TEMP_VIEW:
        seen().lasting = true;
        return OK;
      case ACTION.PRAGMA:
        return pragma(first ?? "", second, database);
      case ACTION.CREATE_VTABLE:
        // Not every module makes tables to keep what it has in.
        if (database === "temp") seen().lasting = true;
        return MODULES.has((second ?? "").toLowerCase()) ? OK : refuse(`a virtual table of ${second}`);
      case ACTION.ATTACH:
        return refuse("ATTACH, and VACUUM, which attaches");
      case ACTION.DETACH:
        return refuse("DETACH");
      default:
        return refuse(`action ${action} of SQLite`);
    }
  };

  function pragma(name: string, value: string | null, database: string | null): number {
    const lower = name.toLowerCase();
    if (database === "temp" && value !== null) seen().lasting = true;
    if (ASKING_PRAGMAS.has(lower) || FILE_PRAGMAS.has(lower)) return OK;
    if (CONNECTION_PRAGMAS.has(lower)) {
      if (value !== null) seen().lasting = true;
      return OK;
    }
    if (READ_PRAGMAS.has(lower) && value === null) return OK;
    return refuse(value === null ? `PRAGMA ${lower}` : `setting PRAGMA ${lower}`);
  }
}
