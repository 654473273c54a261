/**
 * A process that writes to a database and says what was acknowledged, until it is killed. For `durability_test.ts`.
 *
 * @module
 */
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { hostOf, open, patiently, rows } from "./_testing.ts";
import { SqliteBackend } from "./sqlite.ts";

const host = hostOf(new SqliteBackend(Deno.args[0]));
const encoder = new TextEncoder();

await withTask(new Task({ function: "f", wallMs: 3_600_000 }), async () => {
  const connection = await patiently(() => open(host));
  for (const table of ["entries (round INTEGER PRIMARY KEY, run TEXT)", "total (n INTEGER)"]) {
    await patiently(() => rows(connection, `CREATE TABLE IF NOT EXISTS ${table}`));
  }
  const run = Deno.args[1]!;
  for (let i = 1;; i++) {
    await patiently(() => rows(connection, "BEGIN IMMEDIATE"));
    await rows(connection, "INSERT INTO entries (run) VALUES (?)", run);
    if (i === 1) await rows(connection, "INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT * FROM total)");
    await rows(connection, "UPDATE total SET n = n + 1");
    await rows(connection, "COMMIT");
    Deno.stdout.writeSync(encoder.encode(`${i}\n`));
  }
});
