/**
 * Spin's own HTTP, from before it spoke `wasi:http`: `fermyon:spin/inbound-http` and `fermyon:spin/http`, without versions.
 * Requests and responses are whole.
 *
 * @module
 */
import { currentTask, enterTask } from "../../context.ts";
import { type HostImports, type InterfaceName, type Isolate, waits } from "../../engine/mod.ts";
import { SkerryError, WitError } from "../../errors.ts";
import { Fields, FieldsError } from "../../http/fields.ts";
import type { Body, Exchange, HttpRequest, HttpResponse } from "../../http/message.ts";
import { MAX_READ_BYTES } from "../../limits.ts";
import { orEnd } from "../../or_end.ts";
import { ByteChannel } from "../../streams/bytes.ts";
import { latin1Bytes } from "../../streams/latin1.ts";
import { waitAny } from "../../streams/waitable.ts";
import type { Client } from "./client.ts";
import { type ErrorCode, HttpFailure } from "./error_code.ts";
import { guestFailure } from "./serve_p2.ts";

/** A body that stands whole in the host's memory. */
const MAX_WHOLE_BYTES = 16 * 2 ** 20;

/** In the order of the WIT. */
const METHODS: ReadonlySet<string> = new Set(["get", "post", "put", "delete", "patch", "head", "options"]);

interface SpinRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly params: readonly (readonly [string, string])[];
  readonly body?: Uint8Array | undefined;
}

interface SpinResponse {
  readonly status: number;
  readonly headers?: readonly (readonly [string, string])[] | undefined;
  readonly body?: Uint8Array | undefined;
}

/** All of a body; `undefined` when there is none, or when it has too much. */
async function whole(body: Body | null, tooLarge: () => Error): Promise<Uint8Array | undefined> {
  if (body === null) return undefined;
  const { source } = body;
  const { signal } = currentTask();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let bytes = 0; source.state === "open";) {
    const chunk = source.take(MAX_READ_BYTES);
    if (chunk.byteLength === 0) await waitAny([source], signal);
    bytes += chunk.byteLength;
    if (bytes > MAX_WHOLE_BYTES) {
      source.cancel();
      throw tooLarge();
    }
    chunks.push(chunk.slice());
  }
  if (source.state === "errored") throw source.error;
  return await new Blob(chunks).bytes();
}

function bodyOf(bytes: Uint8Array | undefined): Body | null {
  if (bytes === undefined || bytes.byteLength === 0) return null;
  const { sink, source } = new ByteChannel();
  sink.write(bytes.slice());
  sink.close();
  return { source, trailers: Promise.resolve(undefined), length: bytes.byteLength };
}

const fieldsOf = (headers: readonly (readonly [string, string])[] | undefined) =>
  Fields.from(
    (headers ?? []).filter(([name]) => name.toLowerCase() !== "content-length").map(([name, value]) => [
      name,
      latin1Bytes(value),
    ]),
  );

/** Calls a guest's `fermyon:spin/inbound-http`. The exchange has finished with the response. */
export function serveSpin(isolate: Isolate, interfaceName: InterfaceName, request: HttpRequest): Exchange {
  enterTask();
  const task = currentTask();
  // A task that ends is answered at once; what its caller still sends is not waited for.
  task.defer(() => request.body?.source.cancel());
  const response = orEnd(task, respond(isolate, interfaceName, request));
  const finished = response.then(() => {});
  response.catch(() => {});
  finished.catch(() => {});
  return { response, finished };
}

async function respond(isolate: Isolate, interfaceName: InterfaceName, request: HttpRequest): Promise<HttpResponse> {
  const task = currentTask();
  const calling = `calling ${task.function}`;
  const method = request.method.toLowerCase();
  if (!METHODS.has(method)) {
    throw new SkerryError("method-not-allowed", `${calling}: Spin's own interface knows no method ${request.method}`);
  }
  const handle = isolate.exports[interfaceName]?.["handleRequest"];
  if (handle === undefined) throw new SkerryError("component-no-handler", `${calling}: it exports no ${interfaceName}`);
  try {
    const body = await whole(
      request.body,
      () => new SkerryError("request-too-large", `${calling}: its request has more than ${MAX_WHOLE_BYTES} bytes`),
    );
    const { scheme, authority, pathWithQuery, fields } = request;
    const given: SpinRequest = {
      method,
      uri: pathWithQuery,
      headers: [
        ...fields.textEntries(),
        ["spin-full-url", `${scheme}://${authority}${pathWithQuery}`],
        ["spin-path-info", pathWithQuery.replace(/\?.*$/s, "")],
        ["spin-base-path", "/"],
      ],
      params: [],
      body,
    };
    return responseOf(await handle(given) as SpinResponse);
  } catch (error) {
    throw error instanceof FieldsError || error instanceof RangeError
      ? new SkerryError("guest-response-invalid", `${calling}: ${error.message}`)
      : guestFailure(error, task.function);
  } finally {
    request.body?.source.cancel();
  }
}

function responseOf({ status, headers, body }: SpinResponse): HttpResponse {
  if (status < 200 || status > 999) throw new RangeError(`its response has the status ${status}`);
  return { status, fields: fieldsOf(headers).freeze(), body: bodyOf(body) };
}

function spinError(code: ErrorCode): string {
  if (code.tag === "HTTP-request-denied" || code.tag === "destination-IP-prohibited") return "destination-not-allowed";
  if (code.tag === "HTTP-request-URI-invalid") return "invalid-url";
  return code.tag === "connection-limit-reached" ? "too-many-requests" : "request-error";
}

/** `fermyon:spin/http` for a function that may call what `client` lets it. */
export function spinHttp(client: Client): HostImports {
  async function sendRequest({ method, uri, headers, body }: SpinRequest): Promise<SpinResponse> {
    try {
      const url = URL.parse(uri);
      if (url === null) throw new HttpFailure("HTTP-request-URI-invalid");
      const response = await client.send({
        method: method.toUpperCase(),
        scheme: url.protocol.slice(0, -1),
        // As it was written, for user information is refused and not dropped.
        authority: /^[a-z]+:\/\/([^/?#]*)/i.exec(uri)?.[1] ?? "",
        pathWithQuery: url.pathname + url.search,
        fields: fieldsOf(headers),
        body: bodyOf(body),
      });
      const bytes = await whole(
        response.body,
        () => new HttpFailure({ tag: "HTTP-response-body-size", val: BigInt(MAX_WHOLE_BYTES) }),
      );
      return { status: response.status, headers: response.fields.textEntries(), body: bytes };
    } catch (error) {
      if (error instanceof HttpFailure) throw new WitError(spinError(error.payload));
      if (error instanceof FieldsError) throw new WitError("request-error");
      currentTask().log("error", `sending a request: ${error instanceof Error ? error.stack : error}`);
      throw new WitError("runtime-error");
    }
  }
  return { "fermyon:spin/http": { sendRequest: waits(sendRequest) }, "fermyon:spin/http-types": {} };
}
