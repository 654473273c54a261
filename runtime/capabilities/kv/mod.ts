/**
 * The capability `kv`: `wasi:keyvalue`, and Spin's key-value interface, on Deno KV. `"kv": {}` gives a function a store
 * of its own, `default`; `"kv": { "stores": { "default": true, "carts": "shop-carts" } }` one that it shares as well.
 *
 * @module
 */
import { type Capability, defineCapability } from "../../capability.ts";
import type { Backend } from "./backend.ts";
import { openBackend } from "./deno_kv.ts";
import { kvGrant } from "./grant.ts";
import { spin } from "./spin.ts";
import { KvProcess } from "./store.ts";
import { wasi } from "./wasi.ts";

export { type Backend, type BucketId, type Entry, MemoryBackend, type WriteOptions } from "./backend.ts";

/** The capability on a backend of one's own. */
export function kvOn(open: () => Backend | Promise<Backend>): Capability {
  return defineCapability({
    name: "kv",
    interfaces: [
      "fermyon:spin/key-value@2.0.0",
      "spin:key-value/key-value@3.0.0",
      ...["store", "atomics", "batch"].flatMap((name) =>
        ["0.2.0-draft2", "0.2.0-draft"].map((version) => `wasi:keyvalue/${name}@${version}`)
      ),
    ],
    grant: kvGrant,
    open: async () => new KvProcess(await open()),
    link: ({ grant, function: name, store: process }) => {
      const owner = { process, function: name, grant };
      return { ...wasi(owner), ...spin(owner) };
    },
  });
}

export const kv: Capability = kvOn(openBackend);
