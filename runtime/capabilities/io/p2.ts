/**
 * `wasi:io` 0.2.12: errors, polling, streams.
 *
 * @module
 */
import { direct } from "../../engine/direct.ts";
import { allAtOnce, type HostImports, waits } from "../../engine/mod.ts";
import { InputStream, IoError, OutputStream, poll, Pollable } from "../../streams/p2/mod.ts";

// Not declared async, for they wait only when they have to.
waits(poll);
waits(Pollable.prototype.block);
waits(InputStream.prototype.blockingRead);
waits(OutputStream.prototype.blockingWriteAndFlush);
waits(OutputStream.prototype.blockingFlush);
waits(OutputStream.prototype.blockingSplice);

// A sink is in good hands with whoever has handed it out: streams of files and blobs come from functions that are not marked.
allAtOnce(
  OutputStream,
  "checkWrite",
  "write",
  "blockingWriteAndFlush",
  "flush",
  "blockingFlush",
  Symbol.dispose,
);

direct(InputStream.prototype.read, { call: InputStream.lend });
direct(InputStream.prototype.blockingRead, { before: InputStream.untilReady, call: InputStream.lend });
// These copy what they are given.
direct(OutputStream.prototype.write, { call: (stream: OutputStream, bytes: Uint8Array) => stream.write(bytes) });
direct(OutputStream.prototype.blockingWriteAndFlush, {
  call: (stream: OutputStream, bytes: Uint8Array) => stream.blockingWriteAndFlush(bytes),
});

export const p2: HostImports = {
  "wasi:io/error@0.2.12": { Error: IoError },
  "wasi:io/poll@0.2.12": { Pollable, poll },
  "wasi:io/streams@0.2.12": { InputStream, OutputStream },
};
