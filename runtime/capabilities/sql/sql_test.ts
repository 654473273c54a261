import { expect } from "@std/expect";
import { mayWait } from "../../engine/mod.ts";
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { member, readWit } from "../_wit.ts";
import {
  type GuestConnection,
  hostOf,
  inTask,
  onEachBackend,
  onEachLocalBackend,
  open,
  payloadOf,
  REAL_SERVER,
  rows,
  withFolder,
} from "./_testing.ts";
import { MAX_RESULT_BYTES, MAX_RESULT_ROWS, MAX_SQL_BYTES, MAX_VALUE_BYTES } from "./backend.ts";
import { sqlGrant } from "./grant.ts";
import { LibsqlBackend } from "./libsql.ts";
import { sql } from "./mod.ts";
import { SqliteBackend } from "./sqlite.ts";
import { MAX_OPEN_CONNECTIONS, openBackend, SqlProcess } from "./store.ts";

onEachBackend("each type of value comes back as it was given", async (backend) => {
  const connection = await open(hostOf(backend));
  const values = [2n ** 63n - 1n, -(2n ** 63n), 0n, 1, -1.5e300, 1e-300, "", "aé\u{1f3dd}", new Uint8Array(0)];
  values.push(new Uint8Array([0, 255, 128]), null as unknown as bigint);
  for (const value of values) {
    // What kind it is in the database is what the guest said, not what it looks like: 1.0 is no integer.
    const type = { bigint: "integer", number: "real", string: "text" }[typeof value as string] ??
      (value === null ? "null" : "blob");
    expect(await rows(connection, "SELECT ?, typeof(?)", value, value)).toEqual([[value, type]]);
  }
  const result = await connection.execute("SELECT 1 AS a, 2 AS a, NULL AS b, 'x' AS [c d]", []);
  expect(result.columns).toEqual(["a", "a", "b", "c d"]);
  expect(result.rows).toEqual([{
    values: [{ tag: "integer", val: 1n }, { tag: "integer", val: 2n }, { tag: "null" }, { tag: "text", val: "x" }],
  }]);
  expect(await connection.execute("SELECT 1 AS a WHERE 0", [])).toEqual({ columns: ["a"], rows: [] });
});

onEachBackend("parameters are bound by their index, however they are written", async (backend) => {
  const connection = await open(hostOf(backend));
  expect(await rows(connection, "SELECT ?, ?2, :c, @d, $e, ?2 -- ?", "1", "2", "3", "4", "5")).toEqual([
    ["1", "2", "3", "4", "5", "2"],
  ]);
  expect(await rows(connection, `SELECT :a, '?', "?", /* :b */ :a, ?`, "1", "2")).toEqual([["1", "?", "?", "1", "2"]]);
});

onEachLocalBackend("too few or too many parameters are refused, and so is a second statement", async (backend) => {
  const connection = await open(hostOf(backend));
  const parameters = (wanted: number, given: number) => ({
    tag: "io",
    val: `the statement has ${wanted} parameters, and ${given} were given`,
  });
  expect(await payloadOf(() => rows(connection, "SELECT ?"))).toEqual(parameters(1, 0));
  expect(await payloadOf(() => rows(connection, "SELECT ?5", "1"))).toEqual(parameters(5, 1));
  expect(await payloadOf(() => rows(connection, "SELECT 1", "1"))).toEqual(parameters(0, 1));
  expect(await rows(connection, "SELECT 1; -- done\n /* really */ ;")).toEqual([[1n]]);
  expect(await rows(connection, " -- nothing\n;")).toEqual([]);
  const second = { tag: "io", val: expect.stringContaining("more than one statement") };
  expect(await payloadOf(() => rows(connection, "CREATE TABLE a (x); CREATE TABLE b (x)"))).toEqual(second);
  expect(await rows(connection, "SELECT count(*) FROM sqlite_schema")).toEqual([[0n]]);
  expect(await payloadOf(() => rows(connection, "SELECT ?", "a\0b"))).toEqual({
    tag: "io",
    val: expect.stringContaining("NUL"),
  });
});

onEachBackend("what one connection has written the next one reads, and what it changed is counted", async (backend) => {
  const host = hostOf(backend);
  const first = await open(host);
  expect([await first.lastInsertRowid(), await first.changes()]).toEqual([0n, 0n]);
  await rows(first, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE)");
  expect(await rows(first, "INSERT INTO t (id, name) VALUES (?, ?), (?, ?) RETURNING id", 7n, "a", 9n, "b")).toEqual([
    [7n],
    [9n],
  ]);
  expect([await first.lastInsertRowid(), await first.changes()]).toEqual([9n, 2n]);
  expect(await payloadOf(() => rows(first, "INSERT INTO t (name) VALUES ('a')"))).toEqual({
    tag: "io",
    val: expect.stringContaining("UNIQUE constraint failed: t.name"),
  });
  await rows(first, "UPDATE t SET name = name || '!'");
  expect(await first.changes()).toBe(2n);
  first[Symbol.dispose]();
  const second = await open(host, "", 2);
  expect(await rows(second, "SELECT name FROM t ORDER BY id")).toEqual([["a!"], ["b!"]]);
  expect(await second.changes()).toBe(0n);
});

onEachBackend("what is no SQL is an error that says where", async (backend) => {
  const connection = await open(hostOf(backend));
  expect(await payloadOf(() => rows(connection, "SELEC 1"))).toEqual({
    tag: "io",
    val: expect.stringContaining('near "SELEC": syntax error'),
  });
  expect(await payloadOf(() => rows(connection, "SELECT * FROM missing"))).toEqual({
    tag: "io",
    val: expect.stringContaining("no such table: missing"),
  });
  expect(await rows(connection, "SELECT 1")).toEqual([[1n]]);
});

onEachBackend("a transaction that was not committed is rolled back, whatever ends its isolate", async (backend) => {
  const host = hostOf(backend);
  const watcher = await open(host);
  await rows(watcher, "CREATE TABLE t (x)");
  const begin = async () => {
    const connection = await open(host);
    await rows(connection, "BEGIN IMMEDIATE");
    await rows(connection, "INSERT INTO t VALUES (1)");
    expect(await rows(connection, "SELECT count(*) FROM t")).toEqual([[1n]]);
    return connection;
  };
  (await begin())[Symbol.dispose]();
  await waitFor(() => rows(watcher, "INSERT INTO t SELECT 1 WHERE 0"));
  expect(await rows(watcher, "SELECT count(*) FROM t")).toEqual([[0n]]);
  const task = new Task({ function: "f" });
  await withTask(task, begin);
  task.end();
  await waitFor(() => rows(watcher, "INSERT INTO t SELECT 1 WHERE 0"));
  expect(await rows(watcher, "SELECT count(*) FROM t")).toEqual([[0n]]);
  const committed = await begin();
  await rows(committed, "COMMIT");
  expect(await rows(watcher, "SELECT count(*) FROM t")).toEqual([[1n]]);
});

/** A server learns a moment later than we do that a connection was closed. */
async function waitFor(attempt: () => Promise<unknown>): Promise<void> {
  while (await payloadOf(attempt) !== "no error") await new Promise((resolve) => setTimeout(resolve, 5));
}

onEachLocalBackend("a statement waits for another isolate's transaction", async (backend) => {
  const host = hostOf(backend);
  const [first, second] = [await open(host), await open(host)];
  await rows(first, "CREATE TABLE t (x)");
  await rows(first, "BEGIN IMMEDIATE");
  await rows(first, "INSERT INTO t VALUES (1)");
  let done = false;
  const waiting = rows(second, "INSERT INTO t VALUES (2) RETURNING x").then((result) => {
    done = true;
    return result;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(done).toBe(false);
  await rows(first, "COMMIT");
  expect(await waiting).toEqual([[2n]]);
  expect(await rows(first, "SELECT sum(x) FROM t")).toEqual([[3n]]);
});

onEachLocalBackend("a counter is exact when 200 tasks add to it at once", async (backend) => {
  const host = hostOf(backend);
  await rows(await open(host), "CREATE TABLE t AS SELECT 0 AS n");
  await Promise.all(Array.from({ length: 200 }, async () => {
    const task = new Task({ function: "f" });
    await withTask(task, async () => {
      const connection = await open(host);
      await rows(connection, "BEGIN IMMEDIATE");
      const [[n]] = await rows(connection, "SELECT n FROM t") as [[bigint]];
      await Promise.resolve();
      await rows(connection, "UPDATE t SET n = ?", n + 1n);
      await rows(connection, "COMMIT");
    });
    task.end();
  }));
  expect(await rows(await open(host), "SELECT n FROM t")).toEqual([[200n]]);
});

onEachLocalBackend(
  "a neighbour sees nothing of a function's database, and a shared one is for all",
  async (backend) => {
    const process = new SqlProcess(() => backend);
    const databases = { default: true, shop: "shop" } as const;
    const [one, two] = [hostOf(process, "one", { databases }), hostOf(process, "two", { databases })];
    await rows(await open(one), "CREATE TABLE mine (x)");
    await rows(await open(one, "shop"), "CREATE TABLE ours (x)");
    const tables = async (host: typeof one, database: string) =>
      await rows(await open(host, database), "SELECT name FROM sqlite_schema");
    expect(await tables(two, "default")).toEqual([]);
    expect(await tables(two, "shop")).toEqual([["ours"]]);
    expect(await tables(one, "default")).toEqual([["mine"]]);
    // Names that would be one if they were joined, or that are another's.
    const odd = hostOf(process, "shop", { databases: { default: true, one: true } });
    expect([await tables(odd, "default"), await tables(odd, "one")]).toEqual([[], []]);
  },
);

onEachLocalBackend("what a guest leaves behind in a connection the next one does not see", async (backend) => {
  if ((await rows(await open(hostOf(backend)), "PRAGMA journal_mode"))[0]![0] === "memory") return;
  const host = hostOf(backend);
  const left: [statement: string, look: string, expected: unknown][] = [
    ["CREATE TEMP TABLE secret (x)", "SELECT count(*) FROM sqlite_temp_schema", 0n],
    ["CREATE TEMP VIEW secret AS SELECT 1", "SELECT count(*) FROM sqlite_temp_schema", 0n],
    ["PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys", 1n],
    ["PRAGMA query_only(1)", "PRAGMA query_only", 0n],
  ];
  for (const [statement, look, expected] of left) {
    const first = await open(host);
    await rows(first, statement);
    expect([look, await rows(first, look)]).not.toEqual([look, [[expected]]]);
    first[Symbol.dispose]();
    const second = await open(host);
    expect([look, await rows(second, look)]).toEqual([look, [[expected]]]);
    second[Symbol.dispose]();
  }
});

onEachBackend(
  "a database that was not granted is refused, and the operator reads the line to add",
  async (backend, records) => {
    const host = hostOf(backend);
    for (const version of [2, 3]) {
      for (const name of ["shop", "constructor"]) {
        expect(await payloadOf(() => open(host, name, version))).toEqual({ tag: "access-denied" });
      }
      for (const name of ["../default", "Default", "/etc/passwd", "x".repeat(64), "a\0b"]) {
        expect(await payloadOf(() => open(host, name, version))).toEqual({ tag: "no-such-database" });
      }
    }
    expect(records[0]!.message).toContain('"sql": { "databases": { "shop": true } }');
  },
);

onEachBackend("a connection that was closed is invalid, and the task has so many open and no more", async (backend) => {
  const host = hostOf(backend);
  const opened: GuestConnection[] = [];
  for (let i = 0; i < MAX_OPEN_CONNECTIONS; i++) opened.push(await open(host));
  expect(await payloadOf(() => open(host))).toEqual({ tag: "io", val: expect.stringContaining("no more may be") });
  opened[0]![Symbol.dispose]();
  opened[0]![Symbol.dispose]();
  expect(await payloadOf(() => rows(opened[0]!, "SELECT 1"))).toEqual({ tag: "invalid-connection" });
  await open(host);
  expect(await payloadOf(() => open(host))).toMatchObject({ tag: "io" });
});

onEachBackend("statements, values and results are bounded", async (backend) => {
  const connection = await open(hostOf(backend, "f", { recursive: true }));
  const bounded = (what: string) => ({ tag: "io", val: expect.stringContaining(what) });
  const numbers = (count: number) =>
    `WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT ${count}) SELECT x FROM n`;
  expect((await connection.execute(numbers(MAX_RESULT_ROWS), [])).rows.length).toBe(MAX_RESULT_ROWS);
  expect(await payloadOf(() => connection.execute(numbers(MAX_RESULT_ROWS + 1), []))).toEqual(bounded("rows; ask"));
  const million = "SELECT zeroblob(1000000) FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]')";
  expect(MAX_RESULT_BYTES).toBeLessThan(18_000_000);
  expect(await payloadOf(() => connection.execute(million, []))).toEqual(bounded("bytes; ask"));
  expect(await payloadOf(() => rows(connection, `SELECT '${"x".repeat(MAX_SQL_BYTES)}'`))).toEqual(
    bounded("pass values as parameters"),
  );
  expect(await payloadOf(() => rows(connection, "SELECT ?", new Uint8Array(MAX_VALUE_BYTES + 1)))).toEqual(
    bounded("a parameter has more"),
  );
});

onEachLocalBackend("a value that SQLite makes is bounded, and so is a statement without end", async (backend) => {
  const connection = await open(hostOf(backend, "f", { recursive: true }));
  for (
    const made of ["zeroblob(500000000)", "hex(randomblob(10000000))", "replace(hex(zeroblob(4000000)), '0', 'xxxxx')"]
  ) {
    expect(await payloadOf(() => rows(connection, `SELECT length(${made})`))).toEqual({
      tag: "io",
      val: expect.stringMatching(/too big/),
    });
  }
  const task = new Task({ function: "f" });
  task.cpuMs = task.limits.cpuMs;
  const numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 90000) SELECT x FROM n";
  expect(await withTask(task, () => payloadOf(() => connection.execute(numbers, [])))).toEqual({
    tag: "io",
    val: expect.stringContaining("limits.cpuMs"),
  });
  task.end();
});

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
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
      ];
      for (const statement of refused) {
        const payload = await payloadOf(() => connection.execute(statement, []));
        expect([statement, payload]).toEqual([statement, {
          tag: "io",
          val: expect.stringMatching(/^not authorized: |no such function: fts3_tokenizer|^no such module/),
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
  // What one function may do another may not, over one connection.
  const recursive = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 3) SELECT count(*) FROM n";
  connection[Symbol.dispose]();
  for (const allowed of [true, false, true, false]) {
    const guest = await open(hostOf(backend, "f", { recursive: allowed }));
    expect(await payloadOf(() => rows(guest, recursive))).toEqual(
      allowed ? "no error" : { tag: "io", val: expect.stringContaining("RECURSIVE") },
    );
    guest[Symbol.dispose]();
  }
});

Deno.test("a statement that holds everybody up is named in the log", () =>
  inTask(async (records) => {
    for (const slowMs of [60_000, 0]) {
      const connection = await open(hostOf(new SqliteBackend(undefined, { slowMs })));
      await rows(connection, "SELECT ?", "s3cr3t");
    }
    expect(records.map(({ level, message }) => [level, message])).toEqual([
      ["warn", expect.stringMatching(/^sql: nothing else ran for \d+ ms, but SELECT \?$/)],
    ]);
  }));

Deno.test("a database that is full says so, and goes on with what it has", () =>
  withFolder(async (folder) => {
    const backend = new SqliteBackend(folder, { maxBytes: 200_000 });
    await inTask(async () => {
      const connection = await open(hostOf(backend));
      await rows(connection, "CREATE TABLE t (x)");
      expect(await payloadOf(() => rows(connection, "INSERT INTO t VALUES (zeroblob(300000))"))).toEqual({
        tag: "database-full",
      });
      await rows(connection, "INSERT INTO t VALUES (1)");
      expect(await rows(connection, "SELECT count(*) FROM t")).toEqual([[1n]]);
    });
    backend.close();
  }));

Deno.test("when the database fails, the guest hears it without the reason's place", () =>
  withFolder(async (folder) => {
    const backend = new SqliteBackend(folder);
    await inTask(async () => {
      await rows(await open(hostOf(backend)), "CREATE TABLE t (x)");
    });
    backend.close();
    await Deno.writeTextFile(`${folder}/functions/f/default.sqlite3`, "this is no database".repeat(1000));
    await inTask(async () => {
      const process = new SqlProcess(() => ({ connect: (...args) => backend.connect(...args) }));
      expect(await payloadOf(() => open(hostOf(process)))).toEqual({ tag: "io", val: "file is not a database" });
      expect(() => hostOf(backend)).toThrow(/opening the databases in .*: file is not a database/);
    });
  }));

Deno.test("SQL_URL says where the data is, and what cannot be opened is refused with what to do", async () => {
  const before = Deno.env.get("SQL_URL");
  const file = await Deno.makeTempFile();
  try {
    Deno.env.set("SQL_URL", "memory:");
    expect(openBackend()).toBeInstanceOf(SqliteBackend);
    Deno.env.set("SQL_URL", "libsql://{database}.example.com?authToken=t0p-s3cr3t");
    expect(openBackend()).toBeInstanceOf(LibsqlBackend);
    Deno.env.set("SQL_URL", "libsql://db.example.com?authToken=t0p-s3cr3t");
    expect(openBackend).toThrow(/^reading SQL_URL: every database.*\{database\}/);
    Deno.env.set("SQL_URL", "https://{database}:no-port?authToken=t0p-s3cr3t");
    expect(openBackend).toThrow(/^reading SQL_URL: it is no URL(?!.*s3cr3t)/);
    Deno.env.set("SQL_URL", `${file}/below`);
    expect(openBackend).toThrow(/opening the databases in .*below: .*--allow-write=.*SQL_URL/);
  } finally {
    if (before === undefined) Deno.env.delete("SQL_URL");
    else Deno.env.set("SQL_URL", before);
    await Deno.remove(file);
  }
});

Deno.test("a server that may not write says which permission is missing", async () => {
  const code = `import { openFolder } from ${JSON.stringify(import.meta.resolve("./sqlite.ts"))};
    try { openFolder(); } catch (error) { console.log(error.code, error.message); }`;
  const args = ["run", "--quiet", "--no-check", "--allow-read", "--allow-env", "--no-prompt", "--ext=ts", "-"];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" }).spawn();
  await new Blob([code]).stream().pipeTo(child.stdin);
  const said = new TextDecoder().decode((await child.output()).stdout);
  expect(said).toMatch(
    /^setting-invalid opening the databases in \.skerry\/sql: .*`deno task start:kv`.*--allow-write=\.skerry\/sql;.*SQL_URL/,
  );
});

Deno.test("a database of the grant may be where a variable says", async () => {
  const name = "SKERRY_TEST_SQL_URL";
  const process = new SqlProcess(() => {
    throw new Error("no folder is needed");
  });
  const databases = { default: { env: name } };
  expect(() => hostOf(process, "f", { databases })).toThrow(/f: its database "default".*SKERRY_TEST_SQL_URL.*not set/);
  Deno.env.set(name, "/etc/passwd");
  expect(() => hostOf(process, "f", { databases })).toThrow(/reading SKERRY_TEST_SQL_URL: it is no URL/);
  Deno.env.set(name, "http://127.0.0.1:1?authToken=t0p-s3cr3t");
  await inTask(async (records) => {
    const connection = await open(hostOf(process, "f", { databases }));
    expect(await payloadOf(() => rows(connection, "SELECT 1"))).toEqual({
      tag: "io",
      val: "the database server cannot be reached",
    });
    expect(JSON.stringify(records)).not.toContain("s3cr3t");
  });
  Deno.env.delete(name);
});

Deno.test("a malformed grant of sql is refused, and an empty one is a database of the function's own", () => {
  expect(sqlGrant.parse({})).toEqual({ databases: { default: true }, recursive: false });
  const bad = [
    { database: {} },
    { databases: ["default"] },
    { databases: { default: false } },
    { databases: { default: "" } },
    { databases: { default: "../x" } },
    { databases: { default: "Shop" } },
    { databases: { "../x": true } },
    { databases: { default: { url: "http://x" } } },
    { databases: { default: { env: "" } } },
    { recursive: "yes" },
  ];
  expect(bad.filter((grant) => sqlGrant.safeParse(grant).success)).toEqual([]);
});

Deno.test("the capability provides what it names", () => {
  const linked = sql.link({
    function: "f",
    directory: "/",
    env: {},
    grant: sqlGrant.parse({}),
    store: new SqlProcess(() => new SqliteBackend(undefined)),
  });
  expect(Object.keys(linked).sort()).toEqual([...sql.interfaces].sort());
});

Deno.test({
  name: `values, errors and rows of a real libSQL server${
    REAL_SERVER === undefined ? ": skipped, LIBSQL_TEST_URL names none" : ""
  }`,
  ignore: REAL_SERVER === undefined,
  fn: () =>
    inTask(async () => {
      const connection = await open(hostOf(new LibsqlBackend(() => REAL_SERVER!)));
      await rows(connection, "DROP TABLE IF EXISTS skerry_test");
      await rows(connection, "CREATE TABLE skerry_test (a, b, c, d, e)");
      const values = [-(2n ** 63n), 1.5, "é\u{1f3dd}", new Uint8Array([0, 255]), null];
      await rows(connection, "INSERT INTO skerry_test VALUES (?, ?, ?, ?, ?)", ...values);
      expect(await rows(connection, "SELECT * FROM skerry_test")).toEqual([values]);
      expect(await payloadOf(() => rows(connection, "SELEC"))).toMatchObject({ tag: "io" });
      expect(await rows(connection, "SELECT count(*) FROM skerry_test")).toEqual([[1n]]);
      connection[Symbol.dispose]();
    }),
});

Deno.test("every function of the WIT is there, and what is async may wait", async () => {
  const host = hostOf(new SqliteBackend(undefined));
  const folder = new URL("./wit/", import.meta.url);
  let count = 0;
  for await (const { name } of Deno.readDir(folder)) {
    for (const face of readWit(await Deno.readTextFile(new URL(name, folder)))) {
      for (const func of face.functions) {
        expect([face.name, func, typeof member(host[face.name]!, func)]).toEqual([face.name, func, "function"]);
        count++;
      }
      for (const func of face.asyncs) expect([func, mayWait(member(host[face.name]!, func))]).toEqual([func, true]);
    }
  }
  expect(count).toBe(10);
});
