/**
 * The capabilities that Skerry comes with.
 *
 * @module
 */
import type { Capability } from "../capability.ts";
import { blob } from "./blob/mod.ts";
import { candidates } from "./candidates.ts";
import { cli } from "./cli/mod.ts";
import { clocks } from "./clocks/mod.ts";
import { config } from "./config/mod.ts";
import { files } from "./files/mod.ts";
import { httpCandidates } from "./http/candidates.ts";
import { type ConnectionGate, http, httpOver } from "./http/mod.ts";
import { io } from "./io/mod.ts";
import { kv } from "./kv/mod.ts";
import { log } from "./log/mod.ts";
import { messages, queue } from "./queue/mod.ts";
import { random } from "./random/mod.ts";
import { sockets } from "./sockets/mod.ts";
import { spin } from "./spin/mod.ts";
import { unversioned } from "./spin/unversioned.ts";
import { sql } from "./sql/mod.ts";

/** What is older than an interface of a capability, and made of it. */
export const withOlder = candidates(httpCandidates, unversioned);

/** All of them, in the order of their names. */
export const builtinCapabilities: readonly Capability[] = [
  blob,
  cli,
  clocks,
  config,
  files,
  http,
  io,
  kv,
  log,
  messages,
  queue,
  random,
  sockets,
  spin,
  sql,
].map(withOlder);

/** All of them, with outgoing requests over the connections that `gate` has. */
export function builtinsWith(gate: ConnectionGate): readonly Capability[] {
  return builtinCapabilities.map((capability) =>
    capability.name === http.name ? withOlder(httpOver(gate)) : capability
  );
}
