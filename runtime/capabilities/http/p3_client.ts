/**
 * `wasi:http/client` 0.3.0.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { waits } from "../../engine/mod.ts";
import { calledOff, type CallOff } from "../../engine/streams.ts";
import { WitError } from "../../errors.ts";
import type { Client } from "./client.ts";
import { type ErrorCode, errorCodeOf, HttpFailure } from "./error_code.ts";
import { Request, Response } from "./p3_messages.ts";
import type { SendOptions } from "./send.ts";

const milliseconds = (nanoseconds: bigint | undefined) =>
  nanoseconds === undefined ? undefined : Number(nanoseconds) / 1e6;

/** `send` of `wasi:http/client`: the response's head is the result, its body follows. */
export function clientSend(client: Client) {
  return waits(function send(request: Request): CallOff<Response> {
    return calledOff((signal) => sendOne(client, request, signal));
  });
}

async function sendOne(client: Client, request: Request, signal: AbortSignal): Promise<Response> {
  try {
    const sent = Request.send(request);
    const response = await client.send(sent, { ...timeoutsOf(request), signal });
    // A body tells by itself when the last of it has gone.
    if (sent.body === null) Request.transmitted(request, { tag: "ok" });
    return Response.received(response);
  } catch (error) {
    const payload = codeOf(error);
    Request.transmitted(request, { tag: "err", val: payload });
    request[Symbol.dispose]();
    throw new WitError(payload);
  }
}

function timeoutsOf(request: Request): SendOptions {
  const timeouts = Request.timeouts(request);
  return {
    connectTimeoutMs: milliseconds(timeouts?.connect),
    firstByteTimeoutMs: milliseconds(timeouts?.firstByte),
    betweenBytesTimeoutMs: milliseconds(timeouts?.betweenBytes),
  };
}

function codeOf(error: unknown): ErrorCode {
  if (!(error instanceof HttpFailure)) {
    // Not a failure that we know: the guest learns nothing of it, the operator all.
    currentTask().log("error", `sending a request: ${error instanceof Error ? error.stack : error}`);
  }
  return errorCodeOf(error, { tag: "internal-error", val: undefined });
}
