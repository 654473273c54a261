import { expect } from "@std/expect";
import { inTask } from "../../_testing.ts";
import { Handle } from "../database.ts";
import { run } from "../statement.ts";
import type { DatabaseFiles, DataFile } from "./files.ts";
import { Locks } from "./locks.ts";

/** What is written at once, or not at all, when power is lost. */
const SECTOR = 512;

/** A disk that stops working after so many writes, truncations and syncs. */
class Disk {
  #left = Infinity;
  readonly data = new DiskFile(this);
  readonly journal = new DiskFile(this);

  files(): DatabaseFiles {
    return {
      data: this.data,
      journal: this.journal,
      locks: new Locks(undefined),
      temporary: () => new DiskFile(new Disk()),
      close: () => {},
    };
  }

  failAfter(operations: number): void {
    this.#left = operations;
  }

  spend(): void {
    if (--this.#left < 0) throw new Error("the disk is gone");
  }

  /** It works again, with what was written, or with no more than what was synced and `lucky` parts of the rest. */
  repair(lucky?: () => boolean): void {
    this.#left = Infinity;
    for (const file of [this.data, this.journal]) file.repair(lucky);
  }
}

/** Bytes of a file, up to a size that none here reaches. */
class Content {
  readonly bytes: Uint8Array = new Uint8Array(512 * 1024);
  size = 0;

  write(part: Uint8Array, at: number): void {
    this.bytes.set(part, at);
    this.size = Math.max(this.size, at + part.length);
  }

  truncate(size: number): void {
    this.bytes.fill(0, Math.min(size, this.size), this.size);
    this.size = size;
  }
}

class DiskFile implements DataFile {
  readonly #disk: Disk;
  readonly #now = new Content();
  /** What of it no loss of power takes, and what was done since. */
  readonly #synced = new Content();
  #since: ((content: Content) => void)[] = [];

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  read(into: Uint8Array, at: number): number {
    const { bytes, size } = this.#now;
    const part = bytes.subarray(at, Math.max(at, Math.min(size, at + into.length)));
    into.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, at: number): void {
    this.#disk.spend();
    for (let from = 0; from < bytes.length;) {
      const to = Math.min(bytes.length, from + SECTOR - (at + from) % SECTOR);
      const part = bytes.slice(from, to), place = at + from;
      this.#do((content) => content.write(part, place));
      from = to;
    }
  }

  truncate(size: number): void {
    this.#disk.spend();
    this.#do((content) => content.truncate(size));
  }

  size(): number {
    return this.#now.size;
  }

  sync(): void {
    this.#disk.spend();
    for (const change of this.#since) change(this.#synced);
    this.#since = [];
  }

  close(): void {}

  repair(lucky: () => boolean = () => true): void {
    for (const change of this.#since) if (lucky()) change(this.#synced);
    this.#since = [];
    this.#now.bytes.set(this.#synced.bytes);
    this.#now.size = this.#synced.size;
  }

  #do(change: (content: Content) => void): void {
    this.#since.push(change);
    change(this.#now);
  }
}

/** The same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const open = (disk: Disk): Handle => new Handle(disk.files(), 2 ** 24);

async function all(handle: Handle, sql: string): Promise<unknown[][]> {
  const { rows } = await run(handle, sql, []);
  return rows.map(({ values }) => values.map((value) => value.tag === "null" ? null : value.val));
}

const SETUP: readonly string[] = [
  "CREATE TABLE entries (round INTEGER PRIMARY KEY, body BLOB)",
  "CREATE TABLE total (n INTEGER)",
  "INSERT INTO total VALUES (0)",
  "CREATE INDEX bodies ON entries (body)",
];

/** One larger than the cut journal that is kept, and small ones after it, so that old records lie behind new ones. */
const BODIES: readonly number[] = [120_000, 3000, 40_000];

/** Does what can be done until the disk is gone, and answers how much was acknowledged. */
async function work(disk: Disk): Promise<number> {
  const handle = open(disk);
  let acknowledged = 0;
  try {
    for (const bytes of BODIES) {
      for (
        const statement of [
          "BEGIN IMMEDIATE",
          `INSERT INTO entries (body) VALUES (randomblob(${bytes}))`,
          "UPDATE entries SET body = randomblob(length(body)) WHERE round = 1",
          "UPDATE total SET n = n + 1",
          "COMMIT",
        ]
      ) await run(handle, statement, []);
      acknowledged++;
    }
  } catch {
    // The disk is gone.
  }
  handle.instance.abandon();
  return acknowledged;
}

const HALF = random(7);

/** What of the writes that were not synced is there afterwards: all, nothing, or some. */
const SPARED: Readonly<Record<string, (() => boolean) | undefined>> = {
  "a process that dies": undefined,
  "a loss of power": () => false,
  "a loss of power that spares half": () => HALF() < 0.5,
};

for (const [what, lucky] of Object.entries(SPARED)) {
  Deno.test(`after ${what}, at whatever write, what was acknowledged is there, whole`, () =>
    inTask(async () => {
      let failures = 0;
      for (let operations = 0;; operations += 1 + Math.floor(operations / 30)) {
        const disk = new Disk();
        const first = open(disk);
        for (const statement of SETUP) await run(first, statement, []);
        first.instance.abandon();
        disk.failAfter(operations);
        const acknowledged = await work(disk);
        disk.repair(lucky);
        const handle = open(disk);
        const [[n]] = await all(handle, "SELECT n FROM total") as [[bigint]];
        // The one that was being committed may be there or not.
        const more = Number(n) - acknowledged;
        expect([operations, more === 0 || more === 1]).toEqual([operations, true]);
        expect(await all(handle, "SELECT length(body) FROM entries ORDER BY round")).toEqual(
          BODIES.slice(0, Number(n)).map((bytes) => [BigInt(bytes)]),
        );
        expect([operations, await all(handle, "PRAGMA integrity_check")]).toEqual([operations, [["ok"]]]);
        await run(handle, "UPDATE total SET n = 0", []);
        handle.instance.abandon();
        if (acknowledged === BODIES.length) break;
        failures++;
      }
      expect(failures).toBeGreaterThan(30);
    }));
}
