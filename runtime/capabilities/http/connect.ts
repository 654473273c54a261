/**
 * Connections for outgoing requests: look-up, TCP, TLS, and an `error-code` for each way to fail.
 *
 * @module
 */
import { lookup } from "node:dns";
import { type CallLife, stageLimit } from "./call_life.ts";
import { HttpFailure, type PlainErrorTag } from "./error_code.ts";

/** What both `Deno.TcpConn` and `Deno.TlsConn` are to a request. */
export type Connection = Pick<Deno.Conn, "read" | "write" | "close">;

export interface ConnectOptions {
  readonly life: CallLife;
  /** For all stages together, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Certificates to trust besides the system's, PEM. */
  readonly caCerts?: readonly string[] | undefined;
}

/** Connects to `url`'s host. The connection closes when the call's life ends. */
export async function connect(url: URL, options: ConnectOptions): Promise<Connection> {
  const { life, timeoutMs } = options;
  const began = performance.now();
  const limit = (tag: PlainErrorTag) =>
    stageLimit(timeoutMs === undefined ? undefined : timeoutMs - (performance.now() - began), tag);
  const secure = url.protocol === "https:";
  const port = Number(url.port || (secure ? 443 : 80));
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = await life.within(limit("DNS-timeout"), () => resolve(host));
  let failure: unknown;
  for (const hostname of addresses) {
    try {
      const tcp = await life.within(limit("connection-timeout"), () => open(life, { hostname, port }));
      if (!secure) return tcp;
      return await life.within(limit("connection-timeout"), () => secured(tcp, host, options));
    } catch (error) {
      if (life.over) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** The addresses of a name, as the system has them; that of an address is itself. */
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

async function open(life: CallLife, target: { hostname: string; port: number }): Promise<Deno.TcpConn> {
  let conn: Deno.TcpConn;
  try {
    conn = await Deno.connect(target);
  } catch (error) {
    throw connectFailure(`connecting to ${target.hostname} port ${target.port}`, error);
  }
  closeAtEnd(life, conn);
  if (!life.over) conn.setNoDelay(true);
  return conn;
}

async function secured(tcp: Deno.TcpConn, hostname: string, options: ConnectOptions): Promise<Deno.TlsConn> {
  const { life, caCerts } = options;
  try {
    const tls = await Deno.startTls(tcp, {
      hostname,
      alpnProtocols: ["http/1.1"],
      ...(caCerts === undefined ? {} : { caCerts: [...caCerts] }),
    });
    closeAtEnd(life, tls);
    await tls.handshake();
    return tls;
  } catch (error) {
    throw tlsFailure(`securing the connection to ${hostname}`, error);
  }
}

function closeAtEnd(life: CallLife, conn: Deno.Conn): void {
  life.onEnd(() => {
    try {
      conn.close();
    } catch {
      // Closed already, or taken over by TLS.
    }
  });
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
  // rustls tells them apart in words alone.
  const alert = /received fatal alert: (\w+)/.exec(detail);
  if (alert !== null) {
    return new HttpFailure({ tag: "TLS-alert-received", val: { alertMessage: alert[1]! } }, message);
  }
  if (/certificate/i.test(detail)) return new HttpFailure("TLS-certificate-error", message);
  if (error instanceof Deno.errors.InvalidData) return new HttpFailure("TLS-protocol-error", message);
  return new HttpFailure("connection-terminated", message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
