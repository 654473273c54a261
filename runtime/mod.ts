/**
 * The runtime's public face: all that routes/ and main.ts may import.
 *
 * @module
 */
import type { FunctionEntry as Entry } from "./functions.ts";
import type { ServedFunction } from "./dispatcher.ts";
import type { SkerryError } from "./errors.ts";
import type { Task } from "./task.ts";

export { z } from "zod";
export { type Capability, defineCapability, type LinkContext } from "./capability.ts";
export { currentTask, maybeTask, withTask } from "./context.ts";
export type { HostImports, HostInterface } from "./engine/mod.ts";
export { type Culprit, ERROR_KINDS, type ErrorCode, SkerryError, toSkerryError, WitError } from "./errors.ts";
export type { LogRecord, LogSink } from "./log.ts";
export { compareSpecificity, expandPath, formatRoute, type Route, splitPath } from "./manifest/route.ts";
export { type ErrorTrace, guestStack, type StackFrame, traceError } from "./stack/mod.ts";
export { requestId, Task, taskLocal } from "./task.ts";

/** A function as the router sees it. */
export type FunctionEntry = Entry<ServedFunction>;

/** A request that got no response of a function's own. */
export interface Failure {
  readonly error: SkerryError;
  /** The request's task; `null` if it ended before there was one. */
  readonly task: Task | null;
  readonly request: Request;
}

/** Makes the answer to a request that failed before its headers were sent. */
export type FailureResponse = (failure: Failure) => Response;

/** Functions, and how a request gets to one. */
export interface Runtime {
  /** Whether callers may see what an operator sees. */
  readonly dev: boolean;
  readonly functions: readonly FunctionEntry[];
  /** Changes whenever the routes of a function may have changed. */
  readonly version: number;
  /** Whether it takes no more requests. */
  readonly stopping: boolean;
  /** Serves a request by a function, in a task of its own. Never rejects: a failure becomes a response through `failed`. */
  dispatch(entry: FunctionEntry, request: Request, failed: FailureResponse): Promise<Response>;
  /** Lets running requests finish, at most `graceMs` milliseconds, and ends the rest. Returns how many those were. */
  stop(graceMs: number): Promise<number>;
}
