/**
 * `wasi:io` 0.2.12: errors, polling, streams.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { InputStream, IoError, OutputStream, poll, Pollable } from "../../streams/p2/mod.ts";

export const p2: HostImports = {
  "wasi:io/error@0.2.12": { Error: IoError },
  "wasi:io/poll@0.2.12": { Pollable, poll },
  "wasi:io/streams@0.2.12": { InputStream, OutputStream },
};
