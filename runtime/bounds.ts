/**
 * The bodies of requests and responses, held to their function's limits.
 *
 * @module
 */
import { SkerryError } from "./errors.ts";
import { type HttpRequest, type HttpResponse, withSource } from "./http/message.ts";
import type { LimitName } from "./limits.ts";
import { hasStackRoom } from "./stack_room.ts";
import { bounded } from "./streams/bounded.ts";
import type { ByteSource } from "./streams/bytes.ts";
import type { Task } from "./task.ts";

/**
 * `request`, whose body breaks off where it has more bytes than the task's function takes.
 *
 * @throws {SkerryError} `request-too-large`, when it says so beforehand; otherwise the task ends when it is seen.
 */
export function boundedRequest(request: HttpRequest, task: Task): HttpRequest {
  const { body } = request;
  if (body === null) return request;
  const most = task.limits.requestBodyBytes;
  const error = () => exceeded(task, "request-too-large", "receiving a request's body", "requestBodyBytes");
  if (body.length !== undefined && body.length > most) throw error();
  // The server sees to it that what comes from outside has the length that it says.
  if (body.length !== undefined && task.depth === 0) return request;
  const { method, scheme, authority, pathWithQuery, fields } = request;
  const source = boundedSource(body.source, most, task, error);
  return { method, scheme, authority, pathWithQuery, fields, body: withSource(body, source) };
}

/**
 * `response`, likewise.
 *
 * @throws {SkerryError} `response-too-large`, when all of it is there already.
 */
export function boundedResponse(response: HttpResponse, task: Task): HttpResponse {
  const { body } = response;
  if (body === null) return response;
  const most = task.limits.responseBodyBytes;
  const { remaining } = body.source;
  if (remaining === undefined) {
    return {
      ...response,
      body: withSource(body, boundedSource(body.source, most, task, responseTooLarge.bind(null, task))),
    };
  }
  if (remaining > most) throw responseTooLarge(task);
  return response;
}

function responseTooLarge(task: Task): SkerryError {
  return exceeded(task, "response-too-large", "sending a response's body", "responseBodyBytes");
}

function boundedSource(source: ByteSource, most: number, task: Task, error: () => SkerryError): ByteSource {
  return bounded(source, most, () => {
    const reason = error();
    // Whoever reads may be a guest that has left no stack for the task's clean-up.
    if (hasStackRoom()) task.end(reason);
    else queueMicrotask(() => task.end(reason));
    return task.reason ?? reason;
  });
}

function exceeded(
  task: Task,
  code: "request-too-large" | "response-too-large",
  attempted: string,
  limit: LimitName,
): SkerryError {
  task.countLimit(limit);
  return new SkerryError(code, `${attempted}: over ${task.limits[limit]} bytes (limits.${limit})`);
}
