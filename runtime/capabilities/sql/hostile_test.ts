import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { Task } from "../../task.ts";
import { inTask, payloadOf, withFolder } from "../_testing.ts";
import { hostOf, onEachLocalBackend, open, rows } from "./_testing.ts";
import { MAX_HANDLES } from "./database.ts";
import { SqliteBackend } from "./sqlite.ts";

/** What computes for minutes at least, where nothing ends it. */
const ENDLESS: Readonly<Record<string, string>> = {
  "a join of everything with everything": "SELECT sum(a.x * b.x * c.x * d.x) FROM t a, t b, t c, t d",
  "a recursion": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n",
  "rows without end, none of which is returned":
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 0",
  "one pattern of LIKE": `SELECT 1 WHERE replace(hex(zeroblob(4000000)), '00', 'aa') LIKE '${"%a".repeat(200)}b'`,
  "one pattern of GLOB": `SELECT 1 WHERE replace(hex(zeroblob(4000000)), '00', 'aa') GLOB '${"*a".repeat(200)}b'`,
  "one instr()": "SELECT instr(zeroblob(8000000), cast(zeroblob(4000000) || 'x' AS BLOB))",
  "an insertion": "INSERT INTO t SELECT a.x FROM t a, t b, t c, t d WHERE a.x + b.x + c.x + d.x < 0",
  "an update": "UPDATE t SET x = (SELECT sum(a.x * b.x * c.x) FROM t a, t b, t c WHERE a.x > t.x - 1000)",
  "a trigger": "INSERT INTO fires SELECT 1",
  "views that double": "SELECT count(*) FROM v20 a, v20 b, v20 c",
  "statements that are only prepared": "EXPLAIN SELECT * FROM v20 a, v20 b, v20 c, v20 d",
};

/** What takes memory until it hears that there is no more. */
const GREEDY: readonly string[] = [
  "SELECT length(group_concat(hex(zeroblob(100000)))) FROM t",
  "SELECT json_group_array(hex(zeroblob(100000))) FROM t",
  "SELECT printf('%.*c', 2000000000, 'x')",
  "SELECT replace(replace(hex(zeroblob(4000000)), '0', 'xxxxxxxx'), 'x', 'yyyyyyyy')",
  "SELECT hex(hex(hex(hex(zeroblob(2000000)))))",
  "SELECT randomblob(1000000000)",
];

const SCHEMA: readonly string[] = [
  "CREATE TABLE t (x)",
  "INSERT INTO t WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 1000) SELECT x FROM n",
  "CREATE TABLE fires (x)",
  `CREATE TRIGGER f AFTER INSERT ON fires BEGIN
    INSERT INTO t SELECT a.x FROM t a, t b, t c, t d WHERE a.x + b.x + c.x + d.x < 0; END`,
  "CREATE VIEW v0 AS SELECT x FROM t",
  ...Array.from({ length: 20 }, (_, i) => `CREATE VIEW v${i + 1} AS SELECT * FROM v${i} UNION ALL SELECT * FROM v${i}`),
];

const CPU_MS = 150;

onEachLocalBackend("a statement without end meets its task's CPU time, and others run meanwhile", async (backend) => {
  const host = hostOf(backend);
  const neighbour = await open(host);
  for (const statement of SCHEMA) await rows(neighbour, statement);
  let others = 0, cpuMs = 0;
  for (const [what, statement] of Object.entries(ENDLESS)) {
    const task = new Task({ function: "f", limits: { ...DEFAULT_LIMITS, cpuMs: CPU_MS } });
    let turns = 0, over = false;
    const heart = (async () => {
      while (!over) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (!over) turns++;
      }
    })();
    const payload = await withTask(task, async () => {
      const connection = await open(host);
      await rows(connection, "BEGIN");
      await rows(connection, "CREATE TABLE mine (x)");
      await rows(connection, "INSERT INTO t VALUES (-1)");
      return await payloadOf(() => rows(connection, statement));
    });
    over = true;
    await heart;
    expect([what, payload]).toEqual([what, {
      tag: "io",
      val: `running f: no end after ${CPU_MS} ms of CPU time (limits.cpuMs)`,
    }]);
    expect([what, task.reason]).toEqual([what, expect.objectContaining({ code: "cpu-limit" })]);
    others += turns;
    cpuMs += task.cpuMs;
    // Nothing is left of the transaction, nor anything locked.
    expect(await rows(neighbour, "SELECT count(*), min(x) FROM t")).toEqual([[1000n, 1n]]);
    expect(await rows(neighbour, "SELECT count(*) FROM sqlite_schema WHERE name = 'mine'")).toEqual([[0n]]);
    await rows(neighbour, "UPDATE t SET x = x");
  }
  // In all, for a machine that is busy may take the processor away from any one of them. Each has dozens by itself.
  const statements = Object.keys(ENDLESS).length;
  expect([others > 5 * statements, cpuMs > CPU_MS / 2 * statements]).toEqual([true, true]);
  expect(await rows(neighbour, "PRAGMA integrity_check")).toEqual([["ok"]]);
});

onEachLocalBackend(
  "a statement that takes memory without end is refused more, and the next one runs",
  async (backend) => {
    const connection = await open(hostOf(backend));
    for (const statement of SCHEMA.slice(0, 2)) await rows(connection, statement);
    for (const statement of GREEDY) {
      const payload = await payloadOf(() => rows(connection, statement));
      expect([statement, payload]).toEqual([statement, {
        tag: "io",
        val: expect.stringMatching(/^out of memory: |too big$|the result has more/),
      }]);
      expect(await rows(connection, "SELECT count(*) FROM t")).toEqual([[1000n]]);
    }
  },
);

Deno.test("what is sorted has room beside the database, and no more than that", () =>
  withFolder(async (folder) => {
    for (const where of [folder, undefined]) {
      const backend = new SqliteBackend(where, { maxBytes: 12_000_000 });
      await inTask(async () => {
        const connection = await open(hostOf(backend));
        for (const statement of SCHEMA.slice(0, 2)) await rows(connection, statement);
        const sorted = (count: number) =>
          `SELECT count(*) FROM (SELECT randomblob(1000000) AS y FROM t WHERE x <= ${count} ORDER BY y LIMIT -1 OFFSET 1)`;
        expect(await rows(connection, sorted(9))).toEqual([[8n]]);
        expect(await payloadOf(() => rows(connection, sorted(40)))).toEqual({ tag: "database-full" });
        expect(await rows(connection, "SELECT count(*) FROM t")).toEqual([[1000n]]);
      });
      backend.close();
    }
  }));

onEachLocalBackend(
  "a statement ends with the task that asked, and what it has written is rolled back",
  async (backend) => {
    const host = hostOf(backend);
    const neighbour = await open(host);
    for (const statement of SCHEMA.slice(0, 2)) await rows(neighbour, statement);
    const writes = "INSERT INTO t SELECT a.x + b.x + c.x FROM t a, t b, t c";
    for (const how of ["deadline", "caller"]) {
      const caller = new AbortController();
      const task = new Task({ function: "f", wallMs: how === "deadline" ? 60 : 60_000, caller: caller.signal });
      const payload = withTask(task, async () => {
        const connection = await open(host);
        return await payloadOf(() => rows(connection, writes));
      });
      if (how === "caller") setTimeout(() => caller.abort(), 30);
      expect([how, await payload]).toEqual([how, {
        tag: "io",
        val: expect.stringMatching(how === "deadline" ? /limits\.wallMs/ : /the caller has left/),
      }]);
      expect(await rows(neighbour, "SELECT count(*), sum(x) FROM t")).toEqual([[1000n, 500_500n]]);
      await rows(neighbour, "UPDATE t SET x = x");
    }
    expect(await rows(neighbour, "PRAGMA integrity_check")).toEqual([["ok"]]);
  },
);

Deno.test("as many guests as like have a database open, and those that compute share it", () =>
  inTask(async () => {
    const host = hostOf(new SqliteBackend(undefined));
    const first = await open(host);
    await rows(first, "CREATE TABLE t (x)");
    await Promise.all(Array.from({ length: 10 * MAX_HANDLES }, async (_, i) => {
      const task = new Task({ function: "f" });
      await withTask(task, async () => {
        const connection = await open(host);
        await rows(connection, "INSERT INTO t VALUES (?)", BigInt(i));
        await new Promise((resolve) => setTimeout(resolve, 1));
        // Whichever connection of SQLite it is by now.
        const rowid = await connection.lastInsertRowid();
        expect(await rows(connection, "SELECT x FROM t WHERE rowid = ?", rowid)).toEqual([[BigInt(i)]]);
        expect(await rows(connection, "SELECT last_insert_rowid()")).toEqual([[rowid]]);
      });
      task.end();
    }));
    expect(await rows(first, "SELECT count(*) FROM t")).toEqual([[10n * BigInt(MAX_HANDLES)]]);
  }));

Deno.test("what a guest left who was ended is rolled back in nobody's time, however much it is", () =>
  withFolder(async (folder) => {
    const backend = new SqliteBackend(folder);
    const host = hostOf(backend);
    await inTask(async () => {
      const first = await open(host);
      await rows(first, "CREATE TABLE t (x)");
      await rows(first, "INSERT INTO t SELECT randomblob(1000000) FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12]')");
      first[Symbol.dispose]();
    });
    const hostile = new Task({ function: "f" });
    await withTask(hostile, async () => {
      const connection = await open(host);
      await rows(connection, "BEGIN");
      // More than a connection keeps in its memory.
      await rows(connection, "UPDATE t SET x = zeroblob(1000000)");
    });
    hostile.end();
    // Nobody asks for it.
    const journal = `${folder}/functions/f/default.sqlite3-journal`;
    const isThere = async () => ((await Deno.readFile(journal))[0] ?? 0) !== 0;
    for (let looks = 0; looks < 2000 && await isThere(); looks++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await isThere()).toBe(false);
    await inTask(async () => {
      const left = await rows(await open(host), "SELECT count(*), sum(x = zeroblob(1000000)) FROM t");
      expect(left).toEqual([[12n, 0n]]);
    });
    backend.close();
  }));

/** Tables of which each is filled when the one before it is. */
async function chainOfTriggers(connection: Parameters<typeof rows>[0], length: number, last: string): Promise<void> {
  await rows(connection, "BEGIN");
  for (let i = 0; i <= length; i++) await rows(connection, `CREATE TABLE t${i} (x)`);
  for (let i = 0; i < length; i++) {
    await rows(
      connection,
      `CREATE TRIGGER r${i} AFTER INSERT ON t${i} BEGIN INSERT INTO t${i + 1} SELECT ${
        i === length - 1 ? last : "new.x"
      }; END`,
    );
  }
  await rows(connection, "COMMIT");
}

Deno.test("a view that is nested deeper than V8's stack is the guest's own mistake, and the next statement runs", () =>
  inTask(async (records) => {
    const backend = new SqliteBackend(undefined);
    const connection = await open(hostOf(backend));
    await rows(connection, "BEGIN");
    await rows(connection, "CREATE VIEW v0 AS SELECT 1 AS x");
    for (let i = 0; i < 490; i++) {
      const deeper = `${"(SELECT ".repeat(10)} (SELECT max(x) FROM v${i}) ${")".repeat(10)}`;
      await rows(connection, `CREATE VIEW v${i + 1} AS SELECT ${deeper} AS x`);
    }
    await rows(connection, "COMMIT");
    const payload = await payloadOf(() => rows(connection, "SELECT * FROM v490"));
    expect(payload).toEqual({ tag: "io", val: expect.stringMatching(/nested too deep$/) });
    expect(records).toEqual([]);
    expect(await rows(connection, "SELECT x FROM v1")).toEqual([[1n]]);
    backend.close();
  }));

Deno.test("what is nested too deep for SQLite's stack is refused, and what it has room for is computed", () =>
  inTask(async () => {
    const deep = `${"(2 BETWEEN 0 AND ".repeat(490)}new.x${")".repeat(490)}`;
    for (const [length, last] of [[200, deep], [700, "new.x"]] as const) {
      const backend = new SqliteBackend(undefined);
      const connection = await open(hostOf(backend));
      await chainOfTriggers(connection, length, last);
      const filled = async () => {
        await rows(connection, "INSERT INTO t0 VALUES (3)");
        return await rows(connection, `SELECT x FROM t${length}`);
      };
      // Some engines' own stack is full before that.
      const outcome = await filled().catch(({ payload }) => payload);
      const refused = { tag: "io", val: expect.stringMatching(/is nested too deep$/) };
      expect(length === 200 ? [[[0n]], refused] : [refused]).toContainEqual(outcome);
      expect(await rows(connection, "PRAGMA integrity_check")).toEqual([["ok"]]);
      backend.close();
    }
  }));
