/**
 * `wasi:http` 0.3.0: what guests import.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { Client } from "./client.ts";
import type { ConnectionGate } from "./connection_gate.ts";
import type { HttpGrant } from "./grant.ts";
import { clientSend } from "./p3_client.ts";
import { handleNext } from "./next.ts";
import { Fields, RequestOptions } from "./p3_fields.ts";
import { Request, Response } from "./p3_messages.ts";

/** `wasi:http` for a function that may call what `grant` lists, over `connections`; those of the process if left out. */
export function p3(grant: HttpGrant, connections?: ConnectionGate): HostImports {
  return {
    "wasi:http/types@0.3.0": { Fields, Request, RequestOptions, Response },
    "wasi:http/client@0.3.0": { send: clientSend(new Client(grant, { connections })) },
    "wasi:http/handler@0.3.0": { handle: handleNext },
  };
}
