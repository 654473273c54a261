/**
 * `wasi:http` 0.3.0: what guests import.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { Fields, RequestOptions } from "./p3_fields.ts";
import { Request, Response } from "./p3_messages.ts";

/** `wasi:http/types`: nothing in it leaves the host. */
export const p3: HostImports = {
  "wasi:http/types@0.3.0": { Fields, Request, RequestOptions, Response },
};
