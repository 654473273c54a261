/**
 * `wasi:filesystem` 0.3.0.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { dropGuestStream, readGuestStream, type Result, toGuestStream } from "../../engine/streams.ts";
import { MAX_READ_BYTES } from "../../limits.ts";
import { emptySource } from "../../streams/bytes.ts";
import { yieldTurn } from "../../streams/turn.ts";
import { waitAny } from "../../streams/waitable.ts";
import { type ErrorCode, FileError } from "./error.ts";
import { descriptorClass, type Dialect, type DirectoryEntry } from "./face.ts";
import { Handle } from "./handle.ts";
import type { Mounts } from "./mounts.ts";
import type { Node } from "./node.ts";

/** A case without a payload: errors and types are variants, unlike the enums of 0.2. */
interface Case<Tag> {
  readonly tag: Tag;
}

const dialect: Dialect<Case<Node["kind"]>, Case<ErrorCode>> = {
  error: (code) => ({ tag: code }),
  type: (kind) => ({ tag: kind }),
  firstSecond: -(2n ** 63n),
};

/** What the futures of `wasi:filesystem` resolve with. */
export type FilesResult = Result<undefined, Case<ErrorCode> | { readonly tag: "other"; readonly val: undefined }>;

const OK: FilesResult = Object.freeze({ tag: "ok" });

/** The `result` for what was thrown. */
function failed(error: unknown): FilesResult {
  if (!(error instanceof FileError)) throw error;
  return { tag: "err", val: dialect.error(error.code) };
}

/** What comes with a stream: both at once, or an empty one with the reason. */
function started<T>(start: () => T, otherwise: () => T): [T, Promise<FilesResult>] {
  try {
    return [start(), Promise.resolve(OK)];
  } catch (error) {
    return [otherwise(), Promise.resolve(failed(error))];
  }
}

/** An open file or folder. */
class Descriptor extends descriptorClass(dialect) {
  readViaStream(offset: bigint): [unknown, Promise<FilesResult>] {
    return started(() => toGuestStream(this.handle.source(offset)), () => toGuestStream(emptySource));
  }

  writeViaStream(data: unknown, offset: bigint): Promise<FilesResult> {
    return write(this.handle, data, offset);
  }

  appendViaStream(data: unknown): Promise<FilesResult> {
    return write(this.handle, data, "end");
  }

  readDirectory(): [Iterable<DirectoryEntry<Case<Node["kind"]>>>, Promise<FilesResult>] {
    // Not listed(): here the error is a value.
    return started(() => {
      const entries = this.handle.entries();
      return entries.map(([name, { kind }]) => ({ type: dialect.type(kind), name }));
    }, () => []);
  }
}

/** Writes all of a guest's stream to a file. The file stays open until then, whatever becomes of the descriptor. */
async function write(handle: Handle, data: unknown, offset: bigint | "end"): Promise<FilesResult> {
  let sink;
  try {
    sink = handle.sink(offset);
  } catch (error) {
    dropGuestStream(data);
    return failed(error);
  }
  const source = readGuestStream(data);
  while (sink.state === "open") {
    const chunk = source.take(MAX_READ_BYTES);
    if (chunk.byteLength > 0) {
      sink.write(chunk);
      await yieldTurn();
    } else if (source.state === "open") await waitAny([source]);
    else sink.close();
  }
  if (sink.state === "closed") return OK;
  source.cancel();
  return failed(sink.error);
}

/** The methods that are `async` in 0.3. None of them waits, but they are called as those that may. */
const ASYNC = [
  "advise",
  "syncData",
  "getFlags",
  "getType",
  "setSize",
  "setTimes",
  "sync",
  "createDirectoryAt",
  "stat",
  "statAt",
  "setTimesAt",
  "linkAt",
  "openAt",
  "readlinkAt",
  "removeDirectoryAt",
  "renameAt",
  "symlinkAt",
  "unlinkFileAt",
  "isSameObject",
  "metadataHash",
  "metadataHashAt",
] as const satisfies readonly (keyof Descriptor)[];

for (const name of ASYNC) {
  // deno-lint-ignore no-explicit-any -- as the method that it stands for
  const method: (...args: any[]) => unknown = Descriptor.prototype[name];
  Object.defineProperty(Descriptor.prototype, name, {
    // deno-lint-ignore require-await no-explicit-any -- async in the WIT
    value: async function (this: Descriptor, ...args: any[]): Promise<unknown> {
      return method.apply(this, args);
    },
  });
}

/** `wasi:filesystem` for a function that sees `mounts` and nothing else. */
export function p3(mounts: Mounts): HostImports {
  return {
    "wasi:filesystem/types@0.3.0": { Descriptor },
    "wasi:filesystem/preopens@0.3.0": {
      getDirectories: (): [Descriptor, string][] =>
        mounts().map(({ path, root }) => [new Descriptor(Handle.preopen(root)), path]),
    },
  };
}
