import { expect } from "@std/expect";
import { expectAllOf, inTask, payloadOf } from "../_testing.ts";
import {
  type GuestConnection,
  hostOf,
  onEachBackend,
  onEachLocalBackend,
  open,
  REAL_SERVER,
  rows,
} from "./_testing.ts";
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
  const quoted = `SELECT :a, '?', "?", /* :b */ :a, ? FROM (SELECT 'x' AS "?")`;
  expect(await rows(connection, quoted, "1", "2")).toEqual([["1", "?", "x", "1", "2"]]);
  expect(await rows(connection, "SELECT :a, [:b] FROM (SELECT ':b' AS [:b]) WHERE :a = @c", "1", "1")).toEqual([
    ["1", ":b"],
  ]);
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
  expect(await rows(connection, "SELECT ?, ?", "a\0b", "\0")).toEqual([["a\0b", "\0"]]);
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
    // SQLite's own words, and those of libSQL's own parser.
    val: expect.stringMatching(/near "SELEC": syntax error|syntax error around L1:6: `SELEC`/),
  });
  expect(await payloadOf(() => rows(connection, "SELECT * FROM missing"))).toEqual({
    tag: "io",
    val: expect.stringContaining("no such table: missing"),
  });
  expect(await rows(connection, "SELECT 1")).toEqual([[1n]]);
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
  const host = hostOf(backend);
  const left: [statement: string, look: string, expected: unknown][] = [
    ["CREATE TEMP TABLE secret (x)", "SELECT count(*) FROM sqlite_temp_schema", 0n],
    ["CREATE TEMP VIEW secret AS SELECT 1", "SELECT count(*) FROM sqlite_temp_schema", 0n],
    ["CREATE VIRTUAL TABLE temp.secret USING rtree (id, low, high)", "SELECT count(*) FROM sqlite_temp_schema", 0n],
    ["PRAGMA temp.user_version = 7", "PRAGMA temp.user_version", 0n],
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
    Deno.env.set("SQL_URL", "redis://:t0p-s3cr3t@example.com");
    expect(openBackend).toThrow(/^reading SQL_URL: it begins with "redis:", which is not understood(?!.*s3cr3t)/);
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
    REAL_SERVER === undefined ? ": skipped, TEST_SQL_URL names none" : ""
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
  expect(await expectAllOf(new URL("./wit/", import.meta.url), hostOf(new SqliteBackend(undefined)))).toBe(10);
});
