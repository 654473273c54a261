import { DatabaseSync } from "node:sqlite";
import { expect } from "@std/expect";
import { inTask, payloadOf, withFolder } from "../../_testing.ts";
import { hostOf, open, patiently, rows } from "../_testing.ts";
import { Handle } from "../database.ts";
import { SqliteBackend } from "../sqlite.ts";
import { run } from "../statement.ts";
import { BUSY, EXCLUSIVE, NONE, OK, RESERVED, SHARED } from "./codes.ts";
import { type DatabaseFiles, inMemory, makeFolder, onDisk } from "./files.ts";

const OPENED: Readonly<Record<string, (folder: string) => DatabaseFiles>> = {
  "on a disk": (folder) => onDisk(`${folder}/x.sqlite3`),
  "in memory": () => inMemory(),
};

Deno.test("a new folder's name is synced, with those above it that are new", () =>
  withFolder((folder) => {
    const syncedFor = (path: string) => {
      const synced: string[] = [];
      makeFolder(`${folder}/${path}`, (above) => synced.push(above.slice(folder.length)));
      return synced;
    };
    expect(syncedFor("a/b/c")).toEqual(["/a/b", "/a", ""]);
    expect(syncedFor("a/b/c")).toEqual([]);
    expect(syncedFor("a/b/d")).toEqual(["/a/b"]);
    return Promise.resolve();
  }));

for (const [where, openFiles] of Object.entries(OPENED)) {
  Deno.test(`a file ${where} has what was written, zeros between, and nothing behind its end`, () =>
    withFolder((folder) => {
      const files = openFiles(folder);
      for (const file of [files.data, files.journal, files.temporary()]) {
        const expected = new Uint8Array(300_000);
        let size = 0, state = 1;
        const next = (below: number) => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % below;
        for (let i = 0; i < 300; i++) {
          const at = next(200_000), length = next(i % 10 === 0 ? 90_000 : 5000);
          if (i % 7 === 0) {
            file.truncate(size = next(size + 1));
            expected.fill(0, size);
          } else {
            const bytes = crypto.getRandomValues(new Uint8Array(Math.min(length, 65_536)));
            file.write(bytes, at);
            expected.set(bytes, at);
            if (bytes.length > 0) size = Math.max(size, at + bytes.length);
          }
          expect(file.size()).toBe(size);
          const into = new Uint8Array(next(70_000)), from = next(250_000);
          const count = file.read(into, from);
          expect(count).toBe(Math.max(0, Math.min(into.length, size - from)));
          // Comparing arrays byte by byte takes `expect` a second.
          expect(into.subarray(0, count).every((byte, i) => byte === expected[from + i])).toBe(true);
        }
        file.sync();
      }
      files.close();
      return Promise.resolve();
    }));
}

Deno.test("a temporary file is nowhere to be found", () =>
  withFolder((folder) => {
    const files = onDisk(`${folder}/x.sqlite3`);
    const file = files.temporary();
    file.write(new Uint8Array(10), 0);
    if (Deno.build.os !== "windows") expect([...Deno.readDirSync(folder)].length).toBe(3);
    file.close();
    expect([...Deno.readDirSync(folder)].map(({ name }) => name).sort()).toEqual([
      "x.sqlite3",
      "x.sqlite3-journal",
      "x.sqlite3-lock",
    ]);
    files.close();
    return Promise.resolve();
  }));

Deno.test("who has opened a file twice meets himself in its locks, as another process would", () =>
  withFolder((folder) => {
    const [one, two] = [onDisk(`${folder}/x.sqlite3`), onDisk(`${folder}/x.sqlite3`)];
    for (const [ours, theirs] of [[one.locks, one.locks], [one.locks, two.locks]] as const) {
      const a = { level: NONE }, b = { level: NONE }, c = { level: NONE };
      expect([ours.lock(a, SHARED), theirs.lock(b, SHARED)]).toEqual([OK, OK]);
      expect(theirs.isReserved()).toBe(false);
      expect([ours.lock(a, RESERVED), theirs.lock(b, RESERVED)]).toEqual([OK, BUSY]);
      expect([ours.isReserved(), theirs.isReserved()]).toEqual([true, true]);
      // Who writes waits for those who read, and nobody else begins to.
      expect([ours.lock(a, EXCLUSIVE), theirs.lock(c, SHARED)]).toEqual([BUSY, BUSY]);
      expect(theirs.unlock(b, NONE)).toBe(OK);
      expect([ours.lock(a, EXCLUSIVE), theirs.lock(b, SHARED)]).toEqual([OK, BUSY]);
      expect([ours.unlock(a, SHARED), theirs.lock(b, SHARED)]).toEqual([OK, OK]);
      expect(ours.isReserved()).toBe(false);
      // A journal that was left behind is rolled back by one of those who find it; the others have to wait.
      expect([theirs.lock(b, EXCLUSIVE), ours.lock(a, EXCLUSIVE), ours.isReserved()]).toEqual([BUSY, BUSY, false]);
      expect([ours.unlock(a, NONE), theirs.lock(b, EXCLUSIVE), ours.lock(a, SHARED)]).toEqual([OK, OK, BUSY]);
      expect([theirs.unlock(b, NONE), ours.lock(a, SHARED), ours.unlock(a, NONE)]).toEqual([OK, OK, OK]);
    }
    one.close();
    two.close();
    return Promise.resolve();
  }));

Deno.test({
  name:
    "a journal that another program has deleted is one for all processes again, and nothing is written to a deleted file",
  // There nobody deletes a file that is open.
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      await Deno.mkdir(`${folder}/functions/f`, { recursive: true });
      const path = `${folder}/functions/f/default.sqlite3`;
      const backend = new SqliteBackend(folder);
      await inTask(async (records) => {
        const connection = await open(hostOf(backend));
        await rows(connection, "CREATE TABLE t (x)");
        const shell = new DatabaseSync(path);
        shell.exec("INSERT INTO t VALUES (1)");
        shell.close();
        const other = onDisk(path);
        await rows(connection, "BEGIN IMMEDIATE");
        await rows(connection, "INSERT INTO t VALUES (2)");
        const holder = { level: NONE };
        expect([other.locks.lock(holder, SHARED), other.locks.lock(holder, RESERVED)]).toEqual([OK, BUSY]);
        // It is there to be rolled back.
        expect(other.journal.size()).toBeGreaterThan(0);
        other.locks.unlock(holder, NONE);
        await rows(connection, "COMMIT");
        // Who only reads looks for one as well.
        Deno.removeSync(`${path}-journal`);
        const later = onDisk(path);
        later.journal.write(new Uint8Array([1]), 0);
        const first = new Uint8Array(1);
        other.renewJournal!();
        expect([other.journal.read(first, 0), first[0]]).toEqual([1, 1]);
        later.journal.truncate(0);
        later.close();
        other.close();
        expect(await rows(connection, "SELECT sum(x) FROM t")).toEqual([[3n]]);
        Deno.removeSync(path);
        expect(await payloadOf(() => rows(connection, "INSERT INTO t VALUES (3)"))).toEqual({
          tag: "io",
          val: "the database failed",
        });
        expect(records.at(-1)!.message).toMatch(/default\.sqlite3: it was deleted or replaced while it is open/);
      });
      backend.close();
    }),
});

Deno.test("a file with a write-ahead log is taken over, once nobody else uses it", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/functions/f`, { recursive: true });
    const path = `${folder}/functions/f/default.sqlite3`;
    const old = new DatabaseSync(path);
    old.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (7); BEGIN; SELECT * FROM t");
    const backend = new SqliteBackend(folder);
    expect(() => hostOf(backend)).toThrow(/default\.sqlite3 has a write-ahead log, .*Stop/);
    old.exec("COMMIT");
    old.close();
    await inTask(async () => {
      const connection = await open(hostOf(backend));
      expect(await rows(connection, "SELECT x FROM t")).toEqual([[7n]]);
      await rows(connection, "INSERT INTO t VALUES (8)");
      expect(await rows(connection, "PRAGMA journal_mode")).toEqual([["delete"]]);
    });
    backend.close();
    // What Skerry has written is a file that others read when it does not.
    const after = new DatabaseSync(path);
    expect(after.prepare("SELECT count(*) AS n FROM t").get()).toEqual({ n: 2 });
    after.close();
  }));

Deno.test("servers that share a folder count exactly, and roll back what the others have left", () =>
  withFolder(async (folder) => {
    // Each opens its files itself, and locks them against the others, as those in other processes do.
    const backends = [0, 1, 2].map(() => new SqliteBackend(folder));
    await inTask(async () => {
      const hosts = backends.map((backend) => hostOf(backend, "f", { databases: { default: "shared" } }));
      const first = await open(hosts[0]!);
      await rows(first, "CREATE TABLE t (id INTEGER PRIMARY KEY, n, filler)");
      await rows(first, "INSERT INTO t VALUES (1, 0, zeroblob(3000000))");
      await Promise.all(hosts.flatMap((host) =>
        Array.from({ length: 4 }, async () => {
          const connection = await open(host);
          for (let i = 0; i < 5; i++) {
            await patiently(() => rows(connection, "BEGIN IMMEDIATE"));
            const [[n]] = await rows(connection, "SELECT n FROM t") as [[bigint]];
            await Promise.resolve();
            await rows(connection, "UPDATE t SET n = ?", n + 1n);
            await rows(connection, "COMMIT");
          }
          connection[Symbol.dispose]();
        })
      ));
      expect(await rows(first, "SELECT n FROM t")).toEqual([[60n]]);
    });
    backends.forEach((backend) => backend.close());
  }));

Deno.test("a statement that cannot look for new tables waits until it can", () =>
  withFolder(async (folder) => {
    const backends = [0, 1].map(() => new SqliteBackend(folder));
    await inTask(async () => {
      const [one, two] = await Promise.all(backends.map((backend) => open(hostOf(backend))));
      expect(await rows(two!, "SELECT count(*) FROM sqlite_schema")).toEqual([[0n]]);
      await rows(one!, "CREATE TABLE t (x)");
      const third = onDisk(`${folder}/functions/f/default.sqlite3`);
      const holder = { level: NONE };
      expect([third.locks.lock(holder, SHARED), third.locks.lock(holder, EXCLUSIVE)]).toEqual([OK, OK]);
      const waiting = rows(two!, "SELECT count(*) FROM t");
      third.locks.unlock(holder, NONE);
      expect(await waiting).toEqual([[0n]]);
      third.close();
    });
    backends.forEach((backend) => backend.close());
  }));

Deno.test("a journal that was left behind is rolled back, though its writer's lock has not fallen yet", () =>
  withFolder(async (folder) => {
    const path = `${folder}/x.sqlite3`;
    const [one, two] = [onDisk(path), onDisk(path)];
    await inTask(async () => {
      const writer = new Handle(one, 2 ** 30);
      await run(writer, "CREATE TABLE t (x)", []);
      await run(writer, "INSERT INTO t SELECT zeroblob(1000000) FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12]')", []);
      await run(writer, "BEGIN", []);
      // More than a connection keeps in its memory: half of it is in the file now.
      await run(writer, "UPDATE t SET x = randomblob(1000000)", []);
      writer.instance.abandon();
      // Where a process dies, the system takes its locks one by one.
      const dying = Deno.openSync(`${path}-journal`, { read: true, write: true });
      expect(dying.tryLockSync(true)).toBe(true);
      const reader = new Handle(two, 2 ** 30);
      const { rows } = await run(reader, "SELECT count(*), sum(x = zeroblob(1000000)) FROM t", []);
      expect(rows[0]!.values).toEqual([{ tag: "integer", val: 12n }, { tag: "integer", val: 12n }]);
      dying.close();
      reader.instance.abandon();
    });
    one.close();
    two.close();
  }));
