/**
 * The files of one database: on a disk, or in memory.
 *
 * @module
 */
import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import process from "node:process";
import { dirname, resolve } from "node:path";
import { type Lockable, Locks } from "./locks.ts";

/** Bytes that SQLite reads and writes by their place. */
export interface DataFile {
  /** Reads as much as there is, and answers how much that was. */
  read(into: Uint8Array, at: number): number;
  write(bytes: Uint8Array, at: number): void;
  truncate(size: number): void;
  size(): number;
  /** Returns when what was written is where no loss of power takes it. */
  sync(): void;
  close(): void;
}

/** A database as its connections share it. */
export interface DatabaseFiles {
  readonly data: DataFile;
  readonly journal: DataFile;
  readonly locks: Locks;
  /** Makes the journal anew, unless somebody writes it here, where another program has deleted it. */
  renewJournal?(): void;
  /** A file that is gone when it is closed. */
  temporary(): DataFile;
  close(): void;
}

const WAL_BYTE_AT = 18;
const WAL = 2;

/**
 * Opens the files of the database at `path`, and makes those that are missing. Beside it lie `-journal` and `-lock`, which
 * stay there: they are what processes lock.
 */
export function onDisk(path: string): DatabaseFiles {
  const opened: Deno.FsFile[] = [];
  try {
    const open = (name: string): Deno.FsFile => {
      const file = Deno.openSync(name, { read: true, write: true, create: true });
      opened.push(file);
      return file;
    };
    const data = open(path), turn = open(`${path}-lock`);
    // First, for it deletes a journal by its name.
    convert(path, data, turn);
    const journal = new Journal(path);
    syncFolder(dirname(path));
    return {
      data: new DiskFile(data),
      journal,
      locks: new Locks({ readers: data, writer: new Writer(path, data, journal), turn }),
      renewJournal: () => journal.renew(),
      temporary: () => temporaryFile(path),
      close: () => {
        opened.forEach((file) => file.close());
        journal.close();
      },
    };
  } catch (error) {
    for (const file of opened) file.close();
    throw error;
  }
}

/** A database that is gone with the process. */
export function inMemory(): DatabaseFiles {
  return {
    data: new MemoryFile(),
    journal: new MemoryFile(),
    locks: new Locks(undefined),
    temporary: () => new MemoryFile(),
    close: () => {},
  };
}

/**
 * Makes a folder and those above it, so that their names outlive a loss of power as well.
 *
 * @param sync Given each folder that has a new one in it.
 */
export function makeFolder(path: string, sync: (folder: string) => void = syncFolder): void {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  for (let made = resolve(path); made.length >= resolve(first).length; made = dirname(made)) sync(dirname(made));
}

/** What a file's name is worth after a loss of power, where a folder can be synced. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // Not every system has folders that can be opened.
  }
}

/**
 * A file with a write-ahead log needs memory that its connections share, which instances of WebAssembly have not: SQLite
 * as Deno has it writes the log into the file, once.
 */
function convert(path: string, data: Deno.FsFile, turn: Deno.FsFile): void {
  if (!hasLog(data)) return;
  const why = `${path} has a write-ahead log`;
  if (!turn.tryLockSync(true)) throw new Error(`${why}, and another process is using it. Stop that one first`);
  try {
    if (!data.tryLockSync(true)) throw new Error(`${why}, and another process is using it. Stop that one first`);
    // Another process may just have done it.
    if (!hasLog(data)) return;
    const sqlite = process.getBuiltinModule?.("node:sqlite");
    if (sqlite === undefined) {
      throw new Error(`${why}. Take it away with: sqlite3 ${path} 'PRAGMA journal_mode=DELETE'`);
    }
    const database = new sqlite.DatabaseSync(path);
    try {
      database.exec("PRAGMA journal_mode = DELETE");
    } catch (cause) {
      throw new Error(`${why}, which cannot be taken away: ${(cause as Error).message}. Stop who else uses it`, {
        cause,
      });
    } finally {
      database.close();
    }
    if (hasLog(data)) throw new Error(`${why}, and another process is using it. Stop that one first`);
  } finally {
    data.unlockSync();
    turn.unlockSync();
  }
}

function hasLog(file: Deno.FsFile): boolean {
  const byte = new Uint8Array(1);
  file.seekSync(WAL_BYTE_AT, Deno.SeekMode.Start);
  return file.readSync(byte) === 1 && byte[0] === WAL;
}

function temporaryFile(path: string): DataFile {
  const name = `${path}-${crypto.randomUUID()}.tmp`;
  const file = Deno.openSync(name, { read: true, write: true, createNew: true });
  let there = true;
  const remove = () => {
    try {
      Deno.removeSync(name);
      there = false;
    } catch {
      // Windows keeps a file as long as it is open.
    }
  };
  remove();
  return new DiskFile(file, () => {
    file.close();
    if (there) remove();
  });
}

class DiskFile implements DataFile {
  readonly #file: Deno.FsFile;
  readonly #close: () => void;

  constructor(file: Deno.FsFile, close: () => void = () => {}) {
    this.#file = file;
    this.#close = close;
  }

  read(into: Uint8Array, at: number): number {
    const file = this.#file;
    file.seekSync(at, Deno.SeekMode.Start);
    let done = 0;
    while (done < into.length) {
      const count = file.readSync(done === 0 ? into : into.subarray(done));
      if (count === null || count === 0) break;
      done += count;
    }
    return done;
  }

  write(bytes: Uint8Array, at: number): void {
    const file = this.#file;
    file.seekSync(at, Deno.SeekMode.Start);
    for (let done = 0; done < bytes.length;) done += file.writeSync(done === 0 ? bytes : bytes.subarray(done));
  }

  truncate(size: number): void {
    this.#file.truncateSync(size);
  }

  size(): number {
    return this.#file.seekSync(0, Deno.SeekMode.End);
  }

  sync(): void {
    this.#file.syncDataSync();
  }

  close(): void {
    this.#close();
  }
}

/** Whether an open file has no name any more: who comes later opens another one. */
const isDeleted = (file: Deno.FsFile): boolean => file.statSync().nlink === 0;

/**
 * A journal, which SQLite's own shell deletes when it has written: who went on with the file that has no name any more would
 * neither lock out those who come later, nor leave them anything to roll back.
 */
class Journal implements DataFile, Lockable {
  readonly #path: string;
  #file: Deno.FsFile;
  #disk: DiskFile;
  #locked = false;

  constructor(database: string) {
    this.#path = `${database}-journal`;
    this.#file = this.#open();
    this.#disk = new DiskFile(this.#file);
  }

  renew(): void {
    if (this.#locked || !isDeleted(this.#file)) return;
    const file = this.#open();
    this.#file.close();
    this.#file = file;
    this.#disk = new DiskFile(file);
    syncFolder(dirname(this.#path));
  }

  tryLockSync(exclusive: boolean): boolean {
    while (this.#file.tryLockSync(exclusive)) {
      if (!isDeleted(this.#file)) return this.#locked = true;
      this.#file.unlockSync();
      this.renew();
    }
    return false;
  }

  unlockSync(): void {
    this.#locked = false;
    this.#file.unlockSync();
  }

  read(into: Uint8Array, at: number): number {
    return this.#disk.read(into, at);
  }

  write(bytes: Uint8Array, at: number): void {
    this.#disk.write(bytes, at);
  }

  truncate(size: number): void {
    this.#disk.truncate(size);
  }

  size(): number {
    return this.#disk.size();
  }

  sync(): void {
    this.#disk.sync();
  }

  close(): void {
    this.#file.close();
  }

  #open(): Deno.FsFile {
    return Deno.openSync(this.#path, { read: true, write: true, create: true });
  }
}

/** Locks a journal, unless the database is gone that it belongs to: what is written then nobody would find again. */
class Writer implements Lockable {
  readonly #path: string;
  readonly #data: Deno.FsFile;
  readonly #journal: Lockable;

  constructor(path: string, data: Deno.FsFile, journal: Lockable) {
    this.#path = path;
    this.#data = data;
    this.#journal = journal;
  }

  tryLockSync(exclusive: boolean): boolean {
    if (exclusive && isDeleted(this.#data)) {
      throw new Error(`writing ${this.#path}: it was deleted or replaced while it is open. Start the server anew`);
    }
    return this.#journal.tryLockSync(exclusive);
  }

  unlockSync(): void {
    this.#journal.unlockSync();
  }
}

const CHUNK_BYTES = 65_536;

class MemoryFile implements DataFile {
  #chunks: Uint8Array[] = [];
  #size = 0;

  read(into: Uint8Array, at: number): number {
    const count = Math.max(0, Math.min(into.length, this.#size - at));
    for (let done = 0; done < count;) {
      const place = at + done;
      const from = place % CHUNK_BYTES;
      const part = Math.min(count - done, CHUNK_BYTES - from);
      into.set(this.#chunk(place).subarray(from, from + part), done);
      done += part;
    }
    return count;
  }

  write(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length;) {
      const place = at + done;
      const from = place % CHUNK_BYTES;
      const part = Math.min(bytes.length - done, CHUNK_BYTES - from);
      this.#chunk(place).set(bytes.subarray(done, done + part), from);
      done += part;
    }
    this.#size = Math.max(this.#size, at + bytes.length);
  }

  truncate(size: number): void {
    const kept = Math.ceil(size / CHUNK_BYTES);
    this.#chunks.length = Math.min(this.#chunks.length, kept);
    // What is written behind it later has zeros before it.
    if (size < this.#size && size % CHUNK_BYTES > 0) this.#chunks[kept - 1]?.fill(0, size % CHUNK_BYTES);
    this.#size = size;
  }

  size(): number {
    return this.#size;
  }

  sync(): void {}

  close(): void {
    this.#chunks = [];
  }

  #chunk(place: number): Uint8Array {
    const at = Math.floor(place / CHUNK_BYTES);
    return this.#chunks[at] ??= new Uint8Array(CHUNK_BYTES);
  }
}
