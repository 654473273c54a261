import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { inTask, payloadOf, withFolder } from "../_testing.ts";
import { hostOf, onEachBackend, onEachLocalBackend, open, rows } from "./_testing.ts";
import { MAX_RESULT_BYTES, MAX_RESULT_ROWS, MAX_SQL_BYTES, MAX_VALUE_BYTES } from "./backend.ts";
import { SqliteBackend } from "./sqlite.ts";
import { SqlProcess } from "./store.ts";

onEachBackend("statements, values and results are bounded", async (backend) => {
  const connection = await open(hostOf(backend));
  const bounded = (what: string) => ({ tag: "io", val: expect.stringContaining(what) });
  const numbers = (count: number) =>
    `WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT ${count}) SELECT x FROM n`;
  expect((await connection.execute(numbers(MAX_RESULT_ROWS), [])).rows.length).toBe(MAX_RESULT_ROWS);
  expect(await payloadOf(() => connection.execute(numbers(MAX_RESULT_ROWS + 1), []))).toEqual(bounded("rows; ask"));
  const million = "SELECT zeroblob(1000000) FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]')";
  expect(MAX_RESULT_BYTES).toBeLessThan(18_000_000);
  expect(await payloadOf(() => connection.execute(million, []))).toEqual({
    tag: "io",
    // A server may give less than we take.
    val: expect.stringMatching(/^the result has more (than \d+ bytes|bytes than the server gives); ask/),
  });
  expect(await payloadOf(() => rows(connection, `SELECT '${"x".repeat(MAX_SQL_BYTES)}'`))).toEqual(
    bounded("pass values as parameters"),
  );
  expect(await payloadOf(() => rows(connection, "SELECT ?", new Uint8Array(MAX_VALUE_BYTES + 1)))).toEqual(
    bounded("a parameter has more"),
  );
});

onEachLocalBackend("a value that SQLite makes is bounded, and so is a statement without end", async (backend) => {
  const connection = await open(hostOf(backend));
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
  // Also where that comes while a row is handed over, which takes most of the time of rows with many columns.
  for (let attempt = 0; attempt < 25; attempt++) {
    const task = new Task({ function: "f" });
    const columns = new Array(500).fill("x").join();
    const rowsOf = `WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 20) SELECT ${columns} FROM n`;
    // Prepared before, so that it is not ended for that.
    await connection.execute(rowsOf, []);
    task.cpuMs = task.limits.cpuMs;
    const payload = await withTask(task, () => payloadOf(() => connection.execute(rowsOf, [])));
    expect(payload).toEqual({ tag: "io", val: expect.stringContaining("limits.cpuMs") });
    task.end();
  }
});

Deno.test("a statement that takes long is named in the log", () =>
  inTask(async (records) => {
    for (const slowMs of [60_000, 0]) {
      const connection = await open(hostOf(new SqliteBackend(undefined, { slowMs })));
      await rows(connection, "SELECT ?", "s3cr3t");
    }
    expect(records.map(({ level, message }) => [level, message])).toEqual([
      ["warn", expect.stringMatching(/^sql: \d+ ms for SELECT \?$/)],
    ]);
  }));

Deno.test("a database that is full says so, and goes on with what it has", () =>
  withFolder(async (folder) => {
    const backend = new SqliteBackend(folder, { maxBytes: 200_000 });
    await inTask(async (_records, task) => {
      const connection = await open(hostOf(backend));
      await rows(connection, "CREATE TABLE t (x)");
      expect(await payloadOf(() => rows(connection, "INSERT INTO t VALUES (zeroblob(300000))"))).toEqual({
        tag: "database-full",
      });
      expect([...task.met]).toEqual([["sql.bytes", 1]]);
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
      const process = new SqlProcess(() => ({ connect: (id) => backend.connect(id) }));
      const connection = await open(hostOf(process));
      expect(await payloadOf(() => rows(connection, "SELECT 1"))).toEqual({ tag: "io", val: "file is not a database" });
      expect(() => hostOf(backend)).toThrow(/opening the databases in .*: file is not a database/);
    });
  }));

onEachLocalBackend("a statement that fails for the rows that it returns has changed nothing", async (backend) => {
  const connection = await open(hostOf(backend));
  await rows(connection, "CREATE TABLE t (x)");
  const numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100001) SELECT 0 FROM n";
  await rows(connection, `INSERT INTO t ${numbers}`);
  const refused = { tag: "io", val: expect.stringContaining("more than 100000 rows") };
  expect(await payloadOf(() => rows(connection, "UPDATE t SET x = 1 RETURNING x"))).toEqual(refused);
  expect(await rows(connection, "SELECT sum(x) FROM t")).toEqual([[0n]]);
  // A transaction is the guest's to end.
  await rows(connection, "BEGIN");
  await rows(connection, "INSERT INTO t VALUES (7)");
  expect(await payloadOf(() => rows(connection, "UPDATE t SET x = 1 RETURNING x"))).toEqual(refused);
  await rows(connection, "ROLLBACK");
  expect(await rows(connection, "SELECT count(*), sum(x) FROM t")).toEqual([[100_001n, 0n]]);
  await rows(connection, "UPDATE t SET x = 2");
  expect(await rows(connection, "PRAGMA integrity_check")).toEqual([["ok"]]);
});
