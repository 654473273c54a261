import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { payloadOf } from "../_testing.ts";
import { hostOf, onEachBackend, onEachLocalBackend, open, patiently, rows } from "./_testing.ts";

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

onEachLocalBackend("a counter is exact when 100 tasks add to it at once", async (backend) => {
  const host = hostOf(backend);
  await rows(await open(host), "CREATE TABLE t AS SELECT 0 AS n");
  await Promise.all(Array.from({ length: 100 }, async () => {
    const task = new Task({ function: "f" });
    await withTask(task, async () => {
      const connection = await open(host);
      await patiently(() => rows(connection, "BEGIN IMMEDIATE"));
      const [[n]] = await rows(connection, "SELECT n FROM t") as [[bigint]];
      await Promise.resolve();
      await rows(connection, "UPDATE t SET n = ?", n + 1n);
      await rows(connection, "COMMIT");
    });
    task.end();
  }));
  expect(await rows(await open(host), "SELECT n FROM t")).toEqual([[100n]]);
});

onEachLocalBackend("of two transactions that wait for each other one hears so at once", async (backend) => {
  const host = hostOf(backend);
  const [first, second] = [await open(host), await open(host)];
  await rows(first, "CREATE TABLE t (x)");
  for (const connection of [first, second]) {
    await rows(connection, "BEGIN");
    await rows(connection, "SELECT * FROM t");
  }
  await rows(first, "INSERT INTO t VALUES (1)");
  const committed = rows(first, "COMMIT");
  expect(await payloadOf(() => rows(second, "INSERT INTO t VALUES (2)"))).toEqual({
    tag: "io",
    val: expect.stringContaining("BEGIN IMMEDIATE"),
  });
  await rows(second, "ROLLBACK");
  expect(await committed).toEqual([]);
  await rows(second, "INSERT INTO t VALUES (2)");
  expect(await rows(first, "SELECT sum(x) FROM t")).toEqual([[3n]]);
});
