import { expect } from "@std/expect";
import { inTask, payloadOf } from "../../_testing.ts";
import { Handle } from "../database.ts";
import { run } from "../statement.ts";
import { type DatabaseFiles, type DataFile, inMemory } from "./files.ts";

/** Files on a disk that is full as long as `isFull` says so, as Deno says it. */
function filesOn(isFull: () => boolean): DatabaseFiles {
  const files = inMemory();
  const limited = (file: DataFile): DataFile => ({
    read: (into, at) => file.read(into, at),
    write(bytes, at) {
      if (isFull()) throw Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
      file.write(bytes, at);
    },
    truncate: (size) => file.truncate(size),
    size: () => file.size(),
    sync: () => file.sync(),
    close: () => file.close(),
  });
  return { ...files, data: limited(files.data), journal: limited(files.journal) };
}

Deno.test("a disk that is full is a database that is full to the guest, and is named to the operator", () =>
  inTask(async (records) => {
    let full = false;
    const handle = new Handle(filesOn(() => full), 2 ** 24);
    const query = async (sql: string) => await run(handle, sql, []);
    const count = async () => (await query("SELECT count(*), sum(length(x)) FROM t")).rows;
    await query("CREATE TABLE t (x)");
    await query("INSERT INTO t VALUES (zeroblob(10000))");
    const before = await count();
    full = true;
    expect(await payloadOf(() => query("INSERT INTO t VALUES (zeroblob(100000))"))).toEqual({ tag: "database-full" });
    expect(records.map(({ level, message }) => [level, message])).toEqual([
      ["error", "sql: the disk of the databases is full: No space left on device (os error 28)"],
    ]);
    full = false;
    expect(await count()).toEqual(before);
    await query("INSERT INTO t VALUES (1)");
    // Nobody is told of the disk again where it is the database that has as much as it may.
    expect(await payloadOf(() => query("INSERT INTO t SELECT zeroblob(9000000) FROM t"))).toEqual({
      tag: "database-full",
    });
    expect(records.length).toBe(1);
    expect((await query("PRAGMA integrity_check")).rows).toEqual([{ values: [{ tag: "text", val: "ok" }] }]);
  }));
