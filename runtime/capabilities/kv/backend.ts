/**
 * What `kv` keeps its data in: one small interface, and a memory that forgets with the process.
 *
 * @module
 */

/** A value, and what it can be recognised by when it has not changed. */
export interface Entry {
  readonly value: Uint8Array;
  readonly version: string;
}

/** Which bucket: parts that are compared one by one, so that no name runs into another. */
export type BucketId = readonly string[];

/** Keeps entries. What `write` has acknowledged, every later call sees. */
export interface Backend {
  get(bucket: BucketId, key: string): Promise<Entry | undefined>;
  /**
   * Sets a value, or deletes it where that is `undefined`. With `expected` only if the entry has that version, `null` for
   * there being none; resolves to whether it was done.
   */
  write(bucket: BucketId, key: string, value: Uint8Array | undefined, expected?: string | null): Promise<boolean>;
  /** At most `limit` keys that come after `after`, in the order of their code points. */
  list(bucket: BucketId, options: { readonly after: string | undefined; readonly limit: number }): Promise<string[]>;
}

/** A backend without a disk, for tests. */
export class MemoryBackend implements Backend {
  readonly #buckets = new Map<string, Map<string, Entry>>();
  #versions = 0;

  #bucket(id: BucketId): Map<string, Entry> {
    const name = JSON.stringify(id);
    const bucket = this.#buckets.get(name) ?? new Map<string, Entry>();
    this.#buckets.set(name, bucket);
    return bucket;
  }

  get(id: BucketId, key: string): Promise<Entry | undefined> {
    return Promise.resolve(this.#bucket(id).get(key));
  }

  write(id: BucketId, key: string, value: Uint8Array | undefined, expected?: string | null): Promise<boolean> {
    const bucket = this.#bucket(id);
    if (expected !== undefined && (bucket.get(key)?.version ?? null) !== expected) return Promise.resolve(false);
    if (value === undefined) bucket.delete(key);
    else bucket.set(key, { value: value.slice(), version: `${++this.#versions}` });
    return Promise.resolve(true);
  }

  list(id: BucketId, { after, limit }: { after: string | undefined; limit: number }): Promise<string[]> {
    const keys = [...this.#bucket(id).keys()].sort(byCodePoints);
    const from = after === undefined ? 0 : keys.findIndex((key) => byCodePoints(key, after) > 0);
    return Promise.resolve(from < 0 ? [] : keys.slice(from, from + limit));
  }
}

/** The order of UTF-8, which is not that of JavaScript's UTF-16. */
function byCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
