import { expect } from "@std/expect";
import { inTask, killAfter, withFolder } from "../_testing.ts";
import { hostOf, open, rows } from "./_testing.ts";
import { SqliteBackend } from "./sqlite.ts";

const WRITER = new URL("./_writer.ts", import.meta.url);

Deno.test("a process killed in the middle of transactions loses nothing acknowledged and doubles nothing", () =>
  withFolder(async (folder) => {
    let total = 0n;
    for (const count of [1, 25, 60]) {
      const acknowledged = await killAfter(count, WRITER, folder, `run ${count}`);
      const backend = new SqliteBackend(folder);
      await inTask(async () => {
        const connection = await open(hostOf(backend));
        const [[there]] = await rows(connection, "SELECT count(*) FROM entries WHERE run = ?", `run ${count}`) as [
          [bigint],
        ];
        // The round that the kill came into may have been committed without being acknowledged, once.
        expect([acknowledged, acknowledged + 1]).toContain(Number(there));
        total += there;
        expect(await rows(connection, "SELECT n FROM total")).toEqual([[total]]);
        expect(await rows(connection, "SELECT count(*) FROM entries")).toEqual([[total]]);
        expect(await rows(connection, "PRAGMA integrity_check")).toEqual([["ok"]]);
      });
      backend.close();
    }
  }));

Deno.test("two processes that write to one database lose nothing", () =>
  withFolder(async (folder) => {
    const acknowledged = await Promise.all([
      killAfter(30, WRITER, folder, "one"),
      killAfter(30, WRITER, folder, "two"),
    ]);
    const backend = new SqliteBackend(folder);
    await inTask(async () => {
      const connection = await open(hostOf(backend));
      const [[total]] = await rows(connection, "SELECT n FROM total") as [[bigint]];
      const sum = acknowledged[0]! + acknowledged[1]!;
      expect([sum, sum + 1, sum + 2]).toContain(Number(total));
      expect(await rows(connection, "SELECT count(*) FROM entries")).toEqual([[total]]);
    });
    backend.close();
  }));
