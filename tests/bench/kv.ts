/**
 * What it costs to get a key: from Deno KV, and through a guest.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { builtinCapabilities } from "../../runtime/capabilities/mod.ts";
import { DenoKvBackend } from "../../runtime/capabilities/kv/deno_kv.ts";
import { kvOn } from "../../runtime/capabilities/kv/mod.ts";
import { Dispatcher } from "../../runtime/dispatcher.ts";
import { findHandler } from "../../runtime/handler.ts";
import { Host } from "../../runtime/host.ts";
import { DEFAULT_LIMITS } from "../../runtime/limits.ts";
import { silentSink } from "../../runtime/log.ts";
import { again, type Worker } from "./again.ts";
import { type EngineName, openEngine } from "./engines.ts";

/** Who gets the key. */
export interface KvSpec {
  /** `null` for host code without a guest. */
  readonly engine: EngineName | null;
  /** The `.wasm` of a guest that gets keys, absolute. */
  readonly component: string;
  readonly cacheDir: string;
}

/** Calls between two looks at the clock: a guest makes them in one isolate, which then costs next to nothing of each. */
const CALLS = 1000;

/** Makes what gets a key for `ms` milliseconds, over and over. An operation is one call. */
export async function getter(spec: KvSpec): Promise<Worker> {
  const kv = await Deno.openKv(join(await Deno.makeTempDir({ prefix: "skerry-bench-" }), "kv.sqlite3"));
  const backend = new DenoKvBackend(kv);
  const bucket = ["own", "bench", "default"];
  await backend.write(bucket, "key", new TextEncoder().encode("value"));
  const many = spec.engine === null ? byHost(kv, bucket) : await byGuest({ ...spec, engine: spec.engine }, backend);
  return again(many, { operations: CALLS });
}

function byHost(kv: Deno.Kv, bucket: readonly string[]): () => Promise<void> {
  const key = ["skerry", "kv", ...bucket, "key"];
  return async () => {
    for (let i = 0; i < CALLS; i++) {
      if ((await kv.get(key)).value === null) throw new Error("getting the key: it is not there");
    }
  };
}

async function byGuest(
  spec: KvSpec & { readonly engine: EngineName },
  backend: DenoKvBackend,
): Promise<() => Promise<void>> {
  const { component } = spec;
  const name = "bench";
  const loaded = await (await openEngine(spec)).load(await Deno.readFile(component), { name });
  const host = new Host([...builtinCapabilities, kvOn(() => backend)]);
  const grants = { kv: {}, log: {}, config: {} };
  const linked = await host.link(loaded, { name, directory: dirname(component), grants, env: {} });
  const served = { name, linked: linked.component, handler: findHandler(loaded, name), limits: DEFAULT_LIMITS };
  const dispatcher = new Dispatcher({ sink: silentSink });
  return async () => {
    const request = new Request(`http://localhost/gets?key=key&n=${CALLS}`);
    const response = await dispatcher.dispatch(served, request, ({ error }) => new Response(error.message));
    const text = await response.text();
    if (text !== "value") throw new Error(`getting the key: the guest answered ${text}`);
  };
}
