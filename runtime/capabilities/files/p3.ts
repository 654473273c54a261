/**
 * `wasi:filesystem` 0.3.0: nothing is preopened, so no guest ever holds a descriptor.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { dropGuestStream, type Result, toGuestStream } from "../../engine/streams.ts";
import { WitError } from "../../errors.ts";
import { emptySource } from "../../streams/bytes.ts";

/** `wasi:filesystem/types.error-code`; a variant, unlike the enum of 0.2. */
const DENIED = Object.freeze({ tag: "access" as const });

/** What the futures of `wasi:filesystem` resolve with here. */
export type FilesResult = Result<undefined, typeof DENIED>;

const denied = (): Promise<FilesResult> => Promise.resolve({ tag: "err", val: DENIED });

/** A file or folder. It exists because components import it. */
class Descriptor {
  readViaStream(_offset: bigint): [unknown, Promise<FilesResult>] {
    return [toGuestStream(emptySource), denied()];
  }

  writeViaStream(data: unknown, _offset: bigint): Promise<FilesResult> {
    dropGuestStream(data);
    return denied();
  }

  appendViaStream(data: unknown): Promise<FilesResult> {
    dropGuestStream(data);
    return denied();
  }

  readDirectory(): [Iterable<never>, Promise<FilesResult>] {
    return [[], denied()];
  }

  // deno-lint-ignore require-await -- async in the WIT
  async isSameObject(_other: Descriptor): Promise<boolean> {
    return false;
  }

  [Symbol.dispose](): void {}
}

/** The asynchronous methods that answer with a `result`. */
const REFUSED = [
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
  "metadataHash",
  "metadataHashAt",
] as const;

for (const name of REFUSED) {
  Object.defineProperty(Descriptor.prototype, name, {
    // deno-lint-ignore require-await -- async in the WIT
    value: async function refuse(): Promise<never> {
      throw new WitError(DENIED);
    },
  });
}

export const p3: HostImports = {
  "wasi:filesystem/types@0.3.0": { Descriptor },
  "wasi:filesystem/preopens@0.3.0": { getDirectories: (): [Descriptor, string][] => [] },
};
