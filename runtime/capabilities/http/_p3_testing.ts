/**
 * What the tests of `wasi:http` 0.3 share: a guest that is a function.
 *
 * @module
 */
import { withTask } from "../../context.ts";
import type { Isolate } from "../../engine/mod.ts";
import { type HostStream, type Result } from "../../engine/streams.ts";
import { Fields as HostFields } from "../../http/fields.ts";
import { latin1Bytes } from "../../streams/latin1.ts";
import type { Body, Exchange, HttpRequest } from "../../http/message.ts";
import { ByteChannel, type ByteSink } from "../../streams/bytes.ts";
import { Task } from "../../task.ts";
import { code, drained } from "./_body_testing.ts";
import { type ErrorCode } from "./error_code.ts";
import type { Transmission } from "./p3_contents.ts";
import { Fields } from "./p3_fields.ts";
import { Request, Response } from "./p3_messages.ts";
import { serveP3 } from "./serve_p3.ts";

export { code };
export const NAME = "wasi:http/handler@0.3.0";
export const utf8 = (text: string) => new TextEncoder().encode(text);
export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
export type Trailers = Result<Fields | undefined, ErrorCode>;
export const OK = Promise.resolve({ tag: "ok" } as const);

export function request(options: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "GET",
    scheme: "https",
    authority: "example.com:8443",
    pathWithQuery: "/a/../b?c=%20",
    fields: HostFields.received([["x-tag", "1"], ["X-Tag", "2"], ["connection", "close"]]),
    body: null,
    ...options,
  };
}

export interface Served {
  readonly task: Task;
  readonly exchange: Exchange;
  /** What the engine would tell: the last guest task is over, or trapped. */
  readonly ended: PromiseWithResolvers<void>;
}

/** Calls `handle` as an engine would call a guest. */
export function serve(handle: (request: Request) => unknown, options: Partial<HttpRequest> = {}): Served {
  const task = new Task({ function: "test" });
  const ended = Promise.withResolvers<void>();
  const isolate: Isolate = {
    exports: { [NAME]: { handle: async (request) => await handle(request) } },
    ended: ended.promise,
    dispose() {},
  };
  return { task, ended, exchange: withTask(task, () => serveP3(isolate, NAME, request(options))) };
}

/** What a guest does to answer: `write` gets the writable end of the body. */
export function answer(
  write: ((sink: ByteSink) => void) | null,
  { headers = [], status = 200, trailers = OK }: {
    headers?: [string, string][];
    status?: number;
    trailers?: PromiseLike<Trailers>;
  } = {},
): [Response, Promise<Transmission>] {
  const fields = Fields.fromList(headers.map(([name, value]) => [name, latin1Bytes(value)]));
  const channel = new ByteChannel();
  const [response, sent] = Response.new(fields, write === null ? undefined : channel.source, trailers);
  response.setStatusCode(status);
  write?.(channel.sink);
  return [response, sent];
}

export const hello = (sink: ByteSink) => {
  sink.write(utf8("hello"));
  sink.close();
};

/** All that the server would send of a body. */
export async function drain(body: Body | null): Promise<string> {
  return text(await drained(body, 3));
}

export async function readAll(stream: unknown): Promise<string> {
  let all = "";
  for await (const chunk of stream as HostStream) all += text(chunk);
  return all;
}
