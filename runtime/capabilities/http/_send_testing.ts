/**
 * Servers that say just what a test wants, and requests to them.
 *
 * @module
 */
import { withTask } from "../../context.ts";
import { Fields } from "../../http/fields.ts";
import { latin1Bytes, latin1Text } from "../../streams/latin1.ts";
import type { Body, HttpRequest, HttpResponse } from "../../http/message.ts";
import { Task } from "../../task.ts";
import { drained } from "./_body_testing.ts";
import { BodyWriter } from "./body_writer.ts";
import { HttpFailure } from "./error_code.ts";

/** One connection of a server that says just what a test wants. */
export class Peer {
  readonly #conn: Deno.Conn;
  received = "";
  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }
  async write(text: string): Promise<void> {
    const bytes = latin1Bytes(text);
    try {
      for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
    } catch {
      // The client has gone; the test says whether it may.
    }
  }
  /** Reads until `end` has come; `null` is the end of the connection. */
  async until(end: string | null): Promise<string> {
    const buffer = new Uint8Array(65_536);
    while (end === null || !this.received.includes(end)) {
      const read = await this.#conn.read(buffer).catch(() => null);
      if (read === null) break;
      this.received += latin1Text(buffer.subarray(0, read));
    }
    return this.received;
  }
  close() {
    try {
      this.#conn.close();
    } catch {
      // Closed already.
    }
  }
}

/** Runs `body` in a task, with a server that meets each connection with `serve`. */
export async function withServer(
  serve: (peer: Peer, at: number) => Promise<void> | void,
  body: (origin: { scheme: string; authority: string }, task: Task) => Promise<void>,
  tls?: { cert: string; key: string },
): Promise<void> {
  const address = { hostname: "127.0.0.1", port: 0 };
  const listener: Deno.Listener = tls === undefined ? Deno.listen(address) : Deno.listenTls({ ...address, ...tls });
  const peers: Peer[] = [];
  const served: Promise<void>[] = [];
  const accepting = (async () => {
    while (true) {
      const conn = await listener.accept().catch((error) => error instanceof Deno.errors.BadResource ? null : "again");
      if (conn === null) return;
      if (typeof conn === "string") continue;
      const peer = new Peer(conn as Deno.Conn);
      peers.push(peer);
      served.push(Promise.resolve(serve(peer, peers.length - 1)));
    }
  })();
  const task = new Task({ function: "test", requestId: "request-7" });
  const { port } = listener.addr as Deno.NetAddr;
  try {
    const origin = { scheme: tls === undefined ? "http" : "https", authority: `127.0.0.1:${port}` };
    await withTask(task, () => body(origin, task));
  } finally {
    task.end();
    // No connection is left open, whatever became of a request.
    for (const peer of peers) await peer.until(null);
    for (const peer of peers) peer.close();
    listener.close();
    await accepting;
    await Promise.allSettled(served);
  }
}

export const get = (
  origin: { scheme: string; authority: string },
  options: Partial<HttpRequest> = {},
): HttpRequest => ({
  method: "GET",
  pathWithQuery: "/",
  fields: new Fields(),
  body: null,
  ...origin,
  ...options,
});

export async function read(body: Body | null): Promise<string> {
  return latin1Text(await drained(body, 1000));
}

/** The error-code that sending, or reading the body, ends in. */
export async function failure(response: Promise<HttpResponse>): Promise<unknown> {
  try {
    await read((await response).body);
  } catch (error) {
    if (error instanceof HttpFailure) return error.payload;
    throw error;
  }
  return "no failure";
}

/** A server that answers each request head with `text`, and closes. */
export const answers = (text: string) => async (peer: Peer) => {
  await peer.until("\r\n\r\n");
  await peer.write(text);
  peer.close();
};

/** A request whose body is written by `writer`. */
export function post(origin: { scheme: string; authority: string }, length?: number): [HttpRequest, BodyWriter] {
  const writer = new BodyWriter({ kind: "request", length });
  const fields = length === undefined ? new Fields() : Fields.from([["content-length", latin1Bytes(`${length}`)]]);
  return [get(origin, { method: "POST", fields, body: writer.body }), writer];
}
