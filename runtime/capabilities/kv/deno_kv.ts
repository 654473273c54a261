/**
 * `kv` on Deno KV: an embedded SQLite file, a `denokv` server, or what Deno Deploy has.
 *
 * @module
 */
import { databaseUrl, openDatabase } from "../../database.ts";
import type { Amount } from "../../quota.ts";
import { StoredUsage } from "../../stored_usage.ts";
import { Turns } from "../../turns.ts";
import {
  type Backend,
  type BucketId,
  changeOf,
  type Entry,
  MemoryBackend,
  sizeOf,
  type WriteOptions,
} from "./backend.ts";

const UNBOUNDED: Amount = Object.freeze({ bytes: Infinity, entries: Infinity });

/** Entries that are in the host's memory at once while they are counted. */
const COUNTED_AT_ONCE = 100;

/** A backend on an open Deno KV, below a prefix of its own. */
export class DenoKvBackend implements Backend {
  readonly #kv: Deno.Kv;
  readonly #turns = new Turns();
  readonly #usages = new Map<string, StoredUsage>();

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  async get(bucket: BucketId, key: string): Promise<Entry | undefined> {
    const { value, versionstamp } = await this.#kv.get<Uint8Array>(keyOf(bucket, key));
    return versionstamp === null ? undefined : { value, version: versionstamp };
  }

  write(
    bucket: BucketId,
    key: string,
    value: Uint8Array | undefined,
    { expected, most = UNBOUNDED }: WriteOptions = {},
  ): Promise<boolean> {
    const at = keyOf(bucket, key);
    const usage = this.#usageOf(bucket);
    // Those who write to one key would make each other try again and again.
    return this.#turns.run(JSON.stringify(at), async () => {
      // What is expected need not be looked up before the first attempt, and is compared with by the commit.
      for (let before = expected === undefined ? await this.get(bucket, key) : expected ?? undefined;;) {
        if (value === undefined && before === undefined) return true;
        const operation = () => {
          const checked = this.#kv.atomic().check({ key: at, versionstamp: before?.version ?? null });
          return value === undefined ? checked.delete(at) : checked.set(at, value);
        };
        const by = changeOf(key, before?.value, value);
        if ((await usage.commit({ by, most, operation })).ok) return true;
        before = await this.get(bucket, key);
        if (expected !== undefined && before?.version !== expected?.version) return false;
      }
    });
  }

  async list(
    bucket: BucketId,
    { after, limit }: { after: string | undefined; limit: number },
  ): Promise<string[]> {
    const prefix = keyOf(bucket);
    // The least string that comes after another one has a NUL more.
    const selector = after === undefined ? { prefix } : { prefix, start: [...prefix, `${after}\0`] };
    const keys: string[] = [];
    for await (const { key } of this.#kv.list(selector, { limit })) keys.push(key.at(-1) as string);
    return keys;
  }

  usage(bucket: BucketId): Promise<Amount> {
    return this.#usageOf(bucket).held();
  }

  #usageOf(bucket: BucketId): StoredUsage {
    const name = JSON.stringify(bucket);
    let usage = this.#usages.get(name);
    if (usage === undefined) {
      const count = () => this.#count(bucket);
      // No bucket's name begins so.
      this.#usages.set(name, usage = new StoredUsage(this.#kv, { key: keyOf(["usage", ...bucket]), count }));
    }
    return usage;
  }

  async #count(bucket: BucketId): Promise<Amount> {
    let [bytes, entries] = [0, 0];
    const selector = { prefix: keyOf(bucket) };
    for await (const { key, value } of this.#kv.list<Uint8Array>(selector, { batchSize: COUNTED_AT_ONCE })) {
      bytes += sizeOf(key.at(-1) as string, value).bytes;
      entries++;
    }
    return { bytes, entries };
  }
}

const keyOf = (bucket: BucketId, ...key: string[]): string[] => ["skerry", "kv", ...bucket, ...key];

/**
 * Opens what `KV_URL` names: a path, the URL of a `denokv` server, or `memory:` for one that forgets with the process. If
 * it is not set, Deno Deploy's own, and elsewhere a file.
 *
 * @throws {SkerryError} `setting-invalid` or `runtime-unsupported`.
 */
export async function openBackend(): Promise<Backend> {
  return databaseUrl() === "memory:" ? new MemoryBackend() : new DenoKvBackend(await openDatabase());
}
