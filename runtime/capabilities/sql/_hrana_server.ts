/**
 * A server that speaks as much of Hrana over HTTP as a client needs, over SQLite in memory. For the tests.
 *
 * @module
 */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { parameterNames } from "./parameters.ts";

interface HranaValue {
  type: string;
  value?: string | number;
  base64?: string;
}

/** What a test looks at, and what it sets. */
export interface HranaServer extends AsyncDisposable {
  readonly url: string;
  /** The `authorization` that requests had to have, if any. */
  token: string | undefined;
  /** Streams that are open. */
  readonly streams: Map<string, DatabaseSync>;
  /** Answers in place of the server, while it is set. */
  instead: ((request: Request) => Response | Promise<Response> | undefined) | undefined;
}

/** Starts a server with one database, on a free port of the loopback. */
export async function startHranaServer(): Promise<HranaServer> {
  const directory = await Deno.makeTempDir({ prefix: "skerry-hrana-" });
  const path = `${directory}/db.sqlite3`;
  const streams = new Map<string, DatabaseSync>();
  let count = 0;
  const handle = async (request: Request): Promise<Response> => {
    const answer = server.instead?.(request);
    if (answer !== undefined) return await answer;
    const token = server.token && `Bearer ${server.token}`;
    if (token && request.headers.get("authorization") !== token) return new Response("", { status: 401 });
    if (new URL(request.url).pathname !== "/v2/pipeline") return new Response("", { status: 404 });
    const { baton, requests } = await request.json();
    const stream = baton === null
      ? new DatabaseSync(path, { enableDoubleQuotedStringLiterals: true })
      : streams.get(baton);
    if (stream === undefined) return Response.json({ message: "no such stream" }, { status: 400 });
    streams.delete(baton);
    let open = true;
    // deno-lint-ignore no-explicit-any -- it is what the client under test sends
    const results = requests.map(({ type, stmt }: any) => {
      if (type === "close") {
        stream.close();
        open = false;
        return { type: "ok", response: { type } };
      }
      try {
        return { type: "ok", response: { type, result: execute(stream, stmt.sql, stmt.args) } };
      } catch (error) {
        const { message, errcode } = error as { message: string; errcode?: number };
        return { type: "error", error: { message, code: errcode === 13 ? "SQLITE_FULL" : "SQLITE_ERROR" } };
      }
    });
    const next = `stream-${++count}`;
    if (open) streams.set(next, stream);
    return Response.json({ baton: open ? next : null, base_url: null, results });
  };
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handle);
  const server: HranaServer = {
    url: `http://127.0.0.1:${http.addr.port}`,
    token: undefined,
    streams,
    instead: undefined,
    async [Symbol.asyncDispose]() {
      await http.shutdown();
      for (const stream of streams.values()) stream.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
  return server;
}

function execute(db: DatabaseSync, sql: string, args: HranaValue[]) {
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  const names = parameterNames(sql);
  const named: Record<string, SQLInputValue> = {};
  const positional: SQLInputValue[] = [];
  args.forEach((arg, at) => names[at] === undefined ? positional.push(input(arg)) : named[names[at]] = input(arg));
  const rows = statement.all(
    ...(Object.keys(named).length > 0 ? [named, ...positional] : positional) as SQLInputValue[],
  );
  return {
    cols: statement.columns().map(({ name }) => ({ name })),
    rows: (rows as unknown as unknown[][]).map((row) => row.map(output)),
    affected_row_count: 0,
    last_insert_rowid: null,
  };
}

function input({ type, value, base64 }: HranaValue): SQLInputValue {
  if (type === "integer") return BigInt(value!);
  if (type === "blob") return Uint8Array.from(atob(base64!), (character) => character.charCodeAt(0));
  return type === "null" ? null : value!;
}

function output(value: unknown): HranaValue {
  if (value === null) return { type: "null" };
  if (typeof value === "bigint") return { type: "integer", value: `${value}` };
  if (typeof value === "number") return { type: "float", value };
  if (typeof value === "string") return { type: "text", value };
  // libSQL leaves the padding out.
  return {
    type: "blob",
    base64: btoa(Array.from(value as Uint8Array, (byte) => String.fromCharCode(byte)).join("")).replace(/=+$/, ""),
  };
}
