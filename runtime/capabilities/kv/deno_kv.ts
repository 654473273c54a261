/**
 * `kv` on Deno KV: an embedded SQLite file, a `denokv` server, or what Deno Deploy has.
 *
 * @module
 */
import { databaseUrl, openDatabase } from "../../database.ts";
import { type Backend, type BucketId, type Entry, MemoryBackend } from "./backend.ts";

/** A backend on an open Deno KV, below a prefix of its own. */
export class DenoKvBackend implements Backend {
  readonly #kv: Deno.Kv;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  async get(bucket: BucketId, key: string): Promise<Entry | undefined> {
    const { value, versionstamp } = await this.#kv.get<Uint8Array>(keyOf(bucket, key));
    return versionstamp === null ? undefined : { value, version: versionstamp };
  }

  async write(
    bucket: BucketId,
    key: string,
    value: Uint8Array | undefined,
    expected?: string | null,
  ): Promise<boolean> {
    const at = keyOf(bucket, key);
    const operation = this.#kv.atomic();
    if (expected !== undefined) operation.check({ key: at, versionstamp: expected });
    if (value === undefined) operation.delete(at);
    else operation.set(at, value);
    const { ok } = await operation.commit();
    return ok;
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
