/**
 * `wasi:sockets` 0.3.0: every way to get a socket or an address is refused, so no guest ever holds a socket.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { WitError } from "../../errors.ts";

/** `error-code` of `types` and of `ip-name-lookup`; both have this case. */
const DENIED = Object.freeze({ tag: "access-denied" as const });

function refuse(): never {
  throw new WitError(DENIED);
}

// deno-lint-ignore require-await -- async in the WIT
async function refuseLater(): Promise<never> {
  throw new WitError(DENIED);
}

/** A resource whose static `create` refuses. Its methods exist because components import them. */
function refusedSocket(name: string, methods: readonly string[], asyncMethods: readonly string[]): unknown {
  const socket = class {
    static create(_addressFamily: "ipv4" | "ipv6"): never {
      refuse();
    }
    [Symbol.dispose](): void {}
  };
  Object.defineProperty(socket, "name", { value: name });
  for (const method of methods) Object.defineProperty(socket.prototype, method, { value: refuse });
  for (const method of asyncMethods) Object.defineProperty(socket.prototype, method, { value: refuseLater });
  return socket;
}

const SHARED_METHODS = [
  "bind",
  "getLocalAddress",
  "getRemoteAddress",
  "getAddressFamily",
  "getReceiveBufferSize",
  "setReceiveBufferSize",
  "getSendBufferSize",
  "setSendBufferSize",
];

export const p3: HostImports = {
  "wasi:sockets/types@0.3.0": {
    TcpSocket: refusedSocket("TcpSocket", [
      ...SHARED_METHODS,
      "listen",
      "send",
      "receive",
      "getIsListening",
      "setListenBacklogSize",
      "getKeepAliveEnabled",
      "setKeepAliveEnabled",
      "getKeepAliveIdleTime",
      "setKeepAliveIdleTime",
      "getKeepAliveInterval",
      "setKeepAliveInterval",
      "getKeepAliveCount",
      "setKeepAliveCount",
      "getHopLimit",
      "setHopLimit",
    ], ["connect"]),
    UdpSocket: refusedSocket("UdpSocket", [
      ...SHARED_METHODS,
      "connect",
      "disconnect",
      "getUnicastHopLimit",
      "setUnicastHopLimit",
    ], ["send", "receive"]),
  },
  "wasi:sockets/ip-name-lookup@0.3.0": { resolveAddresses: refuseLater },
};
