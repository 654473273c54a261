/**
 * `wasi:keyvalue`: 0.2.0-draft2, which Spin and Wasmtime's later relatives speak, and 0.2.0-draft before it.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { WitError } from "../../errors.ts";
import type { Entry } from "./backend.ts";
import { openStore, type StoreOwner } from "./grant.ts";
import { GuestStore } from "./guest_store.ts";
import { KvError, other, type Store, takeHandle } from "./store.ts";

const S64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };
const U64 = { least: 0n, most: 2n ** 64n - 1n };

/** A handle, which this interface has no error of its own for. */
function handle(): () => void {
  try {
    return takeHandle();
  } catch (error) {
    throw error instanceof KvError ? other("too many stores and swaps are open") : error;
  }
}

/** What both drafts have alike. */
class BaseBucket extends GuestStore {
  constructor(store: Store) {
    super(store, handle());
  }
}

class Bucket extends BaseBucket {
  async listKeys(cursor: string | undefined) {
    return await BaseBucket.storeOf(this).keys(cursor);
  }
}

class OldBucket extends BaseBucket {
  /** Here a cursor is a number: of the keys that came before. */
  async listKeys(cursor: bigint | undefined) {
    const skip = Number(cursor ?? 0n);
    const store = BaseBucket.storeOf(this);
    let page = await store.keys(undefined);
    let seen = 0;
    while (seen + page.keys.length <= skip && page.cursor !== undefined) {
      seen += page.keys.length;
      page = await store.keys(page.cursor);
    }
    const keys = page.keys.slice(Math.max(0, skip - seen));
    return { keys, cursor: page.cursor === undefined ? undefined : BigInt(seen + page.keys.length) };
  }
}

/** A value to be replaced only if it is still what it was when this was made. */
class Cas {
  readonly #store: Store;
  readonly #key: string;
  readonly #entry: Entry | undefined;
  readonly #close = handle();

  constructor(store: Store, key: string, entry: Entry | undefined) {
    this.#store = store;
    this.#key = key;
    this.#entry = entry;
  }

  static async new(bucket: BaseBucket, key: string): Promise<Cas> {
    const store = BaseBucket.storeOf(bucket);
    return new Cas(store, key, await store.entry(key));
  }

  /** Swaps; resolves to a handle for what is there now if it was too late. Uses `cas` up. */
  static async swap(cas: Cas, value: Uint8Array): Promise<Cas | undefined> {
    cas.#close();
    if (await cas.#store.swap(cas.#key, value, cas.#entry)) return undefined;
    return new Cas(cas.#store, cas.#key, await cas.#store.entry(cas.#key));
  }

  current(): Uint8Array | undefined {
    return this.#entry?.value;
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}

async function swap(cas: Cas, value: Uint8Array): Promise<void> {
  let failed: Cas | undefined;
  try {
    failed = await Cas.swap(cas, value);
  } catch (error) {
    throw error instanceof KvError ? new WitError({ tag: "store-error", val: error.payload }) : error;
  }
  if (failed !== undefined) throw new WitError({ tag: "cas-failed", val: failed });
}

const batch = {
  async getMany(bucket: BaseBucket, keys: readonly string[]) {
    return await BaseBucket.storeOf(bucket).getMany(keys);
  },
  async setMany(bucket: BaseBucket, entries: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    await BaseBucket.storeOf(bucket).setMany(entries);
  },
  async deleteMany(bucket: BaseBucket, keys: readonly string[]): Promise<void> {
    await BaseBucket.storeOf(bucket).deleteMany(keys);
  },
};

async function increment(bucket: BaseBucket, key: string, delta: bigint): Promise<bigint> {
  return await BaseBucket.storeOf(bucket).increment(key, delta, S64);
}

async function incrementUnsigned(bucket: BaseBucket, key: string, delta: bigint): Promise<bigint> {
  return await BaseBucket.storeOf(bucket).increment(key, delta, U64);
}

async function getManyOld(bucket: BaseBucket, keys: readonly string[]) {
  const found = await BaseBucket.storeOf(bucket).getMany(keys);
  return found.map(([key, value]) => value === undefined ? undefined : [key, value]);
}

/** `wasi:keyvalue` over the stores of `owner`. */
export function wasi(owner: StoreOwner): HostImports {
  return {
    "wasi:keyvalue/store@0.2.0-draft2": { open: (name: string) => new Bucket(openStore(owner, name)), Bucket },
    "wasi:keyvalue/atomics@0.2.0-draft2": { increment, swap, Cas },
    "wasi:keyvalue/batch@0.2.0-draft2": batch,
    "wasi:keyvalue/store@0.2.0-draft": {
      open: (name: string) => new OldBucket(openStore(owner, name)),
      Bucket: OldBucket,
    },
    "wasi:keyvalue/atomics@0.2.0-draft": { increment: incrementUnsigned },
    "wasi:keyvalue/batch@0.2.0-draft": { ...batch, getMany: getManyOld },
  };
}
