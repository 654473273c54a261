/**
 * `skerry:http`: the async functions of `wasi:http` 0.3 as functions that give a future, for guests whose toolchain can
 * import none that is async (`wit/waits.wit`).
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { type Result, toGuestResult } from "../../engine/streams.ts";
import { WitError } from "../../errors.ts";
import type { ErrorCode } from "./error_code.ts";
import type { Request, Response } from "./p3_messages.ts";

type Call = (request: Request) => Promise<Response>;

/** `skerry:http` over `wasi:http` 0.3 as a function has it. */
export function futuresOf(host: HostImports): HostImports {
  const send = host["wasi:http/client@0.3.0"]!["send"] as Call;
  const handle = host["wasi:http/handler@0.3.0"]!["handle"] as Call;
  return {
    "skerry:http/client@0.1.0": { send: (request: Request) => future(send(request)) },
    "skerry:http/handler@0.1.0": { handle: (request: Request) => future(handle(request)) },
  };
}

/** A future never rejects: what is no `error-code` is the operator's to know. */
function future(promise: Promise<Response>): Promise<Result<Response, ErrorCode>> {
  return toGuestResult(
    promise,
    (thrown) => thrown instanceof WitError ? thrown.payload as ErrorCode : { tag: "internal-error", val: undefined },
  );
}
