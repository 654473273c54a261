/**
 * Stack traces of guests, for people: names demangled, the guest's frames told from the host's.
 *
 * @module
 */
import { demangleItanium } from "./itanium.ts";
import { demangleRust } from "./rust.ts";

/** One frame of a stack trace. */
export interface StackFrame {
  /** The function's name, demangled; `function 12` when the binary has no name for it. */
  readonly name: string;
  /** Where: `main.wasm, offset 0x1f3` in a guest, a file and line in the host; empty if it is not known. */
  readonly location: string;
  readonly guest: boolean;
}

/** An error and what it came from. */
export interface ErrorTrace {
  /** `RuntimeError: unreachable`. */
  readonly title: string;
  readonly frames: readonly StackFrame[];
}

/** More causes than this are no help, and a chain may be a ring. */
const MAX_CAUSES = 8;

/**
 * The stack traces of an error and of its causes, the outermost first.
 *
 * @example
 * ```ts
 * import { traceError } from "./mod.ts";
 *
 * const error = new Error("no");
 * error.stack = "Error: no\n    at _ZN5hello4main17h0123456789abcdefE (wasm://wasm/hello-1a2b:wasm-function[7]:0x1f3)";
 * const [trace] = traceError(error);
 * console.assert(trace?.frames[0]?.name === "hello::main" && trace.frames[0].guest);
 * ```
 */
export function traceError(thrown: unknown): ErrorTrace[] {
  const traces: ErrorTrace[] = [];
  let error = thrown;
  while (error instanceof Error && traces.length < MAX_CAUSES) {
    traces.push({ title: titleOf(error), frames: parseStack(error.stack ?? "") });
    error = error.cause;
  }
  if (error !== undefined && error !== null && !(error instanceof Error)) {
    traces.push({ title: String(error), frames: [] });
  }
  return traces;
}

/** A stack trace as text with its names demangled and the guest's frames only, for a log. Empty if there are none. */
export function guestStack(traces: readonly ErrorTrace[]): string {
  return traces.flatMap(({ frames }) => frames.filter(({ guest }) => guest)).map(formatFrame).join("\n");
}

/** A trace as a log has it. */
export function formatTrace({ title, frames }: ErrorTrace): string {
  return [title, ...frames.map(formatFrame)].join("\n");
}

/**
 * What a log tells of a failure's origin: the innermost error that has frames of the guest, with those alone; the whole
 * stack of its innermost cause if none has; `undefined` if the failure has no cause.
 */
export function originOf(error: Error): string | undefined {
  const traces = traceError(error.cause);
  const guest = traces.findLast(({ frames }) => frames.some(({ guest }) => guest));
  const origin = guest ?? traces.at(-1);
  if (origin === undefined) return undefined;
  const frames = origin.frames.filter((frame) => guest === undefined || frame.guest);
  return formatTrace({ title: origin.title, frames });
}

function formatFrame({ name, location }: StackFrame): string {
  return `    at ${name}${location === "" ? "" : ` (${location})`}`;
}

/** A linker's name as a person would write it: Rust (v0 and legacy) and C++; others, such as Go's, as they are. */
export function demangle(name: string): string {
  return demangleRust(name) ?? demangleItanium(name) ?? name;
}

function titleOf(error: Error): string {
  const name = error.name || "Error";
  return error.message === "" ? name : `${name}: ${error.message}`;
}

/** A guest calls its functions what it likes, in a hundred thousand characters, lines and brackets among them. */
const MAX_FRAMES = 100, MAX_CHARACTERS = 2000;

const FRAME = /^\s*at (?:async )?/;
const GUEST_FRAME =
  /^\s*at (?:async )?(?:(.*) \()?wasm:\/\/wasm\/(?:([^()]*)-)?[0-9a-f]*:wasm-function\[(\d+)\]:(0x[0-9a-f]+)\)?$/;

/** The frames of a V8 stack trace. */
export function parseStack(stack: string): StackFrame[] {
  const frames: StackFrame[] = [];
  for (const line of stack.split("\n")) {
    if (frames.length === MAX_FRAMES) break;
    const guest = GUEST_FRAME.exec(line);
    if (guest !== null) {
      const [, raw, module, index, offset] = guest;
      frames.push({
        name: raw === undefined || raw === "" || raw === "<anonymous>" ? `function ${index}` : clipped(demangle(raw)),
        location: `${clipped(module ?? "wasm")}, offset ${offset}`,
        guest: true,
      });
      continue;
    }
    const host = FRAME.exec(line);
    if (host !== null) frames.push(hostFrame(line.slice(host[0].length)));
  }
  return frames;
}

/** `name (location)`, or a location alone. No expression reads it: one would try each bracket against each other one. */
function hostFrame(text: string): StackFrame {
  const bracket = text.endsWith(")") ? text.indexOf(" (") : -1;
  return bracket < 0
    ? { name: "(anonymous)", location: clipped(text), guest: false }
    : { name: clipped(text.slice(0, bracket)), location: clipped(text.slice(bracket + 2, -1)), guest: false };
}

function clipped(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
}
