/**
 * An open file or folder: all that `wasi:filesystem` can do with one, whichever version a guest speaks.
 *
 * @module
 */
import { fail } from "./error.ts";
import { FileNode, FolderNode, LinkNode, type Node, now, type Time } from "./node.ts";
import { MAX_PATH_BYTES, type Place, walk } from "./path.ts";
import { FileSink, FileSource } from "./streams.ts";

/** `descriptor-flags`, as an engine hands them over: what is left out is not set. */
export interface DescriptorFlags {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly fileIntegritySync?: boolean;
  readonly dataIntegritySync?: boolean;
  readonly requestedWriteSync?: boolean;
  readonly mutateDirectory?: boolean;
}

/** `open-flags`. */
export interface OpenFlags {
  readonly create?: boolean;
  readonly directory?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
}

/** `path-flags`. */
export interface PathFlags {
  readonly symlinkFollow?: boolean;
}

/** `new-timestamp`, in nanoseconds; `undefined` leaves the old one. */
export type NewTime = Time | "now" | undefined;

/** `metadata-hash-value`. */
export interface MetadataHash {
  readonly lower: bigint;
  readonly upper: bigint;
}

/** An odd number with bits all over: numbers in a row come out far from each other. */
const SPREAD = 0x9e3779b97f4a7c15n;

/** The largest position that there is in a file: `filesize` has one bit more. */
const MAX_POSITION = 2n ** 63n - 1n;

/** An open file or folder. What it answers with is WASI's own, but for numbers and times. */
export class Handle {
  readonly node: FileNode | FolderNode;
  readonly flags: DescriptorFlags;
  readonly #letGo: () => void;

  constructor(node: FileNode | FolderNode, flags: DescriptorFlags) {
    this.node = node;
    this.flags = flags;
    this.#letGo = node.kind === "regular-file" ? node.hold() : () => {};
  }

  /** The top of a tree, as a guest gets it at first. */
  static preopen(root: FolderNode): Handle {
    return new Handle(root, { read: true, mutateDirectory: !root.volume.readOnly });
  }

  close(): void {
    this.#letGo();
  }

  /** Bytes of the file; none at its end. */
  read(offset: bigint, length: number): Uint8Array<ArrayBuffer> {
    return this.#readable().read(position(offset), length);
  }

  write(bytes: Uint8Array, offset: bigint): void {
    this.#writable().write(bytes, position(offset));
  }

  /** The file from `offset` to the end that it then has. */
  source(offset: bigint): FileSource {
    return new FileSource(this.#readable(), position(offset));
  }

  /** @param offset `end`: wherever the file then ends, at each write. */
  sink(offset: bigint | "end"): FileSink {
    return new FileSink(this.#writable(), offset === "end" ? "end" : position(offset));
  }

  setSize(size: bigint): void {
    this.#writable().resize(position(size));
  }

  /** What is in the folder now, without `.` and `..`. */
  entries(): [name: string, node: Node][] {
    return [...this.#folder().entries];
  }

  /** For what does nothing to a file in memory: there is no disk that it could not have reached. */
  mustBeFile(): void {
    if (this.node.kind !== "regular-file") fail("bad-descriptor");
  }

  at(path: string, { symlinkFollow }: PathFlags): Node {
    return walk(this.#folder(), path, symlinkFollow ?? false).node ?? fail("no-entry");
  }

  setTimes(node: Node, accessed: NewTime, modified: NewTime): void {
    if (node.volume.readOnly) fail("read-only");
    const time = now();
    if (accessed !== undefined) node.accessed = accessed === "now" ? time : accessed;
    if (modified !== undefined) node.modified = modified === "now" ? time : modified;
    node.changed = time;
  }

  readLink(path: string): string {
    const node = this.at(path, {});
    return node.kind === "symbolic-link" ? node.target : fail("invalid");
  }

  open(path: string, { symlinkFollow }: PathFlags, how: OpenFlags, flags: DescriptorFlags): Handle {
    const start = this.#folder();
    const { create = false, directory = false, exclusive = false, truncate = false } = how;
    if (directory && (create || exclusive || truncate)) fail("invalid");
    const writes = create || truncate || (flags.write ?? false);
    if (start.volume.readOnly && (writes || flags.mutateDirectory)) fail("read-only");
    // Who wants a file of its own making does not get one through another's link.
    const place = walk(start, path, (symlinkFollow ?? false) && !(create && exclusive));
    if (place.node !== undefined && create && exclusive) fail("exist");
    const node = place.node ?? (create ? this.#make(place) : fail("no-entry"));
    switch (node.kind) {
      case "symbolic-link":
        return fail("loop");
      case "directory":
        if (writes) fail("is-directory");
        return new Handle(node, { ...flags, read: true });
      case "regular-file":
        if (directory) fail("not-directory");
        if (truncate) node.resize(0);
        return new Handle(node, { ...flags, read: flags.read || !flags.write, write: writes, mutateDirectory: false });
    }
  }

  #make({ parent, name, trailingSlash }: Place): FileNode {
    if (trailingSlash) fail("is-directory");
    const file = new FileNode(parent!.volume, now());
    parent!.add(name, file);
    return file;
  }

  createFolder(path: string): void {
    const { parent, name } = this.#free(path);
    parent.add(name, new FolderNode(parent.volume, now()));
  }

  createLink(target: string, path: string): void {
    if (target === "") fail("no-entry");
    if (target.includes("\0")) fail("invalid");
    // It would lead out, and nobody could follow it.
    if (target.startsWith("/")) fail("not-permitted");
    if (target.length > MAX_PATH_BYTES || new TextEncoder().encode(target).byteLength > MAX_PATH_BYTES) {
      fail("name-too-long");
    }
    const { parent, name, trailingSlash } = this.#free(path);
    if (trailingSlash) fail("no-entry");
    parent.add(name, new LinkNode(parent.volume, now(), target));
  }

  /** Gives a file a second name. */
  hardLink(path: string, flags: PathFlags, to: Handle, newPath: string): void {
    const node = this.at(path, flags);
    if (node.kind === "directory") fail("not-permitted");
    const { parent, name, trailingSlash } = to.#free(newPath);
    if (node.volume !== parent.volume) fail("cross-device");
    if (trailingSlash) fail("no-entry");
    parent.add(name, node);
  }

  unlink(path: string): void {
    const { parent, name, node, followed } = this.#taken(path);
    if (node.kind === "directory") fail(followed ? "not-directory" : "is-directory");
    parent!.remove(name);
  }

  removeFolder(path: string): void {
    const { parent, name, node, followed } = this.#taken(path);
    if (node.kind !== "directory" || followed) return fail("not-directory");
    if (parent === undefined) return fail("invalid");
    if (node.entries.size > 0) fail("not-empty");
    node.gone = true;
    parent.remove(name);
  }

  rename(path: string, to: Handle, newPath: string): void {
    const from = this.#taken(path);
    const start = to.#mutable();
    const place = walk(start, newPath, false);
    const { node } = from;
    if (from.parent === undefined || place.parent === undefined) return fail("invalid");
    if (from.followed || place.followed) fail("not-directory");
    if (place.parent.volume !== from.parent.volume) fail("cross-device");
    if (place.parent.gone) fail("no-entry");
    if (place.trailingSlash && node.kind !== "directory") fail("not-directory");
    if (place.node === node) return;
    if (node.kind === "directory" && isInside(place.parent, node)) fail("invalid");
    if (place.node !== undefined) this.#makeWay(node, place.node, place.parent, place.name);
    // Between its two names it has none.
    const letGo = node.kind === "regular-file" ? node.hold() : undefined;
    from.parent.take(from.name);
    place.parent.put(place.name, node);
    letGo?.();
  }

  /** Takes away what `node` is to replace. */
  #makeWay(node: Node, old: Node, parent: FolderNode, name: string): void {
    if (old.kind === "directory") {
      if (node.kind !== "directory") fail("is-directory");
      if (old.entries.size > 0) fail("not-empty");
      old.gone = true;
    } else if (node.kind === "directory") fail("not-directory");
    parent.remove(name);
  }

  hash(node: Node): MetadataHash {
    const upper = node.volume.hash;
    return { lower: BigInt.asUintN(64, BigInt(node.id) * SPREAD + upper), upper };
  }

  #folder(): FolderNode {
    return this.node.kind === "directory" ? this.node : fail("not-directory");
  }

  #mutable(): FolderNode {
    const folder = this.#folder();
    return folder.volume.readOnly ? fail("read-only") : folder;
  }

  /** Where something new is to be. */
  #free(path: string): Place & { readonly parent: FolderNode } {
    const place = walk(this.#mutable(), path, false);
    if (place.node !== undefined || place.parent === undefined) return fail("exist");
    return place as Place & { readonly parent: FolderNode };
  }

  /** Where something is that is to go. */
  #taken(path: string): Place & { readonly node: Node } {
    const place = walk(this.#mutable(), path, false);
    return place.node === undefined ? fail("no-entry") : place as Place & { readonly node: Node };
  }

  #readable(): FileNode {
    if (this.node.kind !== "regular-file" || !this.flags.read) return fail("bad-descriptor");
    return this.node;
  }

  #writable(): FileNode {
    if (this.node.kind !== "regular-file") return fail("bad-descriptor");
    if (this.node.volume.readOnly) fail("read-only");
    return this.flags.write ? this.node : fail("bad-descriptor");
  }
}

function position(offset: bigint): number {
  if (offset > MAX_POSITION) fail("invalid");
  return Number(offset);
}

function isInside(folder: FolderNode, outer: FolderNode): boolean {
  for (let at = folder;; at = at.parent) {
    if (at === outer) return true;
    if (at.parent === at) return false;
  }
}
