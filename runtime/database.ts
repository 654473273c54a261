/**
 * The server's database: one Deno KV for all that keeps state in it.
 *
 * @module
 */
import { dirname } from "node:path";
import { SkerryError } from "./errors.ts";

/** Where the data is when nothing else is said, from the folder that the server runs in. */
const DEFAULT_PATH = ".skerry/kv.sqlite3";

const open = new Map<string | undefined, Promise<Deno.Kv>>();

/** What `KV_URL` names; `undefined` for Deno Deploy's own. `memory:` forgets with the process. */
export function databaseUrl(): string | undefined {
  return Deno.env.get("KV_URL") || (Deno.env.has("DENO_DEPLOYMENT_ID") ? undefined : DEFAULT_PATH);
}

/**
 * Opens the database that `KV_URL` names, once for the process: a path, the URL of a `denokv` server, or `memory:`. If it
 * is not set, Deno Deploy's own, and elsewhere a file.
 *
 * @throws {SkerryError} `setting-invalid` or `runtime-unsupported`.
 */
export function openDatabase(): Promise<Deno.Kv> {
  const url = databaseUrl();
  let database = open.get(url);
  if (database === undefined) {
    open.set(url, database = openAt(url));
    // What could not be opened may be there when it is next asked for.
    database.catch(() => open.delete(url));
  }
  return database;
}

async function openAt(url: string | undefined): Promise<Deno.Kv> {
  if (typeof Deno.openKv !== "function") {
    throw new SkerryError(
      "runtime-unsupported",
      'opening the key-value store: this Deno has no KV. Run it with --unstable-kv, or with "unstable": ["kv"] in deno.json.',
    );
  }
  if (url === "memory:") return await Deno.openKv(":memory:");
  const isFile = url !== undefined && !/^(https?:|:memory:$)/.test(url);
  try {
    if (isFile) await Deno.mkdir(dirname(url), { recursive: true });
    return await Deno.openKv(url);
  } catch (error) {
    const what = isFile
      ? `Start it with \`deno task start:kv\`, which may write below .skerry, or with --allow-write=${
        dirname(url)
      }; or name a denokv server in KV_URL.`
      : "Allow the server to reach it, or name another place or a denokv server in KV_URL.";
    throw new SkerryError(
      "setting-invalid",
      `opening the key-value store ${url ?? ""}: ${error instanceof Error ? error.message : error}. ${what}`,
      { cause: error },
    );
  }
}
