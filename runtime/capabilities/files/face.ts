/**
 * The resource `wasi:filesystem/types.descriptor`, as far as 0.2 and 0.3 agree about it.
 *
 * @module
 */
import { WitError } from "../../errors.ts";
import { type ErrorCode, fail, FileError } from "./error.ts";
import {
  type DescriptorFlags,
  Handle,
  type MetadataHash,
  type NewTime,
  type OpenFlags,
  type PathFlags,
} from "./handle.ts";
import type { Node, Time } from "./node.ts";

/** `datetime` of 0.2, `instant` of 0.3. */
export interface Instant {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** `new-timestamp`. */
export type NewTimestamp =
  | { readonly tag: "no-change" | "now" }
  | { readonly tag: "timestamp"; readonly val: Instant };

/** What a version of WASI says in its own way. */
export interface Dialect<Type, Code> {
  error(code: ErrorCode): Code;
  type(kind: Node["kind"]): Type;
  /** The earliest that it has a word for, in seconds since the epoch. */
  readonly firstSecond: bigint;
}

/** `descriptor-stat`. */
export interface Stat<Type> {
  readonly type: Type;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Instant | undefined;
  readonly dataModificationTimestamp: Instant | undefined;
  readonly statusChangeTimestamp: Instant | undefined;
}

/** `directory-entry`. */
export interface DirectoryEntry<Type> {
  readonly type: Type;
  readonly name: string;
}

const SECOND = 1_000_000_000n;
const MAX_SECONDS = 2n ** 63n - 1n;

function instantOf(time: Time, firstSecond: bigint): Instant | undefined {
  const nanoseconds = ((time % SECOND) + SECOND) % SECOND;
  const seconds = (time - nanoseconds) / SECOND;
  return seconds < firstSecond ? undefined : { seconds, nanoseconds: Number(nanoseconds) };
}

function timeOf(stamp: NewTimestamp): NewTime {
  if (stamp.tag !== "timestamp") return stamp.tag === "now" ? "now" : undefined;
  const { seconds, nanoseconds } = stamp.val;
  if (nanoseconds >= 1_000_000_000 || seconds > MAX_SECONDS) fail("invalid");
  return seconds * SECOND + BigInt(nanoseconds);
}

/** Runs `body`, whose `FileError` is the guest's, in the words of its version. */
export function inDialect<T>(dialect: Dialect<unknown, unknown>, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw error instanceof FileError ? new WitError(dialect.error(error.code)) : error;
  }
}

/** The class of descriptors in a dialect, without what moves bytes: that is where the versions differ. */
export function descriptorClass<Type>(dialect: Dialect<Type, unknown>) {
  const run = <T>(body: () => T): T => inDialect(dialect, body);

  const statOf = (node: Node): Stat<Type> => ({
    type: dialect.type(node.kind),
    linkCount: BigInt(node.links),
    size: node.kind === "directory" ? 0n : BigInt(node.size),
    dataAccessTimestamp: instantOf(node.accessed, dialect.firstSecond),
    dataModificationTimestamp: instantOf(node.modified, dialect.firstSecond),
    statusChangeTimestamp: instantOf(node.changed, dialect.firstSecond),
  });

  return class Descriptor {
    readonly handle: Handle;

    constructor(handle: Handle) {
      this.handle = handle;
    }

    advise(_offset: bigint, _length: bigint, _advice: string): void {
      run(() => this.handle.mustBeFile());
    }

    /** What is in memory is where it will ever be. */
    sync(): void {}

    syncData(): void {}

    getFlags(): DescriptorFlags {
      return this.handle.flags;
    }

    getType(): Type {
      return dialect.type(this.handle.node.kind);
    }

    setSize(size: bigint): void {
      run(() => this.handle.setSize(size));
    }

    setTimes(accessed: NewTimestamp, modified: NewTimestamp): void {
      run(() => this.handle.setTimes(this.handle.node, timeOf(accessed), timeOf(modified)));
    }

    setTimesAt(flags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void {
      run(() => this.handle.setTimes(this.handle.at(path, flags), timeOf(accessed), timeOf(modified)));
    }

    stat(): Stat<Type> {
      return statOf(this.handle.node);
    }

    statAt(flags: PathFlags, path: string): Stat<Type> {
      return run(() => statOf(this.handle.at(path, flags)));
    }

    createDirectoryAt(path: string): void {
      run(() => this.handle.createFolder(path));
    }

    linkAt(flags: PathFlags, path: string, to: Descriptor, newPath: string): void {
      run(() => this.handle.hardLink(path, flags, to.handle, newPath));
    }

    openAt(flags: PathFlags, path: string, how: OpenFlags, descriptorFlags: DescriptorFlags): this {
      const Class = this.constructor as new (handle: Handle) => this;
      return run(() => new Class(this.handle.open(path, flags, how, descriptorFlags)));
    }

    readlinkAt(path: string): string {
      return run(() => this.handle.readLink(path));
    }

    removeDirectoryAt(path: string): void {
      run(() => this.handle.removeFolder(path));
    }

    renameAt(path: string, to: Descriptor, newPath: string): void {
      run(() => this.handle.rename(path, to.handle, newPath));
    }

    symlinkAt(target: string, path: string): void {
      run(() => this.handle.createLink(target, path));
    }

    unlinkFileAt(path: string): void {
      run(() => this.handle.unlink(path));
    }

    isSameObject(other: Descriptor): boolean {
      return this.handle.node === other.handle.node;
    }

    metadataHash(): MetadataHash {
      return this.handle.hash(this.handle.node);
    }

    metadataHashAt(flags: PathFlags, path: string): MetadataHash {
      return run(() => this.handle.hash(this.handle.at(path, flags)));
    }

    /** What the folder holds, in the words of the version. */
    listed(): DirectoryEntry<Type>[] {
      return run(() => this.handle.entries()).map(([name, { kind }]) => ({ type: dialect.type(kind), name }));
    }

    [Symbol.dispose](): void {
      this.handle.close();
    }
  };
}
