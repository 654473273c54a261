/**
 * The contents of a file as a stream of the host.
 *
 * @module
 */
import { STREAM_HIGH_WATER_BYTES } from "../../limits.ts";
import { type ByteSink, type ByteSource, type StreamState } from "../../streams/bytes.ts";
import { NO_BYTES } from "../../streams/chunk_queue.ts";
import type { FileNode } from "./node.ts";

/** What is there is there at once: nobody ever waits for it. */
function wakeNow(wake: () => void): () => void {
  wake();
  return () => {};
}

/** Reads a file, up to the end that it has when that is reached. */
export class FileSource implements ByteSource {
  readonly error: unknown = undefined;
  readonly ready = true;
  readonly subscribe = wakeNow;
  readonly #file: FileNode;
  readonly #letGo: () => void;
  #at: number;
  #over = false;

  constructor(file: FileNode, from: number) {
    this.#file = file;
    this.#at = from;
    this.#letGo = file.hold();
  }

  get state(): StreamState {
    if (!this.#over && this.#at >= this.#file.size) this.cancel();
    return this.#over ? "closed" : "open";
  }

  take(max: number): Uint8Array<ArrayBuffer> {
    if (this.state !== "open") return NO_BYTES;
    const bytes = this.#file.read(this.#at, max);
    this.#at += bytes.byteLength;
    return bytes;
  }

  cancel(): void {
    this.#over = true;
    this.#letGo();
  }
}

/** Writes a file. What there is no space for ends it with a `FileError`. */
export class FileSink implements ByteSink {
  readonly ready = true;
  readonly flushed = true;
  readonly subscribe = wakeNow;
  readonly #file: FileNode;
  readonly #letGo: () => void;
  #at: number | "end";
  #state: StreamState = "open";
  #error: unknown;

  constructor(file: FileNode, from: number | "end") {
    this.#file = file;
    this.#at = from;
    this.#letGo = file.hold();
  }

  get state(): StreamState {
    return this.#state;
  }

  get error(): unknown {
    return this.#error;
  }

  get room(): number {
    return this.#state === "open" ? STREAM_HIGH_WATER_BYTES : 0;
  }

  write(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#state !== "open") return;
    try {
      this.#file.write(chunk, this.#at === "end" ? this.#file.size : this.#at);
      if (this.#at !== "end") this.#at += chunk.byteLength;
    } catch (error) {
      this.abort(error);
    }
  }

  close(): void {
    this.#end("closed", undefined);
  }

  abort(error: unknown): void {
    this.#end("errored", error);
  }

  #end(state: StreamState, error: unknown): void {
    if (this.#state !== "open") return;
    this.#state = state;
    this.#error = error;
    this.#letGo();
  }
}
