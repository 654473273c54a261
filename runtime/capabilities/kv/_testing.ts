/**
 * The backends that the tests of `kv` run on, and a task around each.
 *
 * @module
 */
import { join } from "node:path";
import type { HostImports } from "../../engine/mod.ts";
import type { LogRecord } from "../../log.ts";
import { inTask } from "../_testing.ts";
import { type Backend, MemoryBackend } from "./backend.ts";
import { DenoKvBackend } from "./deno_kv.ts";
import { kvGrant } from "./grant.ts";
import { spin } from "./spin.ts";
import { KvProcess } from "./store.ts";
import { wasi } from "./wasi.ts";

/** Opens a backend, runs `body`, and leaves nothing behind. */
type WithBackend = (body: (backend: Backend) => Promise<void>) => Promise<void>;

const BACKENDS: Readonly<Record<string, WithBackend>> = {
  "in memory": (body) => body(new MemoryBackend()),
  async "on Deno KV"(body) {
    const directory = await Deno.makeTempDir({ prefix: "skerry-kv-" });
    const kv = await Deno.openKv(join(directory, "kv.sqlite3"));
    try {
      await body(new DenoKvBackend(kv));
    } finally {
      kv.close();
      await Deno.remove(directory, { recursive: true });
    }
  },
  ...remote(Deno.env.get("TEST_KV_URL")),
};

/** A `denokv` server, where one is named. Its token is in `DENO_KV_ACCESS_TOKEN`; what the tests leave there is theirs. */
function remote(url: string | undefined): Readonly<Record<string, WithBackend>> {
  if (url === undefined) return {};
  return {
    async "on a denokv server"(body) {
      using kv = await Deno.openKv(url);
      for await (const { key } of kv.list({ prefix: ["skerry", "kv"] })) await kv.delete(key);
      await body(new DenoKvBackend(kv));
    },
  };
}

/** Registers a test for each backend, in a task whose records it gets. */
export function onEachBackend(name: string, body: (backend: Backend, records: LogRecord[]) => Promise<void>): void {
  for (const [which, withBackend] of Object.entries(BACKENDS)) {
    Deno.test(`${name}, ${which}`, () => withBackend((backend) => inTask((records) => body(backend, records))));
  }
}

type Stores = Readonly<Record<string, true | string>>;

/** The interfaces of one function. */
export function hostOf(
  backend: Backend | KvProcess,
  name = "f",
  stores: Stores = { default: true },
  quota: { readonly maxBytes?: number; readonly maxKeys?: number } = {},
): HostImports {
  const process = backend instanceof KvProcess ? backend : new KvProcess(backend);
  const owner = { process, function: name, grant: kvGrant.parse({ stores, ...quota }) };
  return { ...wasi(owner), ...spin(owner) };
}

/** A bucket as a guest has it. */
export interface GuestBucket {
  get(key: string): Promise<Uint8Array | undefined>;
  set(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  exists(key: string): Promise<boolean>;
  listKeys<C = string>(cursor?: C): Promise<{ keys: string[]; cursor: C | undefined }>;
  [Symbol.dispose](): void;
}

export function open(host: HostImports, name = "default", version = "draft2"): GuestBucket {
  return (host[`wasi:keyvalue/store@0.2.0-${version}`]!.open as (name: string) => GuestBucket)(name);
}

/** Calls a function of an interface of `wasi:keyvalue`. */
// deno-lint-ignore no-explicit-any -- what a guest gets is told by the WIT
export function call(host: HostImports, name: string, ...args: unknown[]): Promise<any> {
  const [path, member] = name.split("#");
  const [face, version = "draft2"] = path!.split("@");
  return (host[`wasi:keyvalue/${face}@0.2.0-${version}`]![member!] as (...args: unknown[]) => Promise<unknown>)(
    ...args,
  );
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);
