/**
 * A guest's stdout and stderr as log records of its task, one for each line.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { MAX_LOG_LINE_BYTES, STREAM_HIGH_WATER_BYTES } from "../../limits.ts";
import type { LogLevel } from "../../log.ts";
import type { ByteSink } from "../../streams/bytes.ts";
import { type Task, taskLocal } from "../../task.ts";

const NEWLINE = 10;
const RETURN = 13;
const decoder = new TextDecoder();

/** Cuts what is written into lines and logs them. What has no newline yet is logged when the task ends. */
class LineLogger {
  readonly #task: Task;
  readonly #level: LogLevel;
  readonly #source: string;
  readonly #line = new Uint8Array(MAX_LOG_LINE_BYTES);
  #length = 0;

  constructor(task: Task, level: LogLevel, source: string) {
    this.#task = task;
    this.#level = level;
    this.#source = source;
    task.defer(() => this.#length > 0 && this.#log(this.#length));
  }

  write(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.byteLength) {
      const found = chunk.indexOf(NEWLINE, at);
      const end = found < 0 ? chunk.byteLength : found;
      while (at < end) {
        const space = MAX_LOG_LINE_BYTES - this.#length;
        const part = chunk.subarray(at, Math.min(end, at + space));
        this.#line.set(part, this.#length);
        this.#length += part.byteLength;
        at += part.byteLength;
        if (this.#length === MAX_LOG_LINE_BYTES) this.#log(this.#wholeCharacters());
      }
      if (found >= 0) {
        this.#log(this.#length);
        at = found + 1;
      }
    }
  }

  /** Where the last whole character of a full line ends, so that a cut does not spoil one. */
  #wholeCharacters(): number {
    for (let back = 1; back <= 3; back++) {
      const byte = this.#line[this.#length - back]!;
      if (byte < 0x80) break;
      if (byte >= 0xc0) {
        const wants = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
        return wants > back ? this.#length - back : this.#length;
      }
    }
    return this.#length;
  }

  #log(length: number): void {
    const end = length > 0 && this.#line[length - 1] === RETURN ? length - 1 : length;
    const text = decoder.decode(this.#line.subarray(0, end));
    this.#line.copyWithin(0, length, this.#length);
    this.#length -= length;
    this.#task.log(this.#level, text, this.#source);
  }
}

function lineSink(level: LogLevel, source: string): () => ByteSink {
  return taskLocal(() => {
    const lines = new LineLogger(currentTask(), level, source);
    return {
      state: "open",
      error: undefined,
      room: STREAM_HIGH_WATER_BYTES,
      flushed: true,
      ready: true,
      write: (chunk: Uint8Array) => lines.write(chunk),
      close() {},
      abort() {},
      subscribe(wake: () => void) {
        wake();
        return () => {};
      },
    };
  });
}

/** The task's stdout: one for all handles and WASI versions, so that lines stay whole. */
export const stdoutSink: () => ByteSink = lineSink("info", "stdout");

/** The task's stderr. Not level `error`: many languages log everything there. */
export const stderrSink: () => ByteSink = lineSink("warn", "stderr");
