/**
 * TLS connections for outgoing requests.
 *
 * They go through `node:tls`, because `Deno.startTls` cannot be called off while it shakes hands: its socket stays open
 * until the server closes it, and a server that never does could use up the host's sockets.
 *
 * @module
 */
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { CallLife } from "./call_life.ts";
import type { Connection } from "./connection.ts";

export interface TlsTarget {
  /** The address to connect to. */
  readonly address: string;
  readonly port: number;
  /** The name to ask for and to check the certificate against. */
  readonly name: string;
  /** Certificates to trust, PEM; the system's if left out. */
  readonly caCerts: readonly string[] | undefined;
}

/** Connects and shakes hands. Rejects with what the socket says; {@linkcode CallLife} ends it at whatever stage. */
export function openTls(life: CallLife, { address, port, name, caCerts }: TlsTarget): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: address,
      port,
      // RFC 6066, section 3: an address is no server name.
      ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }),
      ALPNProtocols: ["http/1.1"],
      ...(caCerts === undefined ? {} : { ca: [...caCerts] }),
    });
    socket.setNoDelay(true);
    const connection = new SocketConnection(socket);
    life.onEnd(() => connection.close());
    socket.once("secureConnect", () => resolve(connection));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the server closed the connection")));
  });
}

/** A Node socket as a connection that is asked for bytes. */
class SocketConnection implements Connection {
  readonly #socket: TLSSocket;
  #rest: Uint8Array = new Uint8Array(0);
  #state: "open" | "ended" | "failed" = "open";
  #error: unknown;
  #wake: () => void = () => {};

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    const become = (state: "ended" | "failed", error?: unknown) => {
      if (this.#state === "open") [this.#state, this.#error] = [state, error];
      this.#wake();
    };
    socket.on("readable", () => this.#wake());
    socket.on("end", () => become("ended"));
    socket.on("close", () => become("failed", new Error("the connection is closed")));
    socket.on("error", (error) => become("failed", error));
  }

  get isQuiet(): boolean {
    if (this.#state !== "open" || this.#rest.byteLength > 0) return false;
    // Reading is what makes a socket notice its end. What came unasked spoils it.
    const unasked: Uint8Array | null = this.#socket.read();
    if (unasked !== null) this.#rest = unasked;
    return unasked === null && !this.#socket.readableEnded && !this.#socket.destroyed;
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.byteLength === 0) {
      const chunk: Uint8Array | null = this.#socket.read();
      if (chunk !== null) this.#rest = chunk;
      else if (this.#state === "ended") return null;
      else if (this.#state === "failed") throw this.#error;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const taken = this.#rest.subarray(0, into.byteLength);
    into.set(taken);
    this.#rest = this.#rest.subarray(taken.byteLength);
    return taken.byteLength;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.byteLength))
    );
  }

  close(): void {
    this.#socket.destroy();
  }
}
