/**
 * The server's database: one Deno KV for all that keeps state in it.
 *
 * @module
 */
import { dirname } from "node:path";
import { committingOnce } from "./commit_once.ts";
import { isOnDeploy } from "./deploy.ts";
import { SkerryError } from "./errors.ts";

/** Where the data is when nothing else is said, from the folder that the server runs in. */
const DEFAULT_PATH = ".skerry/kv.sqlite3";

const open = new Map<string | undefined, Promise<Deno.Kv>>();

/** What `KV_URL` names; `undefined` for Deno Deploy's own. `memory:` forgets with the process. */
export function databaseUrl(): string | undefined {
  return Deno.env.get("KV_URL") || (isOnDeploy() ? undefined : DEFAULT_PATH);
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
    open.set(url, database = openDatabaseAt(url));
    // What could not be opened may be there when it is next asked for.
    database.catch(() => open.delete(url));
  }
  return database;
}

/** How long to wait for a file that other processes write to. */
const PATIENCE_MS = 10_000;

/** The longest pause between two attempts. */
const MAX_PAUSE_MS = 40;

/** What SQLite says when another connection has the file: nothing was done. */
const LOCKED = /database (?:table )?is locked/;

/**
 * Lets `kv` wait where its file is locked: of several processes, or threads under `deno serve --parallel`, one can write at
 * a time, and Deno's own KV gives up at once.
 *
 * @example
 * ```ts
 * import { patient } from "./database.ts";
 *
 * using kv = patient(await Deno.openKv(":memory:"));
 * await kv.set(["key"], "value");
 * ```
 */
export function patient(kv: Deno.Kv): Deno.Kv {
  const [get, getMany, set, drop, list, atomic] = [
    kv.get.bind(kv),
    kv.getMany.bind(kv),
    kv.set.bind(kv),
    kv.delete.bind(kv),
    kv.list.bind(kv),
    kv.atomic.bind(kv),
  ];
  async function* listOn<T>(selector: Deno.KvListSelector, options: Deno.KvListOptions = {}) {
    let { cursor, limit = Infinity } = options;
    let next = list<T>(selector, options);
    while (limit > 0) {
      const step = await attempt(() => next.next(), () => {
        next = list<T>(selector, { ...options, ...(cursor === undefined ? {} : { cursor }), ...bound(limit) });
      });
      if (step.done) return;
      limit--;
      cursor = next.cursor;
      yield step.value;
    }
  }
  return Object.assign(kv, {
    get: (...args: Parameters<typeof get>) => attempt(() => get(...args)),
    getMany: (...args: Parameters<typeof getMany>) => attempt(() => getMany(...args)),
    set: (...args: Parameters<typeof set>) => attempt(() => set(...args)),
    delete: (...args: Parameters<typeof drop>) => attempt(() => drop(...args)),
    list: listOn,
    atomic() {
      const operation = atomic();
      const commit = operation.commit.bind(operation);
      return Object.assign(operation, { commit: () => attempt(commit) });
    },
  } as unknown as Partial<Deno.Kv>);
}

const bound = (limit: number) => limit === Infinity ? {} : { limit };

/** Takes `step` until the file is not locked. */
async function attempt<T>(step: () => Promise<T>, before: () => void = () => {}): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  for (let pause = 1;; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof Error && LOCKED.test(error.message)) || performance.now() > until) throw error;
    }
    // Those who wait do not all come back at once.
    await new Promise((done) => setTimeout(done, pause * (0.5 + Math.random())));
    before();
  }
}

/** Opens the database at `url`, as {@linkcode openDatabase} would. */
export async function openDatabaseAt(url: string | undefined): Promise<Deno.Kv> {
  if (typeof Deno.openKv !== "function") {
    throw new SkerryError(
      "runtime-unsupported",
      'opening the key-value store: this Deno has no KV. Run it with --unstable-kv, or with "unstable": ["kv"] in deno.json.',
    );
  }
  if (url === "memory:") return await Deno.openKv(":memory:");
  const scheme = /^([a-z][a-z0-9+.-]+:)\/\//i.exec(url ?? "")?.[1];
  if (scheme !== undefined && !/^https?:$/.test(scheme)) {
    throw new SkerryError(
      "setting-invalid",
      `opening the key-value store: KV_URL begins with ${JSON.stringify(scheme)}, which is not understood. ` +
        "Write the path of a file, memory:, or the http: or https: URL of a denokv server.",
    );
  }
  const isFile = url !== undefined && !/^(https?:|:memory:$)/.test(url);
  try {
    if (isFile) await Deno.mkdir(dirname(url), { recursive: true });
    const kv = await Deno.openKv(url);
    return isFile || url === ":memory:" ? patient(kv) : committingOnce(kv);
  } catch (error) {
    const what = isFile
      ? `Start it with \`deno task start:kv\`, which may write below .skerry, or with --allow-write=${
        dirname(url)
      }; or name a denokv server in KV_URL.`
      : url === undefined
      ? "Provision a Deno KV database on Deno Deploy and assign it to the app, or name a denokv server in KV_URL."
      : "Allow the server to reach it, or name another place or a denokv server in KV_URL.";
    throw new SkerryError(
      "setting-invalid",
      `opening the key-value store${url === undefined ? "" : ` ${url}`}: ${
        error instanceof Error ? error.message : error
      }. ${what}`,
      { cause: error },
    );
  }
}
