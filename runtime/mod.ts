/**
 * The runtime's public face: all that routes/ and main.ts may import.
 *
 * @module
 */

export { z } from "zod";
export { type Capability, defineCapability, type LinkContext } from "./capability.ts";
export { currentTask, maybeTask, withTask } from "./context.ts";
export type { Failure, FailureResponse } from "./dispatcher.ts";
export type { Engine, HostImports, HostInterface } from "./engine/mod.ts";
export { type Culprit, ERROR_KINDS, type ErrorCode, SkerryError, toSkerryError, WitError } from "./errors.ts";
export type { LogRecord, LogSink } from "./log.ts";
export { METRICS_TYPE } from "./metrics.ts";
export { compareSpecificity, expandPath, formatRoute, type Route, splitPath } from "./manifest/route.ts";
export { type OpenOptions, openRuntime } from "./open.ts";
export { gatherCapabilities, type ImportModule } from "./own.ts";
export { type FunctionEntry, FunctionRuntime, type Runtime, type RuntimeOptions } from "./runtime.ts";
export { stopOnSignals } from "./server.ts";
export { readSettings, type Settings } from "./settings.ts";
export { type ComponentOptions, ComponentRuntime } from "./single.ts";
export { type ErrorTrace, guestStack, type StackFrame, traceError } from "./stack/mod.ts";
export { taskThatThrew, thrownBy, withThrown } from "./stack/thrown.ts";
export { requestId, Task, taskLocal } from "./task.ts";
export { withoutSecrets } from "./task_log.ts";
export type { FunctionReport } from "./usage.ts";
