/**
 * Files, folders and links in memory.
 *
 * @module
 */
import { NO_BYTES } from "../../streams/chunk_queue.ts";
import { fail } from "./error.ts";

/** What files may take, and who counts it. */
export interface Space {
  /** @throws {FileError} `insufficient-space`. */
  takeBytes(count: number): void;
  giveBytes(count: number): void;
  /** @throws {FileError} `insufficient-space`. */
  takeEntry(): void;
  giveEntry(): void;
}

/** A tree of nodes that a guest sees as one device. */
export interface Volume {
  /** Tells it from the guest's others, for `metadata-hash`. */
  readonly hash: bigint;
  readonly readOnly: boolean;
  readonly space: Space;
  /** The number of the next node, from 1 on. */
  nextId: number;
}

/** Nanoseconds since the epoch. */
export type Time = bigint;

export function now(): Time {
  return BigInt(Date.now()) * 1_000_000n;
}

/** What all nodes have. */
abstract class Base {
  readonly volume: Volume;
  readonly id: number;
  accessed: Time;
  modified: Time;
  changed: Time;

  constructor(volume: Volume, time: Time) {
    this.volume = volume;
    this.id = volume.nextId++;
    this.accessed = this.modified = this.changed = time;
  }

  touch(): void {
    this.modified = this.changed = now();
  }
}

/** The largest file that there can be: positions in it are exact numbers. */
const MAX_FILE_BYTES = Number.MAX_SAFE_INTEGER;

/** The least that a growing file gets, so that many small writes are not many copies. */
const MIN_GROWTH_BYTES = 1024;

/** A regular file. Its bytes go back to the volume when no name and no descriptor is left. */
export class FileNode extends Base {
  readonly kind = "regular-file";
  links = 0;
  #holders = 0;
  #buffer: Uint8Array<ArrayBuffer>;
  #size: number;

  /** @param content Already paid for. */
  constructor(volume: Volume, time: Time, content: Uint8Array<ArrayBuffer> = NO_BYTES) {
    super(volume, time);
    this.#buffer = content;
    this.#size = content.byteLength;
  }

  get size(): number {
    return this.#size;
  }

  /** A copy of at most `length` bytes from `offset` on; empty at the end. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    if (offset >= this.#size || length === 0) return NO_BYTES;
    return this.#buffer.slice(offset, Math.min(this.#size, offset + length));
  }

  /** @throws {FileError} `insufficient-space` or `file-too-large`; then nothing is written. */
  write(bytes: Uint8Array, offset: number): void {
    if (bytes.byteLength === 0) return;
    const end = offset + bytes.byteLength;
    if (end > this.#size) this.resize(end);
    this.#buffer.set(bytes, offset);
    this.touch();
  }

  /** @throws {FileError} likewise. */
  resize(size: number): void {
    if (size > MAX_FILE_BYTES) fail("file-too-large");
    const { space } = this.volume;
    if (size < this.#size) {
      space.giveBytes(this.#size - size);
      // What was cut off reads as zeroes if the file grows again.
      this.#buffer.fill(0, size, this.#size);
      if (size === 0) this.#buffer = NO_BYTES;
    } else if (size > this.#size) {
      space.takeBytes(size - this.#size);
      if (size > this.#buffer.byteLength) {
        const grown = new Uint8Array(Math.max(size, Math.floor(this.#buffer.byteLength * 1.5), MIN_GROWTH_BYTES));
        grown.set(this.#buffer.subarray(0, this.#size));
        this.#buffer = grown;
      }
    }
    this.#size = size;
    this.touch();
  }

  /** A descriptor or a stream is at it. Returns what lets go of it, once. */
  hold(): () => void {
    this.#holders++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders--;
      this.#free();
    };
  }

  link(): void {
    this.links++;
    this.changed = now();
  }

  unlink(): void {
    this.links--;
    this.changed = now();
    this.#free();
  }

  #free(): void {
    if (this.links > 0 || this.#holders > 0 || this.#size === 0) return;
    this.volume.space.giveBytes(this.#size);
    this.#size = 0;
    this.#buffer = NO_BYTES;
  }
}

/** A folder. */
export class FolderNode extends Base {
  readonly kind = "directory";
  readonly entries = new Map<string, Node>();
  /** Itself, at the top. */
  parent: FolderNode = this;
  /** Whether it was removed, while a descriptor is still at it. */
  gone = false;

  /** Links as other systems count them: its own, and `..` of each folder in it. */
  get links(): number {
    let links = 2;
    for (const node of this.entries.values()) if (node.kind === "directory") links++;
    return links;
  }

  /** @throws {FileError} */
  add(name: string, node: Node): void {
    if (this.gone) fail("no-entry");
    this.volume.space.takeEntry();
    this.put(name, node);
  }

  /** Puts `node` in the place of what was there, if anything was, whose entry is its own now. */
  put(name: string, node: Node): void {
    if (node.kind === "directory") node.parent = this;
    if (node.kind === "regular-file") node.link();
    this.entries.set(name, node);
    this.touch();
  }

  /** Takes an entry out, and what it stood for away. */
  remove(name: string): void {
    this.take(name);
    this.volume.space.giveEntry();
  }

  /** Takes an entry out, whose place in the volume stays paid for. */
  take(name: string): void {
    const node = this.entries.get(name);
    if (node === undefined) return;
    this.entries.delete(name);
    if (node.kind === "regular-file") node.unlink();
    this.touch();
  }
}

/** A symbolic link. */
export class LinkNode extends Base {
  readonly kind = "symbolic-link";
  readonly links = 1;
  readonly target: string;

  constructor(volume: Volume, time: Time, target: string) {
    super(volume, time);
    this.target = target;
  }

  get size(): number {
    return new TextEncoder().encode(this.target).byteLength;
  }
}

export type Node = FileNode | FolderNode | LinkNode;
