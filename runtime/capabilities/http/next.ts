/**
 * `wasi:http/handler` 0.3.0 as an import: the next function in a chain of middleware.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { waits } from "../../engine/mod.ts";
import { calledOff, type CallOff } from "../../engine/streams.ts";
import { type ErrorCode as SkerryCode, SkerryError, WitError } from "../../errors.ts";
import { Fields } from "../../http/fields.ts";
import type { HttpRequest } from "../../http/message.ts";
import { taskLocal } from "../../task.ts";
import { describeErrorCode, type ErrorCode, HttpFailure } from "./error_code.ts";
import { Request, Response } from "./p3_messages.ts";

/** What a task of middleware knows of the request that it got, and of the last one that it handed on. */
const chain = taskLocal((): {
  received?: Pick<HttpRequest, "scheme" | "authority">;
  failure?: { readonly payload: ErrorCode; readonly error: SkerryError };
  calls: number;
} => ({ calls: 0 }));

/** To be called with the request that the task is for: one that is handed on goes to the same place, if it says no other. */
export function received({ scheme, authority }: HttpRequest): void {
  chain().received = { scheme, authority };
}

/**
 * What failed behind this function, if the error that it answers with is the one that it was given: then that is what the
 * caller should hear of, and not that some function answered with an error.
 */
export function failedBehind(payload: unknown): SkerryError | undefined {
  const { failure } = chain();
  if (failure === undefined) return undefined;
  const same = describeErrorCode(failure.payload) === describeErrorCode(payload as ErrorCode);
  return same ? failure.error : undefined;
}

const CODES: Partial<Record<SkerryCode, ErrorCode>> = {
  "deadline-exceeded": { tag: "HTTP-response-timeout" },
  "cpu-limit": { tag: "HTTP-response-timeout" },
  "loop-detected": { tag: "loop-detected" },
  "overloaded": { tag: "connection-limit-reached" },
  "request-too-large": { tag: "HTTP-request-body-size", val: undefined },
  "response-too-large": { tag: "HTTP-response-body-size", val: undefined },
  "guest-response-incomplete": { tag: "HTTP-response-incomplete" },
};

/** Hands a request on: `handle` of the imported `wasi:http/handler`. */
export const handleNext = waits(function handle(request: Request): CallOff<Response> {
  return calledOff((signal) => handOn(request, signal));
});

async function handOn(request: Request, signal: AbortSignal): Promise<Response> {
  const task = currentTask();
  let sent: HttpRequest | undefined;
  try {
    const state = chain();
    if (task.callNext === undefined) {
      const message =
        `${task.function} hands a request on, but stands in front of nothing. Name it in the "middleware" ` +
        "of the function that it is to stand in front of";
      task.log("warn", message);
      throw new HttpFailure("configuration-error", message);
    }
    if (++state.calls > task.limits.outgoingRequests) {
      task.meet("outgoingRequests", "a request to the next function");
      throw new HttpFailure("connection-limit-reached");
    }
    sent = Request.send(request, state.received);
    const response = await task.callNext({ ...sent, fields: Fields.received(sent.fields.textEntries()) }, signal);
    if (sent.body === null) Request.transmitted(request, { tag: "ok" });
    return Response.received(response);
  } catch (error) {
    sent?.body?.source.cancel();
    const payload = codeOf(error);
    if (error instanceof SkerryError) chain().failure = { payload, error };
    Request.transmitted(request, { tag: "err", val: payload });
    request[Symbol.dispose]();
    throw new WitError(payload);
  }
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof HttpFailure) return error.payload;
  if (!(error instanceof SkerryError)) throw error;
  // The summary is what any caller may know.
  return CODES[error.code] ?? { tag: "internal-error", val: `${error.code}: ${error.summary}` };
}
