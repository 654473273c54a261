/**
 * `wasi:sockets` 0.2.12, refused: no socket is made and no name is looked up. What a function may call goes through
 * `wasi:http`, where an allow-list can hold.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { WitError } from "../../errors.ts";
import { refusedResource } from "../../streams/p2/mod.ts";

const DENIED = "access-denied";

/** A network that a guest may name, and that nothing can be reached over. */
class Network {
  [Symbol.dispose](): void {}
}

const TcpSocket = refusedResource("TcpSocket", DENIED, [
  "startBind",
  "finishBind",
  "startConnect",
  "finishConnect",
  "startListen",
  "finishListen",
  "accept",
  "localAddress",
  "remoteAddress",
  "isListening",
  "addressFamily",
  "setListenBacklogSize",
  "keepAliveEnabled",
  "setKeepAliveEnabled",
  "keepAliveIdleTime",
  "setKeepAliveIdleTime",
  "keepAliveInterval",
  "setKeepAliveInterval",
  "keepAliveCount",
  "setKeepAliveCount",
  "hopLimit",
  "setHopLimit",
  "receiveBufferSize",
  "setReceiveBufferSize",
  "sendBufferSize",
  "setSendBufferSize",
  "subscribe",
  "shutdown",
]);

const UdpSocket = refusedResource("UdpSocket", DENIED, [
  "startBind",
  "finishBind",
  "stream",
  "localAddress",
  "remoteAddress",
  "addressFamily",
  "unicastHopLimit",
  "setUnicastHopLimit",
  "receiveBufferSize",
  "setReceiveBufferSize",
  "sendBufferSize",
  "setSendBufferSize",
  "subscribe",
]);

const IncomingDatagramStream = refusedResource("IncomingDatagramStream", DENIED, ["receive", "subscribe"]);
const OutgoingDatagramStream = refusedResource("OutgoingDatagramStream", DENIED, ["checkSend", "send", "subscribe"]);
const ResolveAddressStream = refusedResource("ResolveAddressStream", DENIED, ["resolveNextAddress", "subscribe"]);

function createSocket(): never {
  throw new WitError(DENIED);
}

export const p2: HostImports = {
  "wasi:sockets/network@0.2.12": { Network, networkErrorCode: () => undefined },
  "wasi:sockets/instance-network@0.2.12": { instanceNetwork: () => new Network() },
  "wasi:sockets/tcp@0.2.12": { TcpSocket },
  "wasi:sockets/tcp-create-socket@0.2.12": { createTcpSocket: createSocket },
  "wasi:sockets/udp@0.2.12": { UdpSocket, IncomingDatagramStream, OutgoingDatagramStream },
  "wasi:sockets/udp-create-socket@0.2.12": { createUdpSocket: createSocket },
  "wasi:sockets/ip-name-lookup@0.2.12": {
    ResolveAddressStream,
    resolveAddresses(): never {
      // As wasmtime answers where look-ups are not allowed: a libc turns it into "no such host", not into a retry.
      throw new WitError("permanent-resolver-failure");
    },
  },
};
