/**
 * `wasi:filesystem` 0.2.12 with nothing preopened: a guest has no descriptor to begin with, so it can get none.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { refusedResource } from "../../streams/p2/mod.ts";

const Descriptor = refusedResource("Descriptor", "not-permitted", [
  "readViaStream",
  "writeViaStream",
  "appendViaStream",
  "advise",
  "syncData",
  "getFlags",
  "getType",
  "setSize",
  "setTimes",
  "read",
  "write",
  "readDirectory",
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
]);

const DirectoryEntryStream = refusedResource("DirectoryEntryStream", "not-permitted", ["readDirectoryEntry"]);

export const p2: HostImports = {
  "wasi:filesystem/preopens@0.2.12": { getDirectories: () => [] },
  "wasi:filesystem/types@0.2.12": {
    Descriptor,
    DirectoryEntryStream,
    // No stream of ours failed for a file's sake.
    filesystemErrorCode: () => undefined,
  },
};
