import { expect } from "@std/expect";
import { join } from "node:path";
import { hostOf, inTask, open, rows, withFolder } from "./_testing.ts";
import { SqliteBackend } from "./sqlite.ts";

/** Runs the writer, kills it once it has acknowledged `count` rounds, and resolves to how many it acknowledged in all. */
async function killAfter(folder: string, run: string, count: number): Promise<number> {
  const writer = join(import.meta.dirname!, "_writer.ts");
  const args = ["run", "--quiet", "--no-check", "-A", writer, folder, run];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
  let said = "";
  let killed = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += chunk;
    // Once: there may be more to read from a process that is gone.
    if (!killed && said.split("\n").length > count) child.kill("SIGKILL");
    killed ||= said.split("\n").length > count;
  }
  const { code, signal } = await child.status;
  expect([code, signal, said]).toEqual([137, "SIGKILL", said]);
  // What follows the last newline was not said to its end.
  return said.split("\n").length - 1;
}

Deno.test("a process killed in the middle of transactions loses nothing acknowledged and doubles nothing", () =>
  withFolder(async (folder) => {
    let total = 0n;
    for (const count of [1, 25, 60]) {
      const acknowledged = await killAfter(folder, `run ${count}`, count);
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
    const acknowledged = await Promise.all([killAfter(folder, "one", 30), killAfter(folder, "two", 30)]);
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
