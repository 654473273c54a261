/**
 * Connections for outgoing requests: look-up, TCP, TLS, and an `error-code` for each way to fail.
 *
 * @module
 */
import { lookup } from "node:dns";
import { type AddressKind, kindOf } from "./address.ts";
import { type CallLife, stageLimit } from "./call_life.ts";
import { HttpFailure, type PlainErrorTag } from "./error_code.ts";
import type { Connection } from "./connection.ts";
import { openTls } from "./tls.ts";

export interface ConnectOptions {
  readonly life: CallLife;
  /** For all stages together, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Certificates to trust, PEM; the system's if left out. */
  readonly caCerts?: readonly string[] | undefined;
  /** Whether a name may stand for an address of this machine or of a private network. */
  readonly privateNetworks?: boolean | undefined;
  /** The addresses of a name; those that the system has if left out. */
  readonly lookUp?: LookUp | undefined;
}

/** Resolves to the addresses of a name, best first. */
export type LookUp = (name: string) => Promise<readonly string[]>;

/**
 * Connects to `url`'s host. The connection closes when the call's life ends.
 *
 * A name is looked up once, each of its addresses is judged just before it is connected to, and it is the address that
 * is connected to, so that no second look-up can give another. An address in the place of a name was granted as such.
 *
 * @throws {HttpFailure} `destination-IP-prohibited` when the name stands for no address that it may stand for.
 */
export async function connect(url: URL, options: ConnectOptions): Promise<Connection> {
  const { life, timeoutMs } = options;
  const began = performance.now();
  const limit = (tag: PlainErrorTag) =>
    stageLimit(timeoutMs === undefined ? undefined : timeoutMs - (performance.now() - began), tag);
  const secure = url.protocol === "https:";
  const port = Number(url.port || (secure ? 443 : 80));
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isAddress = /^\d+\.\d+\.\d+\.\d+$|:/.test(host);
  const lookUp = options.lookUp ?? resolve;
  const addresses = isAddress ? [host] : await life.within(limit("DNS-timeout"), () => lookUp(host));
  let failure: unknown;
  for (const address of addresses) {
    if (!isAddress) {
      const kind = kindOf(address);
      if (!mayStandFor(host, kind, options)) {
        failure ??= prohibited(host, address, kind);
        continue;
      }
    }
    const open = (): Promise<Connection> =>
      secure ? secured(address, port, host, options) : plain(life, { hostname: address, port });
    try {
      return await life.within(limit("connection-timeout"), open);
    } catch (error) {
      if (life.over) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** `localhost` and the names below it are this machine and nothing else: RFC 6761, section 6.3. */
function mayStandFor(name: string, kind: AddressKind, { privateNetworks }: ConnectOptions): boolean {
  if (/(?:^|\.)localhost\.?$/.test(name)) return kind === "loopback";
  return kind === "public" || (privateNetworks === true && kind !== "special");
}

function prohibited(name: string, address: string, kind: AddressKind): HttpFailure {
  const what = kind === "special" ? "a link-local, metadata, mapped or reserved" : `a ${kind}`;
  const advice = kind === "special"
    ? "To allow it, grant an origin with that address for its host"
    : 'To allow it, write "privateNetworks": true beside its origin in the grant';
  return new HttpFailure(
    "destination-IP-prohibited",
    `connecting to ${name}: it stands for ${address}, ${what} address. ${advice}.`,
  );
}

/** The addresses of a name, as the system has them. */
function resolve(host: string): Promise<string[]> {
  return new Promise((resolve, reject) =>
    lookup(host, { all: true, verbatim: true }, (error, addresses) => {
      if (error !== null && error !== undefined) return reject(dnsFailure(host, error));
      if (addresses.length === 0) return reject(dnsFailure(host, { code: "ENOTFOUND" }));
      resolve(addresses.map(({ address }) => address));
    })
  );
}

function dnsFailure(host: string, error: { code?: string | undefined; message?: string }): HttpFailure {
  const message = `looking up ${host}: ${error.message ?? "it has no address"}`;
  // getaddrinfo tells no more than this.
  const rcode = error.code === "EAI_AGAIN" ? "SERVFAIL" : "NXDOMAIN";
  return new HttpFailure({ tag: "DNS-error", val: { rcode } }, message);
}

async function plain(life: CallLife, target: { hostname: string; port: number }): Promise<Deno.TcpConn> {
  let conn: Deno.TcpConn;
  try {
    conn = await Deno.connect(target);
  } catch (error) {
    throw connectFailure(`connecting to ${target.hostname} port ${target.port}`, error);
  }
  life.onEnd(() => conn.close());
  if (!life.over) conn.setNoDelay(true);
  return conn;
}

async function secured(address: string, port: number, name: string, options: ConnectOptions): Promise<Connection> {
  const { life, caCerts } = options;
  const attempted = `connecting to ${name} at ${address} port ${port}`;
  try {
    const connection = await openTls(life, { address, port, name, caCerts });
    return {
      // Deno 2.5 says that a connection is secure before it is; nothing passes over it until then.
      read: (into) => connection.read(into).catch((error) => Promise.reject(tlsFailure(attempted, error))),
      write: (bytes) => connection.write(bytes),
      close: () => connection.close(),
      get isQuiet() {
        return connection.isQuiet === true;
      },
    };
  } catch (error) {
    throw tlsFailure(attempted, error);
  }
}

const CONNECT_CODES: Readonly<Record<string, PlainErrorTag>> = {
  ECONNREFUSED: "connection-refused",
  ECONNRESET: "connection-terminated",
  ETIMEDOUT: "connection-timeout",
  EHOSTUNREACH: "destination-IP-unroutable",
  ENETUNREACH: "destination-IP-unroutable",
  EADDRNOTAVAIL: "destination-unavailable",
  EMFILE: "connection-limit-reached",
  ENFILE: "connection-limit-reached",
};

function connectFailure(attempted: string, error: unknown): HttpFailure {
  const message = `${attempted}: ${messageOf(error)}`;
  if (error instanceof Deno.errors.NotCapable) return new HttpFailure("HTTP-request-denied", message);
  if (error instanceof Deno.errors.TimedOut) return new HttpFailure("connection-timeout", message);
  const code = (error as { code?: string }).code ?? "";
  return new HttpFailure(CONNECT_CODES[code] ?? "destination-unavailable", message);
}

function tlsFailure(attempted: string, error: unknown): HttpFailure {
  const detail = messageOf(error);
  const message = `${attempted}: ${detail}`;
  const code = (error as { code?: string }).code ?? "";
  const connecting = CONNECT_CODES[code];
  if (connecting !== undefined) return new HttpFailure(connecting, message);
  // rustls tells these apart in words, Node's codes only some of them.
  const alert = /received fatal alert: (\w+)/.exec(detail);
  if (alert !== null) {
    return new HttpFailure({ tag: "TLS-alert-received", val: { alertMessage: alert[1]! } }, message);
  }
  if (/certificate/i.test(detail)) return new HttpFailure("TLS-certificate-error", message);
  if (code.startsWith("ERR_SSL") || error instanceof Deno.errors.InvalidData) {
    return new HttpFailure("TLS-protocol-error", message);
  }
  return new HttpFailure("connection-terminated", message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
