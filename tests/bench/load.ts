/**
 * The load generator, a process of its own. It opens connections, sends one request at a time on each, checks every
 * answer whole, and says what it found.
 *
 * It speaks just enough HTTP over a socket, because it must cost less than what it loads: generators built on an HTTP
 * client reach their own limit at half of what a plain handler answers, and would make everything else look better.
 *
 * @module
 */
import { answerLines } from "./_lines.ts";
import { ResponseChecker, ResponseParser } from "./http_response.ts";
import { percentile } from "./stats.ts";
import { coresBetween, usage } from "./usage.ts";

/** What the generator is asked for. */
export type LoadJob = RequestsJob | EchoJob;

/** The same request again and again for some time, at least once on each connection. */
export interface RequestsJob {
  readonly kind: "requests";
  readonly port: number;
  readonly path: string;
  /** Connections. */
  readonly c: number;
  readonly ms: number;
  readonly expect: { readonly status: number; readonly body: string };
}

/** A body that must come back as it went out. */
export interface EchoJob {
  readonly kind: "echo";
  readonly port: number;
  readonly path: string;
  readonly bytes: number;
}

/** What it found. It fails instead when a single answer was wrong. */
export interface LoadReport {
  readonly requests: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cores: number;
}

/** How long after its time a job may take to end: a server that never answers is a failure, not a wait. */
const GRACE_MS = 15_000;

const ECHO_READ_BYTES = 256 * 1024;
const ECHO_WRITE_BYTES = 64 * 1024;

async function connect(port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay();
  return connection;
}

async function run(job: LoadJob): Promise<LoadReport> {
  const count = job.kind === "requests" ? job.c : 1;
  const connections = await Promise.all(Array.from({ length: count }, () => connect(job.port)));
  const close = () => {
    for (const connection of connections.splice(0)) connection.close();
  };
  const limit = GRACE_MS + (job.kind === "requests" ? job.ms : 30_000);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    close();
  }, limit);
  try {
    const work = job.kind === "requests" ? requests(job, connections) : echo(job, connections[0]!);
    return await work;
  } catch (error) {
    if (late) throw new Error(`loading ${job.path}: no end after ${limit} ms`);
    throw error;
  } finally {
    clearTimeout(timer);
    close();
  }
}

async function requests(job: RequestsJob, connections: readonly Deno.TcpConn[]): Promise<LoadReport> {
  const { port, path, ms, expect } = job;
  const request = new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept: */*\r\n\r\n`);
  const expected = { status: expect.status, body: new TextEncoder().encode(expect.body) };
  const took: number[] = [];
  const from = usage();
  const until = performance.now() + ms;
  let failed = false;
  const drive = async (connection: Deno.TcpConn) => {
    const checker = new ResponseChecker(expected);
    const buffer = new Uint8Array(64 * 1024);
    let sent: number;
    do {
      sent = performance.now();
      await writeAll(connection, request);
      let whole = false;
      while (!whole) whole = checker.push(await readSome(connection, buffer));
      took.push(performance.now() - sent);
    } while (sent < until && !failed);
  };
  // The first failure stops all; what the others were doing is awaited, so that nothing of this job meets the next.
  const ends = await Promise.allSettled(connections.map((connection) =>
    drive(connection).catch((error) => {
      failed = true;
      throw error;
    })
  ));
  const to = usage();
  const bad = ends.find((end) => end.status === "rejected");
  if (bad !== undefined) throw bad.reason;
  took.sort((a, b) => a - b);
  return {
    requests: took.length,
    elapsedMs: to.atMs - from.atMs,
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
    cores: coresBetween(from, to),
  };
}

async function echo(job: EchoJob, connection: Deno.TcpConn): Promise<LoadReport> {
  const { port, path, bytes } = job;
  const sent = pattern(bytes);
  const received = new Uint8Array(bytes);
  let count = 0;
  const parser = new ResponseParser((part) => {
    if (count + part.length > bytes) throw new Error(`echoing ${bytes} bytes: more came back`);
    received.set(part, count);
    count += part.length;
  });
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/octet-stream\r\n` +
    `content-length: ${bytes}\r\n\r\n`;
  const from = usage();
  const send = async () => {
    await writeAll(connection, new TextEncoder().encode(head));
    for (let at = 0; at < bytes; at += ECHO_WRITE_BYTES) {
      await writeAll(connection, sent.subarray(at, at + ECHO_WRITE_BYTES));
    }
  };
  const receive = async () => {
    const buffer = new Uint8Array(ECHO_READ_BYTES);
    while (!parser.done) parser.push(await readSome(connection, buffer));
  };
  await Promise.all([send(), receive()]);
  const to = usage();
  // Compared when the clock has stopped: the comparison is not what is measured.
  if (parser.status !== 200) throw new Error(`echoing ${bytes} bytes: status ${parser.status}`);
  const wrong = count === bytes ? received.findIndex((byte, at) => byte !== sent[at]) : count;
  if (wrong >= 0) throw new Error(`echoing ${bytes} bytes: ${count} came back, and differ from byte ${wrong}`);
  const elapsedMs = to.atMs - from.atMs;
  return { requests: 1, elapsedMs, p50Ms: elapsedMs, p99Ms: elapsedMs, cores: coresBetween(from, to) };
}

/** Bytes that are nowhere the same at a distance of a power of two, so that no lost or repeated block goes unseen. */
function pattern(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i % 251) ^ (i >>> 16);
  return bytes;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(at === 0 ? bytes : bytes.subarray(at));
}

async function readSome(connection: Deno.TcpConn, buffer: Uint8Array): Promise<Uint8Array> {
  const count = await connection.read(buffer);
  if (count === null) throw new Error("reading a response: the server closed the connection");
  return buffer.subarray(0, count);
}

if (import.meta.main) await answerLines((job) => run(job as LoadJob));
