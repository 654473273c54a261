/**
 * A guest's stdout and stderr as log records of its task, one for each line.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { MAX_LOG_LINE_BYTES } from "../../limits.ts";
import type { LogLevel } from "../../log.ts";
import type { ByteSink } from "../../streams/bytes.ts";
import { ThrownReader } from "../../stack/thrown.ts";
import { noteFailedBody } from "../../streams/failed_body.ts";
import { type Task, taskLocal } from "../../task.ts";

/**
 * What may be written at once: as much as a write that blocks may have. Each byte may be a line, and so a record, and nobody
 * else runs while they are made.
 */
const ROOM_BYTES = 4096;

const NEWLINE = 10;
const RETURN = 13;
const decoder = new TextDecoder();

/** Cuts what is written into lines and logs them. What has no newline yet is logged when the task ends. */
class LineLogger {
  readonly #task: Task;
  readonly #level: LogLevel;
  readonly #source: string;
  readonly #tell: (line: string) => string;
  readonly #line = new Uint8Array(MAX_LOG_LINE_BYTES);
  #length = 0;

  /** @param tell takes each line, and answers with what is to stand in the log for it */
  constructor(task: Task, level: LogLevel, source: string, tell: (line: string) => string) {
    this.#task = task;
    this.#level = level;
    this.#source = source;
    this.#tell = tell;
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
    this.#task.log(this.#level, this.#tell(text), this.#source);
  }
}

function lineSink(level: LogLevel, source: string, teller: (task: Task) => (line: string) => string): () => ByteSink {
  return taskLocal(() => {
    const task = currentTask();
    const lines = new LineLogger(task, level, source, teller(task));
    return {
      state: "open",
      error: undefined,
      room: ROOM_BYTES,
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

/** Where a task's guest writes. One sink for all handles and WASI versions, so that lines stay whole. */
export interface GuestOutput {
  readonly stdout: () => ByteSink;
  /** Not level `error`: many languages log everything there. */
  readonly stderr: () => ByteSink;
}

/** What the guests of a function write, as records of their tasks. */
export function guestOutput(toSource: (text: string) => string = (text) => text): GuestOutput {
  return {
    stdout: lineSink("info", "stdout", () => toSource),
    stderr: lineSink("warn", "stderr", (task) => {
      const thrown = new ThrownReader(task);
      return (line) => {
        const told = toSource(line);
        thrown.line(told);
        noteFailedBody(task, line);
        return told;
      };
    }),
  };
}
