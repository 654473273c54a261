/**
 * SQLite's numbers, as far as they are used here: https://sqlite.org/c3ref/constlist.html.
 *
 * @module
 */

/** What functions answer: https://sqlite.org/rescode.html. */
export const OK = 0, ERROR = 1, BUSY = 5, NOMEM = 7, FULL = 13, CANTOPEN = 14, NOTFOUND = 12, ROW = 100;
export const IOERR = 10,
  IOERR_READ = 266,
  IOERR_SHORT_READ = 522,
  IOERR_WRITE = 778,
  IOERR_FSYNC = 1034,
  IOERR_TRUNCATE = 1546,
  IOERR_FSTAT = 1802,
  IOERR_DELETE = 2570,
  IOERR_LOCK = 3850;

/** Types of a column. */
export const INTEGER = 1, FLOAT = 2, TEXT = 3, BLOB = 4;

/** What a file is opened as. */
export const OPEN_READWRITE = 0x2, OPEN_CREATE = 0x4, OPEN_MAIN_DB = 0x100, OPEN_MAIN_JOURNAL = 0x800;

/** What a connection holds of its file: https://sqlite.org/lockingv3.html. */
export const NONE = 0, SHARED = 1, RESERVED = 2, PENDING = 3, EXCLUSIVE = 4;

/** Numbers of `sqlite3_limit()`. */
export const LIMIT_LENGTH = 0,
  LIMIT_SQL_LENGTH = 1,
  LIMIT_EXPR_DEPTH = 3,
  LIMIT_ATTACHED = 7,
  LIMIT_LIKE_PATTERN_LENGTH = 8;

/** Switches of `sqlite3_db_config()`. */
export const CONFIG_FKEY = 1002,
  CONFIG_DEFENSIVE = 1010,
  CONFIG_DQS_DML = 1013,
  CONFIG_DQS_DDL = 1014,
  CONFIG_TRUSTED_SCHEMA = 1017;

/** Answers of an authorizer; the first is {@linkcode OK}. */
export const DENY = 1;

/** What an authorizer is asked: https://sqlite.org/c3ref/c_alter_table.html. */
export const ACTION = {
  CREATE_INDEX: 1,
  CREATE_TABLE: 2,
  CREATE_TEMP_INDEX: 3,
  CREATE_TEMP_TABLE: 4,
  CREATE_TEMP_TRIGGER: 5,
  CREATE_TEMP_VIEW: 6,
  CREATE_TRIGGER: 7,
  CREATE_VIEW: 8,
  DELETE: 9,
  DROP_INDEX: 10,
  DROP_TABLE: 11,
  DROP_TEMP_INDEX: 12,
  DROP_TEMP_TABLE: 13,
  DROP_TEMP_TRIGGER: 14,
  DROP_TEMP_VIEW: 15,
  DROP_TRIGGER: 16,
  DROP_VIEW: 17,
  INSERT: 18,
  PRAGMA: 19,
  READ: 20,
  SELECT: 21,
  TRANSACTION: 22,
  UPDATE: 23,
  ATTACH: 24,
  DETACH: 25,
  ALTER_TABLE: 26,
  REINDEX: 27,
  ANALYZE: 28,
  CREATE_VTABLE: 29,
  DROP_VTABLE: 30,
  FUNCTION: 31,
  SAVEPOINT: 32,
  RECURSIVE: 33,
} as const;
