/**
 * `wasi:http` 0.2.12: what guests import.
 *
 * @module
 */
import { direct } from "../../engine/direct.ts";
import { allAtOnce, atOnce, type HostImports } from "../../engine/mod.ts";
import { IoError } from "../../streams/p2/mod.ts";
import { Client } from "./client.ts";
import type { ConnectionGate } from "./connection_gate.ts";
import { type ErrorCode, HttpFailure } from "./error_code.ts";
import type { HttpGrant } from "./grant.ts";
import { FutureIncomingResponse, outgoingHandler, RequestOptions } from "./p2_client.ts";
import { Fields } from "./p2_fields.ts";
import { FutureTrailers, IncomingBody, IncomingRequest, IncomingResponse } from "./p2_incoming.ts";
import { OutgoingBody, OutgoingRequest, OutgoingResponse } from "./p2_outgoing.ts";
import { ResponseOutparam } from "./p2_outparam.ts";

allAtOnce(Fields, "get", "has", "set", "delete", "append", "entries", "clone", Symbol.dispose);
atOnce(Fields.fromList);
// They keep none of the arrays.
direct(Fields.fromList, { call: Fields.fromList });
direct(Fields.prototype.set, {
  call: (fields: Fields, name: string, values: Uint8Array[]) => fields.set(name, values),
});
direct(Fields.prototype.append, {
  call: (fields: Fields, name: string, value: Uint8Array) => fields.append(name, value),
});

// A request with a body is in the storage from the start.
allAtOnce(IncomingRequest, "method", "pathWithQuery", "scheme", "authority", "headers", Symbol.dispose);
allAtOnce(OutgoingResponse, "statusCode", "setStatusCode", "headers", "body", Symbol.dispose);
allAtOnce(OutgoingBody, "write", Symbol.dispose);
allAtOnce(ResponseOutparam, Symbol.dispose);
atOnce(OutgoingBody.finish, ResponseOutparam.set);

function httpErrorCode(error: IoError): ErrorCode | undefined {
  const cause = IoError.causeOf(error);
  return cause instanceof HttpFailure ? cause.payload : undefined;
}

/** `wasi:http` for a function that may call what `grant` lists, over `connections`; those of the process if left out. */
export function p2(grant: HttpGrant, connections?: ConnectionGate): HostImports {
  return {
    "wasi:http/types@0.2.12": {
      Fields,
      FutureIncomingResponse,
      FutureTrailers,
      IncomingBody,
      IncomingRequest,
      IncomingResponse,
      OutgoingBody,
      OutgoingRequest,
      OutgoingResponse,
      RequestOptions,
      ResponseOutparam,
      httpErrorCode,
    },
    "wasi:http/outgoing-handler@0.2.12": { handle: outgoingHandler(new Client(grant, { connections })) },
  };
}
