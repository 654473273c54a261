/**
 * What `kv` keeps its data in: one small interface, and a memory that forgets with the process.
 *
 * @module
 */
import { type Amount, checkRoom } from "../../quota.ts";

/** A value, and what it can be recognised by when it has not changed. */
export interface Entry {
  readonly value: Uint8Array;
  readonly version: string;
}

/** Which bucket: parts that are compared one by one, so that no name runs into another. */
export type BucketId = readonly string[];

/** On what conditions something is written. */
export interface WriteOptions {
  /** Only if this is still what is there; `null` for there being nothing. */
  readonly expected?: Entry | null | undefined;
  /** How much the bucket may hold. Without it, there is no end. */
  readonly most?: Amount | undefined;
}

/** Keeps entries. What `write` has acknowledged, every later call sees. */
export interface Backend {
  get(bucket: BucketId, key: string): Promise<Entry | undefined>;
  /**
   * Sets a value, or deletes it where that is `undefined`. Resolves to whether it was done, which it always is where nothing
   * is `expected`.
   *
   * @throws {Full} when the bucket would hold more than it may, and more than before.
   */
  write(bucket: BucketId, key: string, value: Uint8Array | undefined, options?: WriteOptions): Promise<boolean>;
  /** At most `limit` keys that come after `after`, in the order of their code points. */
  list(bucket: BucketId, options: { readonly after: string | undefined; readonly limit: number }): Promise<string[]>;
  /** How much a bucket holds: the bytes of its keys and values, and how many there are. */
  usage(bucket: BucketId): Promise<Amount>;
}

const encoder = new TextEncoder();
const NONE: Amount = Object.freeze({ bytes: 0, entries: 0 });

/** What an entry takes; nothing where there is none. */
export function sizeOf(key: string, value: Uint8Array | undefined): Amount {
  if (value === undefined) return NONE;
  return { bytes: encoder.encode(key).byteLength + value.byteLength, entries: 1 };
}

/** By how much a bucket grows, or shrinks, when a value takes the place of another. */
export function changeOf(key: string, before: Uint8Array | undefined, after: Uint8Array | undefined): Amount {
  const [old, now] = [sizeOf(key, before), sizeOf(key, after)];
  return { bytes: now.bytes - old.bytes, entries: now.entries - old.entries };
}

/** A backend without a disk, for tests. */
export class MemoryBackend implements Backend {
  readonly #buckets = new Map<string, Map<string, Entry>>();
  readonly #held = new Map<Map<string, Entry>, Amount>();
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

  // deno-lint-ignore require-await -- it refuses as others do, and nothing may come between looking and writing
  async write(id: BucketId, key: string, value: Uint8Array | undefined, options: WriteOptions = {}): Promise<boolean> {
    const { expected, most } = options;
    const bucket = this.#bucket(id);
    const before = bucket.get(key);
    if (expected !== undefined && before?.version !== expected?.version) return false;
    const held = this.#held.get(bucket) ?? NONE;
    const change = changeOf(key, before?.value, value);
    if (most !== undefined) checkRoom(held, change, most);
    this.#held.set(bucket, { bytes: held.bytes + change.bytes, entries: held.entries + change.entries });
    if (value === undefined) bucket.delete(key);
    else bucket.set(key, { value: value.slice(), version: `${++this.#versions}` });
    return true;
  }

  usage(id: BucketId): Promise<Amount> {
    return Promise.resolve(this.#held.get(this.#bucket(id)) ?? NONE);
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
