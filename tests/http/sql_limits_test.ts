/**
 * Whole requests of guests whose statements have no end.
 *
 * @module
 */
import { expect } from "@std/expect";
import { blobOn, MemoryBackend } from "../../runtime/capabilities/blob/mod.ts";
import { MAX_HANDLES } from "../../runtime/capabilities/sql/database.ts";
import { SqliteBackend, sqlOn } from "../../runtime/capabilities/sql/mod.ts";
import { onEachEngine, serve } from "./_serve.ts";

const JOIN = "SELECT sum(a.x * b.x * c.x * d.x) FROM t a, t b, t c, t d";

onEachEngine(
  "a guest whose statement has no end meets its CPU time, and the rest of the server goes on",
  async (engine) => {
    const [databases, objects] = [new SqliteBackend(undefined), new MemoryBackend()];
    const grants = { sql: { databases: { default: "shared" } }, blob: {} };
    await using server = await serve({
      engine,
      capabilities: [sqlOn(() => databases), blobOn(() => objects)],
      guests: {
        quiet: { fixture: "c-data", grants },
        hostile: { fixture: "c-data", grants, limits: { cpuMs: 400 } },
        late: { fixture: "c-data", grants, limits: { wallMs: 300 } },
      },
    });
    const ask = async (guest: string, sql: string) => {
      const response = await server.fetch(`/${guest}/sql?${new URLSearchParams({ sql })}`.replaceAll("+", "%20"));
      return { status: response.status, text: await response.text() };
    };
    expect(await ask("quiet", "CREATE TABLE t (x)")).toMatchObject({ status: 200 });
    await ask(
      "quiet",
      "INSERT INTO t WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 1000) SELECT x FROM n",
    );
    const limited = async (guest: string) => {
      const { status, text } = await ask(guest, JOIN);
      return [status, JSON.parse(text).error.code];
    };
    let over = false;
    const hostile = Promise.all([limited("hostile"), limited("hostile")]).finally(() => over = true);
    let answered = 0;
    while (!over) {
      expect(await ask("quiet", "SELECT count(*) AS n FROM t")).toEqual({ status: 200, text: "n | 1000 " });
      if (!over) answered++;
    }
    expect(answered).toBeGreaterThan(2);
    expect(await hostile).toEqual([[504, "cpu-limit"], [504, "cpu-limit"]]);
    expect(await limited("late")).toEqual([504, "deadline-exceeded"]);
    // What they had of the database is given back: more than there are could not be left with them.
    const written = await Promise.all(
      Array.from({ length: 2 * MAX_HANDLES }, () => ask("quiet", "UPDATE t SET x = x WHERE x = 1")),
    );
    expect(written.filter(({ status, text }) => status !== 200 || text !== "")).toEqual([]);
    databases.close();
  },
);
