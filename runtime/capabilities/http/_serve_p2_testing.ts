/**
 * Guests in JavaScript, called as an engine would call them.
 *
 * @module
 */
import { withTask } from "../../context.ts";
import type { Isolate } from "../../engine/mod.ts";
import { WitError } from "../../errors.ts";
import { Fields as HostFields } from "../../http/fields.ts";
import { latin1Bytes } from "../../streams/latin1.ts";
import type { Body, Exchange, HttpRequest } from "../../http/message.ts";
import type { IoError } from "../../streams/p2/mod.ts";
import { Task } from "../../task.ts";
import { code, drained } from "./_body_testing.ts";
import { p2 } from "./p2.ts";
import { Fields } from "./p2_fields.ts";
import type { IncomingRequest } from "./p2_incoming.ts";
import { OutgoingBody, OutgoingResponse } from "./p2_outgoing.ts";
import { ResponseOutparam } from "./p2_outparam.ts";
import { serveP2 } from "./serve_p2.ts";

export { code };
export const httpErrorCode = p2({ allow: [] })["wasi:http/types@0.2.12"]!.httpErrorCode as (error: IoError) => unknown;
const NAME = "wasi:http/incoming-handler@0.2.3";
export const utf8 = (text: string) => new TextEncoder().encode(text);
export type Handle = (request: IncomingRequest, out: ResponseOutparam) => void | Promise<void>;

function request(options: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "GET",
    scheme: "https",
    authority: "example.com:8443",
    pathWithQuery: "/a/../b?c=%20",
    fields: HostFields.received([["x-tag", "1"], ["X-Tag", "2"]]),
    body: null,
    ...options,
  };
}

/** Calls `handle` as an engine would call a guest. */
export function serve(handle: Handle, options: Partial<HttpRequest> = {}): { task: Task; exchange: Exchange } {
  const task = new Task({ function: "test" });
  const isolate: Isolate = {
    // deno-lint-ignore require-await -- what a guest throws is a rejection
    exports: { [NAME]: { handle: async (...args) => handle(args[0], args[1]) } },
    dispose() {},
  };
  return { task, exchange: withTask(task, () => serveP2(isolate, NAME, request(options))) };
}

/** All that the server would send of a body. */
export async function drain(body: Body | null): Promise<string> {
  return new TextDecoder().decode(await drained(body, 7));
}

export function response(headers: [string, string][] = []): OutgoingResponse {
  return new OutgoingResponse(Fields.fromList(headers.map(([name, value]) => [name, latin1Bytes(value)])));
}

/** A response whose body is `text`, ended in good order. */
export function answer(out: ResponseOutparam, text: string, set = response()): void {
  const body = set.body();
  ResponseOutparam.set(out, { tag: "ok", val: set });
  const stream = body.write();
  stream.write(utf8(text));
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, undefined);
}

export function caught(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    if (error instanceof WitError) return error.payload;
    throw error;
  }
  throw new Error("expected the error of a result");
}
