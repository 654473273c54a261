/**
 * What a guest in JavaScript threw and did not catch, read from its stderr: it is told nowhere else.
 *
 * @module
 */
import type { Task } from "../task.ts";
import type { ErrorTrace, StackFrame } from "./mod.ts";
import { parseStack } from "./mod.ts";

/** As the entry begins what it says that is built around a `fetch` handler (`runtime/build`). */
const UNCAUGHT = /^(?:Uncaught |Error while running request handler: )(.*)$/;
/** As StarlingMonkey writes a frame: `async*name@app.ts:3:5`; with `Stack:` before the first, if it says by itself what was thrown. */
const STARLING_FRAME = /^ *(async\*)?([^@]*)@(.+:\d+:\d+)$/;
const STARLING_STACK = "Stack:";
/** As it tells of a body whose stream failed: with the error as code that would make it, and the line where it was made. */
const FAILED_BODY = /^Warning: body ReadableStream closed during body streaming\. Exception: (.*)$/;
const AS_CODE = /^\(new (\w+)\("(.*)", "([^"]+)", (\d+)\)\)$/;
/** As the Rust around QuickJS writes what was thrown, when it panics for it: where that begins, and all of it from there. */
const QUICKJS_BEGINS = "Exception { message: ";
const QUICKJS = /Exception \{ message: (?:Some\(("(?:[^"\\]|\\.)*")\)|None), stack: Some\(("(?:[^"\\]|\\.)*")\) \}/y;

/** A message may have several lines; one that has more is cut. */
const MAX_TITLE_LINES = 10;
const MAX_FRAMES = 100;

/** How many requests a developer's browser may still ask about. */
const MAX_RECENT = 32;

const thrown = new WeakMap<Task, ErrorTrace>();
const recent = new Map<string, Task>();

/** What the guest of `task` threw last and did not catch, if it said so. */
export function thrownBy(task: Task): ErrorTrace | undefined {
  return thrown.get(task);
}

/** What a guest dies of that has thrown, as the host sees it: frames of an engine, or half a body, which say nothing. */
const DIES_OF: ReadonlySet<string> = new Set(["guest-trapped", "guest-response-incomplete"]);

/** What the guest threw, if `error`, with which its task has failed, is what came of that. */
export function thrownFor(error: { readonly code: string }, task: Task): ErrorTrace | undefined {
  return DIES_OF.has(error.code) ? thrown.get(task) : undefined;
}

/** The first line of what a trace is of. */
export function titleLine({ title }: ErrorTrace): string {
  return title.split("\n", 1)[0]!;
}

/** The message of an error with which a task has failed, with what its guest threw if that is why. */
export function withThrown(error: { readonly code: string; readonly message: string }, task: Task): string {
  const trace = thrownFor(error, task);
  return trace === undefined ? error.message : `${error.message} (it threw ${titleLine(trace)})`;
}

/** The newest task with this id whose guest threw and did not catch, of those that are recorded. */
export function taskThatThrew(id: string): Task | undefined {
  return recent.get(id);
}

/**
 * Takes what a guest writes to stderr, line by line, its places being those in the sources.
 *
 * @example
 * ```ts
 * import { Task } from "../task.ts";
 * import { ThrownReader, thrownBy } from "./thrown.ts";
 *
 * const task = new Task({ function: "hello" });
 * const reader = new ThrownReader(task);
 * for (const line of ["Uncaught RangeError: no", "fetch@hello.ts:3:5"]) reader.line(line);
 * console.assert(thrownBy(task)?.title === "RangeError: no" && thrownBy(task)?.frames[0]?.name === "fetch");
 * task.end();
 * ```
 */
export class ThrownReader {
  readonly #task: Task;
  /** What is being read; `undefined` between two errors. */
  #title: string[] | undefined;
  #frames: StackFrame[] = [];

  constructor(task: Task) {
    this.#task = task;
  }

  line(text: string): void {
    const first = UNCAUGHT.exec(text)?.[1];
    if (first !== undefined) {
      this.#title = [first];
      this.#frames = [];
      return this.#note({ title: first, frames: [] });
    }
    if (text.startsWith("Warning: ")) this.#failedBody(text);
    else if (this.#title !== undefined) this.#goOn(text);
    else {
      const begins = text.indexOf(QUICKJS_BEGINS);
      if (begins >= 0) this.#quickjs(text, begins);
    }
  }

  #goOn(text: string): void {
    const title = this.#title!;
    const frame = STARLING_FRAME.exec(text);
    if (frame !== null && this.#frames.length < MAX_FRAMES) {
      const [, later, name, location] = frame;
      this.#frames.push({ name: `${later ? "async " : ""}${name || "(anonymous)"}`, location: location!, guest: true });
    } else if (frame === null && this.#frames.length === 0 && title.length < MAX_TITLE_LINES) {
      if (text !== STARLING_STACK) title.push(text);
    } else {
      this.#title = undefined;
      return;
    }
    // Without a stack, what follows is no more of the message than of anything else.
    if (this.#frames.length > 0) this.#note({ title: title.join("\n").trimEnd(), frames: this.#frames });
  }

  #failedBody(text: string): void {
    const said = FAILED_BODY.exec(text)?.[1];
    if (said === undefined) return;
    const [, name, message, file, line] = AS_CODE.exec(said) ?? [];
    const frames = file === undefined
      ? []
      : [{ name: "(the stream of a body)", location: `${file}:${line}`, guest: true }];
    this.#note({ title: name === undefined ? said : `${name}: ${message}`, frames });
  }

  #quickjs(text: string, begins: number): void {
    // Only there: a guest may write it a thousand times in a line.
    QUICKJS.lastIndex = begins;
    const match = QUICKJS.exec(text);
    if (match === null) return;
    const [, message, stack] = match;
    const frames = parseStack(unquoted(stack!)).map((frame) => ({ ...frame, guest: true }));
    if (frames.length > 0) this.#note({ title: message === undefined ? "Error" : unquoted(message), frames });
  }

  #note(trace: ErrorTrace): void {
    const task = this.#task;
    thrown.set(task, trace);
    // Writing this was a host call. Where none is recorded, nobody can ask about the task.
    if (task.recordedCalls.length === 0) return;
    recent.delete(task.id);
    recent.set(task.id, task);
    for (const [id] of recent) {
      if (recent.size <= MAX_RECENT) break;
      recent.delete(id);
    }
  }
}

/** A string as Rust's `{:?}` writes it. */
function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(?:u\{([0-9a-f]{1,6})\}|(.))/g, (_, code?: string, character?: string) => {
    if (code !== undefined) {
      return Number.parseInt(code, 16) <= 0x10ffff ? String.fromCodePoint(parseInt(code, 16)) : "";
    }
    return { n: "\n", r: "\r", t: "\t", "0": "\0" }[character!] ?? character!;
  });
}
