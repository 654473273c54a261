/**
 * The capability `http`: `wasi:http`. Every function has it, to be called; what it may call itself is what it was
 * granted: `"http": { "allow": ["https://api.example.com"] }`.
 *
 * @module
 */
import { type Capability, defineCapability } from "../../capability.ts";
import { type ConnectionGate, processConnections } from "./connection_gate.ts";
import { httpGrant } from "./grant.ts";
import { p2 } from "./p2.ts";
import { p3 } from "./p3.ts";

export { ConnectionGate, processConnections } from "./connection_gate.ts";
export { serveP2 } from "./serve_p2.ts";
export { serveP3 } from "./serve_p3.ts";

/** The capability, over the connections that `gate` has. */
export function httpOver(gate: ConnectionGate): Capability {
  return defineCapability({
    name: "http",
    interfaces: Object.keys({ ...p2({ allow: [] }), ...p3({ allow: [] }) }),
    ungranted: { allow: [] },
    grant: httpGrant,
    open: () => gate,
    link: ({ grant, store }) => ({ ...p2(grant, store), ...p3(grant, store) }),
  });
}

export const http: Capability = httpOver(processConnections);
