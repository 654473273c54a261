import { expect } from "@std/expect";
import { inTask, payloadOf, withFolder } from "../_testing.ts";
import { hostOf, onEachLocalBackend, open, rows } from "./_testing.ts";
import { SqliteBackend } from "./sqlite.ts";

Deno.test("no statement leaves the database's file", () =>
  withFolder(async (folder) => {
    const outside = await Deno.makeTempDir({ prefix: "skerry-sql-outside-" });
    const backend = new SqliteBackend(folder);
    await inTask(async () => {
      const host = hostOf(backend, "f");
      const connection = await open(host);
      await rows(connection, "CREATE TABLE t (x)");
      const refused = [
        "ATTACH DATABASE '/etc/passwd' AS passwd",
        `ATTACH DATABASE '${outside}/new.sqlite3' AS other`,
        "ATTACH DATABASE 'file:/etc/passwd?mode=ro' AS passwd",
        "ATTACH DATABASE ':memory:' AS other",
        "/* */ attach '' as other",
        "EXPLAIN ATTACH DATABASE '/etc/passwd' AS passwd",
        "DETACH DATABASE main",
        "VACUUM",
        `VACUUM INTO '${outside}/copy.sqlite3'`,
        `VACUUM main INTO '${outside}/copy.sqlite3'`,
        "SELECT load_extension('/lib/x86_64-linux-gnu/libc.so.6')",
        "SELECT load_extension('x', 'y')",
        "SELECT fts3_tokenizer('simple', x'00')",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA journal_mode(OFF)",
        "PRAGMA main.synchronous = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA database_list",
        "PRAGMA temp_store_directory = '/tmp'",
        "PRAGMA data_store_directory = '/tmp'",
        "PRAGMA max_page_count = 2000000000",
        "PRAGMA page_size = 65536",
        "PRAGMA mmap_size = 1000000000000",
        "PRAGMA cache_size = -100000000",
        "PRAGMA hard_heap_limit = 1",
        "PRAGMA soft_heap_limit = 1",
        "PRAGMA threads = 100",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA busy_timeout = 100000",
        "PRAGMA trusted_schema = ON",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA wal_autocheckpoint = 0",
        "PRAGMA secure_delete = ON",
        "PRAGMA key = 'x'",
        "PRAGMA no_such_pragma",
        "SELECT * FROM pragma_database_list",
        "CREATE VIRTUAL TABLE v USING csv(filename = '/etc/passwd')",
        "CREATE VIRTUAL TABLE v USING dbstat(main)",
        "SELECT * FROM sqlite_stmt",
        "SELECT count(*) FROM sqlite_stmt",
        "SELECT * FROM sqlite_dbpage",
        "SELECT * FROM dbstat",
        "SELECT * FROM bytecode('SELECT 1')",
        "SELECT * FROM tables_used('SELECT 1')",
      ];
      for (const statement of refused) {
        const payload = await payloadOf(() => connection.execute(statement, []));
        expect([statement, payload]).toEqual([statement, {
          tag: "io",
          val: expect.stringMatching(
            /^not authorized: |^no such function: (fts3_tokenizer|load_extension)$|^no such module/,
          ),
        }]);
      }
      for (
        const statement of [
          "SELECT readfile('/etc/passwd')",
          "SELECT writefile('/tmp/x', 'y')",
          "UPDATE sqlite_schema SET sql = 'x'",
          "INSERT INTO sqlite_dbpage VALUES (1, x'00', 'main')",
          "DROP TABLE sqlite_schema",
          "CREATE VIEW v AS SELECT load_extension('x'); SELECT * FROM v",
        ]
      ) {
        expect(await payloadOf(() => connection.execute(statement, []))).toMatchObject({ tag: "io" });
      }
      // A trigger does no more than who fires it.
      await rows(connection, "CREATE VIEW w AS SELECT load_extension('x') AS y").catch(() => {});
      expect(await payloadOf(() => connection.execute("SELECT * FROM w", []))).toMatchObject({ tag: "io" });
      for (
        const statement of [
          "PRAGMA user_version = 5",
          "PRAGMA user_version",
          "PRAGMA table_info(t)",
          "PRAGMA table_info = t",
          "SELECT * FROM pragma_table_info('t')",
          "PRAGMA foreign_key_check",
          "PRAGMA integrity_check",
          "PRAGMA journal_mode",
          "PRAGMA defer_foreign_keys = ON",
          "CREATE VIRTUAL TABLE f USING fts5(x)",
          "INSERT INTO f VALUES ('salt tar rope')",
          "SELECT * FROM f WHERE f MATCH 'tar'",
          "SAVEPOINT a",
          "ROLLBACK TO a",
          "RELEASE a",
          "EXPLAIN QUERY PLAN SELECT * FROM t",
          "ALTER TABLE t ADD COLUMN y DEFAULT 1",
          "CREATE INDEX i ON t (x, lower(y))",
          "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE x IS NULL; END",
          "CREATE VIEW u AS SELECT x FROM t",
          "ANALYZE",
          "REINDEX",
          "PRAGMA optimize",
          "DROP TABLE f",
        ]
      ) {
        expect([statement, await payloadOf(() => connection.execute(statement, []))]).toEqual([statement, "no error"]);
      }
    });
    backend.close();
    expect([...Deno.readDirSync(outside)].map(({ name }) => name)).toEqual([]);
    expect([...Deno.readDirSync(folder)].map(({ name }) => name)).toEqual(["functions"]);
    await Deno.remove(outside, { recursive: true });
  }));

onEachLocalBackend("a statement that was prepared before does what it says now", async (backend) => {
  const host = hostOf(backend);
  const connection = await open(host);
  await rows(connection, "CREATE TABLE t (a)");
  const insert = () => rows(connection, "INSERT INTO t VALUES (?)", 1n);
  const all = async () => {
    const result = await connection.execute("SELECT * FROM t", []);
    return [result.columns, result.rows.length];
  };
  await insert();
  expect(await all()).toEqual([["a"], 1]);
  await rows(connection, "ALTER TABLE t ADD COLUMN b");
  expect(await all()).toEqual([["a", "b"], 1]);
  expect(await payloadOf(insert)).toMatchObject({ tag: "io" });
  await rows(connection, "ALTER TABLE t DROP COLUMN b");
  for (let i = 2; i <= 1200; i++) {
    await insert();
    if (i % 100 === 0) expect(await all()).toEqual([["a"], i]);
  }
  expect([await connection.changes(), await connection.lastInsertRowid()]).toEqual([1n, 1200n]);
  for (let i = 0; i < 200; i++) expect(await rows(connection, `SELECT ${i}, ?`, "x")).toEqual([[BigInt(i), "x"]]);
  // A temporary table is the connection's own, and what was prepared for it is not for the next guest.
  for (let i = 0; i < 3; i++) {
    const guest = await open(host);
    const temporary = "CREATE TEMP TABLE IF NOT EXISTS mine AS SELECT 1 AS x";
    if ((await rows(guest, "PRAGMA journal_mode"))[0]![0] === "memory") break;
    await rows(guest, temporary);
    expect(await rows(guest, "SELECT count(*) FROM sqlite_temp_schema")).toEqual([[1n]]);
    guest[Symbol.dispose]();
  }
});
