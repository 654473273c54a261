/**
 * What a statement may do: SQLite asks for each action of it before it is run.
 *
 * @module
 */
import { constants } from "node:sqlite";

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

/** The face of SQLite's callback. */
type Authorizer = (
  action: number,
  first: string | null,
  second: string | null,
  database: string | null,
  trigger: string | null,
) => number;

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

/** Virtual tables that keep what they have in the database. */
const MODULES = new Set(["fts5", "fts5vocab", "rtree", "rtree_i32", "geopoly"]);

const ALWAYS = new Set([
  constants.SQLITE_ALTER_TABLE,
  constants.SQLITE_ANALYZE,
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_DROP_INDEX,
  constants.SQLITE_DROP_TABLE,
  constants.SQLITE_DROP_TEMP_INDEX,
  constants.SQLITE_DROP_TEMP_TABLE,
  constants.SQLITE_DROP_TEMP_TRIGGER,
  constants.SQLITE_DROP_TEMP_VIEW,
  constants.SQLITE_DROP_TRIGGER,
  constants.SQLITE_DROP_VIEW,
  constants.SQLITE_DROP_VTABLE,
  constants.SQLITE_READ,
  constants.SQLITE_REINDEX,
  constants.SQLITE_SAVEPOINT,
  constants.SQLITE_SELECT,
  constants.SQLITE_TRANSACTION,
]);

/**
 * Allows what stays inside the database, refuses the rest, and tells `seen()` about it. What it does not know, it refuses.
 */
export function authorizer(seen: () => Seen, allowed: () => { readonly recursive: boolean }): Authorizer {
  const refuse = (what: string): number => {
    seen().refused ??= what;
    return constants.SQLITE_DENY;
  };
  return function authorize(action, first, second) {
    if (ALWAYS.has(action)) return constants.SQLITE_OK;
    switch (action) {
      case constants.SQLITE_INSERT:
        seen().inserts = true;
        // Falls through: an insertion is a change.
      case constants.SQLITE_UPDATE:
      case constants.SQLITE_DELETE:
        seen().changes = true;
        return constants.SQLITE_OK;
      case constants.SQLITE_FUNCTION:
        return REFUSED_FUNCTIONS.has(second ?? "") ? refuse(`the function ${second}`) : constants.SQLITE_OK;
      case constants.SQLITE_CREATE_TEMP_INDEX:
      case constants.SQLITE_CREATE_TEMP_TABLE:
      case constants.SQLITE_CREATE_TEMP_TRIGGER:
      case constants.SQLITE_CREATE_TEMP_VIEW:
        seen().lasting = true;
        return constants.SQLITE_OK;
      case constants.SQLITE_PRAGMA:
        return pragma(first ?? "", second);
      case constants.SQLITE_CREATE_VTABLE:
        return MODULES.has((second ?? "").toLowerCase()) ? constants.SQLITE_OK : refuse(`a virtual table of ${second}`);
      case constants.SQLITE_RECURSIVE:
        return allowed().recursive
          ? constants.SQLITE_OK
          : refuse('WITH RECURSIVE without "recursive": true in the grant');
      case constants.SQLITE_ATTACH:
        return refuse("ATTACH, and VACUUM, which attaches");
      case constants.SQLITE_DETACH:
        return refuse("DETACH");
      default:
        return refuse(`action ${action} of SQLite`);
    }
  };

  function pragma(name: string, value: string | null): number {
    const lower = name.toLowerCase();
    if (ASKING_PRAGMAS.has(lower) || FILE_PRAGMAS.has(lower)) return constants.SQLITE_OK;
    if (CONNECTION_PRAGMAS.has(lower)) {
      if (value !== null) seen().lasting = true;
      return constants.SQLITE_OK;
    }
    if (READ_PRAGMAS.has(lower) && value === null) return constants.SQLITE_OK;
    return refuse(value === null ? `PRAGMA ${lower}` : `setting PRAGMA ${lower}`);
  }
}
