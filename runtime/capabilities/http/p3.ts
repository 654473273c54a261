/**
 * `wasi:http` 0.3.0: what guests import.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { Client } from "./client.ts";
import type { HttpGrant } from "./grant.ts";
import { clientSend } from "./p3_client.ts";
import { handleNext } from "./next.ts";
import { Fields, RequestOptions } from "./p3_fields.ts";
import { Request, Response } from "./p3_messages.ts";

/** `wasi:http` for a function that may call what `grant` lists. */
export function p3(grant: HttpGrant): HostImports {
  return {
    "wasi:http/types@0.3.0": { Fields, Request, RequestOptions, Response },
    "wasi:http/client@0.3.0": { send: clientSend(new Client(grant)) },
    "wasi:http/handler@0.3.0": { handle: handleNext },
  };
}
