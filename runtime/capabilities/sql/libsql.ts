/**
 * `sql` on a libSQL server: Hrana over HTTP, https://github.com/tursodatabase/libsql/blob/main/docs/HTTP_V2_SPEC.md.
 *
 * @module
 */
import { z } from "zod";
import { currentTask } from "../../context.ts";
import {
  type Backend,
  checkSize,
  type Connection,
  type DatabaseId,
  io,
  MAX_RESULT_BYTES,
  type QueryResult,
  ResultBudget,
  SqlError,
  type Value,
} from "./backend.ts";
import { numbered } from "./parameters.ts";

/** The JSON of an answer: twice the bytes of a result leave room for names, escapes and base64. */
const MAX_ANSWER_BYTES = 2 * MAX_RESULT_BYTES;

/** How long the server may take to close a stream, which no guest waits for. */
const MAX_CLOSE_MS = 5000;

const value = z.union([
  z.object({ type: z.literal("null") }),
  z.object({ type: z.literal("integer"), value: z.string() }),
  z.object({ type: z.literal("float"), value: z.number() }),
  z.object({ type: z.literal("text"), value: z.string() }),
  z.object({ type: z.literal("blob"), base64: z.string() }),
]);

const executed = z.object({
  cols: z.array(z.object({ name: z.string().nullish() })),
  rows: z.array(z.array(value)),
});

const failure = z.object({ message: z.string(), code: z.string().nullish() });

const answer = z.object({
  baton: z.string().nullish(),
  base_url: z.string().nullish(),
  results: z.array(z.union([
    z.object({ type: z.literal("ok"), response: z.object({ type: z.string(), result: executed.optional() }) }),
    z.object({ type: z.literal("error"), error: failure }),
  ])),
});

/** Where a server is, and how it knows us. */
interface Server {
  readonly url: string;
  readonly token: string | undefined;
}

/** Whether `text` is the URL of a libSQL server. */
export const isServerUrl = (text: string): boolean => /^(?:libsql|https?|wss?):\/\//.test(text);

/**
 * The server that `text` names, as libSQL's own clients write it: `libsql://HOST?authToken=TOKEN`, or with `http:`,
 * `https:`.
 *
 * @throws {TypeError} when it is no URL.
 */
export function parseServer(text: string): Server {
  const url = new URL(text);
  const token = url.searchParams.get("authToken") ?? undefined;
  const plain = url.searchParams.get("tls") === "0" || url.protocol === "http:" || url.protocol === "ws:";
  const path = url.pathname.replace(/\/$/, "");
  return { url: `${plain ? "http" : "https"}://${url.host}${path}`, token };
}

/** A backend on libSQL servers. `urlOf` gives the URL of a database. */
export class LibsqlBackend implements Backend {
  readonly #urlOf: (database: DatabaseId) => string;

  constructor(urlOf: (database: DatabaseId) => string) {
    this.#urlOf = urlOf;
  }

  connect(database: DatabaseId): Connection {
    return new RemoteConnection(parseServer(this.#urlOf(database)));
  }
}

/** One stream of the server, which is a connection there, with its transaction. */
class RemoteConnection implements Connection {
  readonly #server: Server;
  #base: string;
  /** What the stream goes on by; `undefined` before its first request. */
  #baton: string | undefined;
  #closed = false;
  /** Whether a transaction may be open, which ends with its stream. */
  #began = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(server: Server) {
    this.#server = server;
    this.#base = server.url;
  }

  execute(sql: string, parameters: readonly Value[]): Promise<QueryResult> {
    checkSize(sql, parameters);
    const args = parameters.map(argumentOf);
    // A baton is good for one request.
    const turn = this.#last.then(() => this.#execute(sql, args));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #execute(sql: string, args: readonly unknown[]): Promise<QueryResult> {
    if (this.#closed) throw new SqlError({ tag: "invalid-connection" });
    const stmt = { sql: numbered(sql), args, want_rows: true };
    const response = await this.#send([{ type: "execute", stmt }], currentTask().signal);
    const { baton, base_url: base, results: [result] } = await this.#read(response);
    this.#baton = baton ?? undefined;
    if (typeof base === "string") this.#base = base.replace(/\/$/, "");
    if (result?.type !== "error") this.#began = begins(sql) ?? this.#began;
    // Without a baton the server has closed the stream: the next request has another one, and no transaction.
    if (this.#baton === undefined && this.#began) this.#closed = true;
    if (result?.type === "error") throw errorOf(result.error);
    if (result?.response.result === undefined) throw unexpected("it did not answer the statement");
    return resultOf(result.response.result);
  }

  async lastInsertRowid(): Promise<bigint> {
    return await this.#ask("SELECT last_insert_rowid()");
  }

  async changes(): Promise<bigint> {
    return await this.#ask("SELECT changes()");
  }

  async #ask(sql: string): Promise<bigint> {
    const { rows: [row] } = await this.execute(sql, []);
    const value = row?.values[0];
    if (value?.tag !== "integer") throw unexpected(`${sql} gave no number`);
    return value.val;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // The request that is under way gives the baton to close the stream by.
    this.#last.then(async () => {
      if (this.#baton === undefined) return;
      const response = await this.#send([{ type: "close" }], AbortSignal.timeout(MAX_CLOSE_MS));
      await response.body?.cancel();
    }).catch(() => {}); // The server closes it by itself, only later.
  }

  async #send(requests: readonly unknown[], signal: AbortSignal): Promise<Response> {
    const { token } = this.#server;
    const headers = new Headers({ "content-type": "application/json" });
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    const body = JSON.stringify({ baton: this.#baton ?? null, requests });
    try {
      return await fetch(`${this.#base}/v2/pipeline`, { method: "POST", headers, body, signal, redirect: "error" });
    } catch (error) {
      throw unexpected(error, "the database server cannot be reached");
    }
  }

  async #read(response: Response): Promise<z.infer<typeof answer>> {
    const text = await readText(response);
    if (!response.ok) {
      this.#closed = true;
      const hadStream = this.#baton !== undefined;
      if (response.status === 401 || response.status === 403) throw new SqlError({ tag: "access-denied" });
      if (response.status === 404) throw new SqlError({ tag: "no-such-database" });
      if (response.status === 400 && hadStream) throw new SqlError({ tag: "invalid-connection" });
      throw unexpected(`status ${response.status}: ${text.slice(0, 500)}`);
    }
    try {
      return answer.parse(JSON.parse(text));
    } catch (error) {
      throw unexpected(error);
    }
  }
}

/** Whether a transaction is open after `sql`; `undefined` if that is as before. */
function begins(sql: string): boolean | undefined {
  const [, word, to] = /^(?:\s|--[^\n]*\n|\/\*[^]*?\*\/)*(\w+)(?:\s+transaction)?(\s+to\b)?/i.exec(sql) ?? [];
  if (/^(?:begin|savepoint)$/i.test(word ?? "")) return true;
  return /^(?:commit|end|rollback)$/i.test(word ?? "") && to === undefined ? false : undefined;
}

/** The guest learns that the server failed, the operator why. */
function unexpected(why: unknown, told = "the database server failed"): SqlError {
  currentTask().log("error", `sql: ${told}: ${why instanceof Error ? why.message : why}`);
  return io(told);
}

async function readText(response: Response): Promise<string> {
  let [bytes, text] = [0, ""];
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      throw io(
        `the result has more than ${MAX_RESULT_BYTES} bytes; ask for fewer rows with LIMIT, or for fewer columns`,
      );
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function errorOf({ message, code }: z.infer<typeof failure>): SqlError {
  if (code === "SQLITE_FULL") return new SqlError({ tag: "database-full" });
  if (code === "RESPONSE_TOO_LARGE") {
    return io("the result has more bytes than the server gives; ask for fewer rows with LIMIT, or for fewer columns");
  }
  if (code === "STREAM_EXPIRED" || code === "STREAM_CLOSED") return new SqlError({ tag: "invalid-connection" });
  return io(message);
}

function resultOf({ cols, rows }: z.infer<typeof executed>): QueryResult {
  const budget = new ResultBudget();
  return {
    columns: cols.map(({ name }) => name ?? ""),
    rows: rows.map((row) => {
      const values = row.map(valueOf);
      budget.row(values);
      return { values };
    }),
  };
}

function valueOf(given: z.infer<typeof value>): Value {
  switch (given.type) {
    case "null":
      return { tag: "null" };
    case "integer":
      return { tag: "integer", val: BigInt(given.value) };
    case "float":
      return { tag: "real", val: given.value };
    case "text":
      return { tag: "text", val: given.value };
    case "blob":
      return { tag: "blob", val: Uint8Array.from(atob(given.base64), (character) => character.charCodeAt(0)) };
  }
}

function argumentOf(given: Value): z.infer<typeof value> {
  switch (given.tag) {
    case "null":
      return { type: "null" };
    case "integer":
      return { type: "integer", value: `${given.val}` };
    case "real":
      // SQLite has no NaN either; JSON has no infinity.
      if (Number.isNaN(given.val)) return { type: "null" };
      if (!Number.isFinite(given.val)) throw io("an infinite number cannot be sent to the database server");
      return { type: "float", value: given.val };
    case "text":
      return { type: "text", value: given.val };
    case "blob":
      return { type: "blob", base64: base64(given.val) };
  }
}

function base64(bytes: Uint8Array): string {
  let text = "";
  // The most that one call takes for arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
