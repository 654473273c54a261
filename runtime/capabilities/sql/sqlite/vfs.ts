/**
 * What SQLite asks of a system: files, locks, a clock, randomness. There is one database, whatever name it is opened by.
 *
 * No callback throws, for an exception would take SQLite apart in the middle of what it does; and none calls SQLite.
 *
 * @module
 */
import {
  BUSY,
  CANTOPEN,
  FULL,
  IOERR_DELETE,
  IOERR_FSTAT,
  IOERR_FSYNC,
  IOERR_LOCK,
  IOERR_READ,
  IOERR_SHORT_READ,
  IOERR_TRUNCATE,
  IOERR_WRITE,
  NONE,
  NOTFOUND,
  OK,
  OPEN_MAIN_DB,
  OPEN_MAIN_JOURNAL,
} from "./codes.ts";
import type { DatabaseFiles, DataFile } from "./files.ts";
import type { Holder } from "./locks.ts";
import type { InstanceMemory } from "./module.ts";
import type { CallbackName, Callbacks } from "./shim.ts";

/** The name that the database is opened by. */
export const NAME = "/database";

/** Longer journals are cut off when they are done with; shorter ones are kept, for a file that stays as it is syncs faster. */
const MAX_KEPT_JOURNAL_BYTES = 1024 * 1024;

/** What one connection may keep beside the database, for sorting and the like; and no more than a database may have. */
const MAX_TEMPORARY_BYTES = 256 * 1024 * 1024;

/** What says that a journal is one: without it there is nothing to roll back. */
const JOURNAL_HEADER_BYTES = 28;

/** Offsets in `sqlite3_vfs` and `sqlite3_io_methods`, for pointers of 32 bits. */
const VFS_BYTES = 88, METHODS_BYTES = 76;
const VFS: readonly [offset: number, callback: CallbackName][] = [
  [24, "xOpen"],
  [28, "xDelete"],
  [32, "xAccess"],
  [36, "xFullPathname"],
  [56, "xRandomness"],
  [60, "xSleep"],
  [64, "xCurrentTime"],
  [68, "xGetLastError"],
  [72, "xCurrentTimeInt64"],
];
const METHODS: readonly CallbackName[] = [
  "xClose",
  "xRead",
  "xWrite",
  "xTruncate",
  "xSync",
  "xFileSize",
  "xLock",
  "xUnlock",
  "xCheckReservedLock",
  "xFileControl",
  "xSectorSize",
  "xDeviceCharacteristics",
];

/** `sqlite3_file`, as large as ours is: a pointer to its methods, and which file it is. */
const FILE_BYTES = 8;

const SECTOR_BYTES = 4096;

/** What is written does not damage what lies beside it, when power is lost. */
const POWERSAFE_OVERWRITE = 0x1000;

/** Julian days at the epoch, in milliseconds. */
const JULIAN_EPOCH_MS = 210_866_760_000_000n;

/** Whether the disk has no room, or the server may have no more of it. */
const isFull = (error: unknown): boolean => /^(?:ENOSPC|EDQUOT|EFBIG)$/.test((error as { code?: string }).code ?? "");

interface OpenFile {
  readonly kind: "data" | "journal" | "temporary";
  readonly file: DataFile;
}

/** The system below one instance of SQLite. */
export class Vfs {
  readonly #files: DatabaseFiles;
  readonly #maxBytes: number;
  readonly #memory: InstanceMemory;
  readonly #open = new Map<number, OpenFile>();
  readonly #holder: Holder = { level: NONE };
  #methods = 0;
  #nextId = 1;
  #temporaryBytes = 0;
  /** What went wrong in a callback last, for the operator. */
  failure: unknown;
  /** Whether a lock was refused since this was last set to `false`: SQLite does not always say so. */
  refused = false;

  /** A file may have `maxBytes`. */
  constructor(files: DatabaseFiles, maxBytes: number, memory: InstanceMemory) {
    this.#files = files;
    this.#maxBytes = maxBytes;
    this.#memory = memory;
  }

  /** Whether another connection waits for this one to be done with what it reads. */
  get awaited(): boolean {
    return this.#files.locks.awaits(this.#holder);
  }

  /** Writes `sqlite3_vfs` and `sqlite3_io_methods`, and answers where the first of them is. */
  install(malloc: (bytes: number) => number, pointer: (callback: CallbackName) => number): number {
    const name = new TextEncoder().encode("skerry\0");
    const at = malloc(VFS_BYTES), nameAt = malloc(name.length), methods = malloc(METHODS_BYTES);
    const { bytes, view } = this.#memory;
    bytes.fill(0, at, at + VFS_BYTES).fill(0, methods, methods + METHODS_BYTES).set(name, nameAt);
    // Version 2, the size of our files, the longest name.
    for (const [offset, value] of [[0, 2], [4, FILE_BYTES], [8, 512], [16, nameAt]] as const) {
      view.setInt32(at + offset, value, true);
    }
    for (const [offset, callback] of VFS) view.setInt32(at + offset, pointer(callback), true);
    view.setInt32(methods, 1, true);
    for (const [i, callback] of METHODS.entries()) view.setInt32(methods + 4 + 4 * i, pointer(callback), true);
    this.#methods = methods;
    return at;
  }

  /** Lets go of everything, as if the process had died: a journal that is there tells the next one what to roll back. */
  abandon(): void {
    for (const { kind, file } of this.#open.values()) if (kind === "temporary") file.close();
    this.#open.clear();
    this.#files.locks.unlock(this.#holder, NONE);
  }

  /** What SQLite calls; `authorize` is not the system's. */
  callbacks(): Omit<Callbacks, "authorize"> {
    const { locks } = this.#files;
    const to = (failed: number, step: (...args: number[]) => number | void) => (...args: number[]): number => {
      try {
        return step(...args) ?? OK;
      } catch (error) {
        this.failure = error;
        return isFull(error) ? FULL : failed;
      }
    };
    return {
      xOpen: to(CANTOPEN, (_vfs, _name, file, flags, outFlags) => this.#openFile(file!, flags!, outFlags!)),
      xDelete: to(IOERR_DELETE, () => this.#endJournal()),
      xAccess: to(IOERR_FSTAT, (_vfs, _name, _what, out) => {
        // Only of a journal: of a write-ahead log there is none.
        const isJournal = this.#nameEnds(_name!, "-journal");
        this.#int(out!, isJournal && this.#hasJournal() ? 1 : 0);
      }),
      xFullPathname: to(CANTOPEN, (_vfs, _name, size, out) => {
        const name = new TextEncoder().encode(`${NAME}\0`);
        if (name.length > size!) return CANTOPEN;
        this.#memory.bytes.set(name, out);
      }),
      xRandomness: (_vfs, size, out) => {
        crypto.getRandomValues(this.#memory.bytes.subarray(out!, out! + size!));
        return size!;
      },
      xSleep: () => 0,
      xCurrentTime: (_vfs, out) => {
        this.#memory.view.setFloat64(out!, (Number(JULIAN_EPOCH_MS) + Date.now()) / 86_400_000, true);
        return OK;
      },
      xGetLastError: () => 0,
      xCurrentTimeInt64: (_vfs, out) => {
        this.#memory.view.setBigInt64(out!, JULIAN_EPOCH_MS + BigInt(Date.now()), true);
        return OK;
      },
      xClose: to(IOERR_FSTAT, (file) => {
        const id = this.#id(file!);
        const open = this.#open.get(id);
        this.#open.delete(id);
        if (open?.kind === "temporary") {
          this.#temporaryBytes -= open.file.size();
          open.file.close();
        } else if (open?.kind === "data") return locks.unlock(this.#holder, NONE);
      }),
      xRead: to(IOERR_READ, (file, out, size, at) => {
        const into = this.#memory.bytes.subarray(out!, out! + size!);
        const count = this.#file(file!).read(into, at!);
        if (count === size) return OK;
        into.fill(0, count);
        return IOERR_SHORT_READ;
      }),
      xWrite: to(IOERR_WRITE, (file, from, size, at) => {
        const { kind, file: target } = this.#open.get(this.#id(file!))!;
        if (kind === "data" && at! + size! > this.#maxBytes) return FULL;
        if (kind === "temporary" && !this.#fits(target, at! + size!)) return FULL;
        target.write(this.#memory.bytes.subarray(from!, from! + size!), at!);
      }),
      xTruncate: to(IOERR_TRUNCATE, (file, size) => {
        const { kind, file: target } = this.#open.get(this.#id(file!))!;
        if (kind === "temporary") this.#temporaryBytes -= target.size() - size!;
        target.truncate(size!);
      }),
      xSync: to(IOERR_FSYNC, (file) => this.#file(file!).sync()),
      xFileSize: to(IOERR_FSTAT, (file, out) => {
        this.#memory.view.setBigInt64(out!, BigInt(this.#file(file!).size()), true);
      }),
      xLock: to(IOERR_LOCK, (_file, level) => {
        const code = locks.lock(this.#holder, level!);
        if (code === BUSY) this.refused = true;
        return code;
      }),
      xUnlock: to(IOERR_LOCK, (_file, level) => locks.unlock(this.#holder, level!)),
      // Asked of who finds a journal and reads. A writer makes his journal valid, and takes it away, while nobody else
      // reads: so it is nobody's who lives, even where a lock of one who is just dying has not fallen yet.
      xCheckReservedLock: to(IOERR_FSTAT, (_file, out) => this.#int(out!, 0)),
      xFileControl: () => NOTFOUND,
      xSectorSize: () => SECTOR_BYTES,
      xDeviceCharacteristics: () => POWERSAFE_OVERWRITE,
    };
  }

  #openFile(at: number, flags: number, outFlags: number): number {
    const kind = flags & OPEN_MAIN_DB ? "data" : flags & OPEN_MAIN_JOURNAL ? "journal" : "temporary";
    const { view } = this.#memory;
    view.setInt32(at, 0, true);
    const file = kind === "temporary" ? this.#files.temporary() : this.#files[kind];
    const id = this.#nextId++;
    this.#open.set(id, { kind, file });
    view.setInt32(at, this.#methods, true);
    view.setInt32(at + 4, id, true);
    if (outFlags !== 0) view.setInt32(outFlags, flags, true);
    return OK;
  }

  #fits(file: DataFile, end: number): boolean {
    const more = Math.max(0, end - file.size());
    if (this.#temporaryBytes + more > Math.min(MAX_TEMPORARY_BYTES, this.#maxBytes)) return false;
    this.#temporaryBytes += more;
    return true;
  }

  /** A journal is there while it begins like one. */
  #hasJournal(): boolean {
    const { journal, locks } = this.#files;
    const first = new Uint8Array(1);
    try {
      this.#files.renewJournal?.();
      return journal.read(first, 0) === 1 && first[0] !== 0;
    } catch (error) {
      // Where a lock keeps others from reading, it is the journal of who has it.
      if (locks.isReserved()) return false;
      throw error;
    }
  }

  /** What SQLite deletes its journal for: from here on the transaction is committed, whatever happens. */
  #endJournal(): void {
    const { journal } = this.#files;
    if (journal.size() > MAX_KEPT_JOURNAL_BYTES) journal.truncate(0);
    else journal.write(new Uint8Array(JOURNAL_HEADER_BYTES), 0);
    journal.sync();
  }

  #nameEnds(at: number, ending: string): boolean {
    const { bytes } = this.#memory;
    const end = bytes.indexOf(0, at);
    return new TextDecoder().decode(bytes.subarray(at, end)).endsWith(ending);
  }

  #file(at: number): DataFile {
    return this.#open.get(this.#id(at))!.file;
  }

  #id(at: number): number {
    return this.#memory.view.getInt32(at + 4, true);
  }

  #int(at: number, value: number): void {
    this.#memory.view.setInt32(at, value, true);
  }
}
