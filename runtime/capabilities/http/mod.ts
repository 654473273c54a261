/**
 * The capability `http`: `wasi:http`. Every function has it, to be called; what it may call itself is what it was
 * granted: `"http": { "allow": ["https://api.example.com"] }`.
 *
 * @module
 */
import { type Capability, defineCapability } from "../../capability.ts";
import type { HostImports } from "../../engine/mod.ts";
import { Client } from "./client.ts";
import { type ConnectionGate, processConnections } from "./connection_gate.ts";
import { type HttpGrant, httpGrant } from "./grant.ts";
import { p2 } from "./p2.ts";
import { p3 } from "./p3.ts";
import { futuresOf } from "./p3_futures.ts";
import { spinHttp } from "./spin.ts";

export { ConnectionGate, processConnections } from "./connection_gate.ts";
export { serveP2 } from "./serve_p2.ts";
export { serveP3 } from "./serve_p3.ts";
export { serveSpin } from "./spin.ts";

function hostOf(grant: HttpGrant, connections?: ConnectionGate): HostImports {
  const newest = p3(grant, connections);
  return {
    ...p2(grant, connections),
    ...newest,
    ...futuresOf(newest),
    ...spinHttp(new Client(grant, { connections })),
  };
}

/** The capability, over the connections that `gate` has. */
export function httpOver(gate: ConnectionGate): Capability {
  return defineCapability({
    name: "http",
    interfaces: Object.keys(hostOf({ allow: [] })),
    ungranted: { allow: [] },
    grant: httpGrant,
    open: () => gate,
    link: ({ grant, store }) => hostOf(grant, store),
  });
}

export const http: Capability = httpOver(processConnections);
