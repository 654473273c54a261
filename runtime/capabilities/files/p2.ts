/**
 * `wasi:filesystem` 0.2.12.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { MAX_READ_BYTES } from "../../limits.ts";
import { InputStream, IoError, OutputStream } from "../../streams/p2/mod.ts";
import { type ErrorCode, FileError } from "./error.ts";
import { descriptorClass, type Dialect, type DirectoryEntry, inDialect } from "./face.ts";
import { Handle } from "./handle.ts";
import type { Node } from "./node.ts";
import type { Mounts } from "./mounts.ts";

const dialect: Dialect<Node["kind"], ErrorCode> = { error: (code) => code, type: (kind) => kind, firstSecond: 0n };

/** An open file or folder. */
class Descriptor extends descriptorClass(dialect) {
  readViaStream(offset: bigint): InputStream {
    return new InputStream(inDialect(dialect, () => this.handle.source(offset)));
  }

  writeViaStream(offset: bigint): OutputStream {
    return this.#output(offset);
  }

  appendViaStream(): OutputStream {
    return this.#output("end");
  }

  #output(offset: bigint | "end"): OutputStream {
    const sink = inDialect(dialect, () => this.handle.sink(offset));
    return new OutputStream(sink, () => sink.close());
  }

  /** Bytes, and whether they are the last. A guest may ask for 2^64 at once. */
  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    const most = Number(length < MAX_READ_BYTES ? length : MAX_READ_BYTES);
    const bytes = inDialect(dialect, () => this.handle.read(offset, most));
    return [bytes, bytes.byteLength === 0 && most > 0];
  }

  write(bytes: Uint8Array, offset: bigint): bigint {
    inDialect(dialect, () => this.handle.write(bytes, offset));
    return BigInt(bytes.byteLength);
  }

  readDirectory(): DirectoryEntryStream {
    return new DirectoryEntryStream(this.listed());
  }
}

/** What was in a folder when it was asked. */
class DirectoryEntryStream {
  readonly #entries: Iterator<DirectoryEntry<Node["kind"]>, undefined>;

  constructor(entries: DirectoryEntry<Node["kind"]>[]) {
    this.#entries = entries.values();
  }

  readDirectoryEntry(): DirectoryEntry<Node["kind"]> | undefined {
    return this.#entries.next().value;
  }

  [Symbol.dispose](): void {}
}

/** Why a stream failed, if it was for a file's sake. */
function filesystemErrorCode(error: IoError): ErrorCode | undefined {
  const cause = IoError.causeOf(error);
  return cause instanceof FileError ? cause.code : undefined;
}

/** `wasi:filesystem` for a function that sees `mounts` and nothing else. */
export function p2(mounts: Mounts): HostImports {
  return {
    "wasi:filesystem/preopens@0.2.12": {
      getDirectories: (): [Descriptor, string][] =>
        mounts().map(({ path, root }) => [new Descriptor(Handle.preopen(root)), path]),
    },
    "wasi:filesystem/types@0.2.12": { Descriptor, DirectoryEntryStream, filesystemErrorCode },
  };
}
