/**
 * What every interface of `kv` does, whatever it looks like: one bucket of a function, its limits, its atomic operations.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { WitError } from "../../errors.ts";
import { openCount } from "../../open_count.ts";
import { type Amount, Full, meetQuota } from "../../quota.ts";
import { Turns } from "../../turns.ts";
import type { Backend, BucketId, Entry } from "./backend.ts";

/** Deno KV's own limit for a value. */
export const MAX_VALUE_BYTES = 64 * 1024;

/** Deno KV takes 2,048 bytes for a whole key; the bucket's name and what escapes take need some of them. */
export const MAX_KEY_BYTES = 1024;

/** Keys in one page of a list, and in one batch: host memory, and time that other tasks wait. */
export const MAX_KEYS_AT_ONCE = 1000;

/** What one call hands to the guest at most. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Buckets and compare-and-swap handles that a task may have open. */
export const MAX_OPEN_HANDLES = 256;

/** Reads or writes of one batch that are under way at once. */
const BATCH_WIDTH = 10;

/** The errors that every interface of `kv` can say. */
export type KvErrorPayload =
  | { readonly tag: "no-such-store" | "access-denied" | "store-table-full" }
  | { readonly tag: "other"; readonly val: string };

/** A refusal, for the guest. */
export class KvError extends WitError {
  declare readonly payload: KvErrorPayload;
  override readonly name: string = "KvError";

  constructor(payload: KvErrorPayload) {
    super(payload);
  }
}

export const other = (val: string): KvError => new KvError({ tag: "other", val });

const countHandle = openCount();

/** Counts a handle of the task. Returns a function that gives it back, which works once. */
export function takeHandle(): () => void {
  return countHandle(MAX_OPEN_HANDLES, () => new KvError({ tag: "store-table-full" }));
}

const encoder = new TextEncoder();

function checkKey(key: string): void {
  // A NUL is escaped by another byte.
  const bytes = encoder.encode(key).reduce((sum, byte) => sum + (byte === 0 ? 2 : 1), 0);
  if (bytes > MAX_KEY_BYTES) throw other(`the key has ${bytes} bytes, and may have ${MAX_KEY_BYTES}`);
}

function checkValue(value: Uint8Array): void {
  if (value.byteLength > MAX_VALUE_BYTES) {
    throw other(`the value has ${value.byteLength} bytes, and may have ${MAX_VALUE_BYTES}`);
  }
}

function checkCount(count: number): void {
  if (count > MAX_KEYS_AT_ONCE) throw other(`${count} keys in one call, and there may be ${MAX_KEYS_AT_ONCE}`);
}

/** A backend with what one process needs of it: increments of one key in turn, so that they do not retry each other. */
export class KvProcess {
  readonly turns = new Turns();
  readonly backend: Backend;

  constructor(backend: Backend) {
    this.backend = backend;
  }
}

/** Which bucket, and what it may hold. */
export interface StoreOptions {
  readonly id: BucketId;
  /** What the function calls it. */
  readonly name: string;
  readonly most: Amount;
}

/** One bucket. Every error that it throws is a {@linkcode KvError}. */
export class Store {
  readonly #process: KvProcess;
  readonly #id: BucketId;
  readonly #name: string;
  readonly #most: Amount;

  constructor(process: KvProcess, { id, name, most }: StoreOptions) {
    this.#process = process;
    this.#id = id;
    this.#name = name;
    this.#most = most;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return (await this.entry(key))?.value;
  }

  entry(key: string): Promise<Entry | undefined> {
    checkKey(key);
    return this.#attempt("get", (backend) => backend.get(this.#id, key));
  }

  async exists(key: string): Promise<boolean> {
    return (await this.entry(key)) !== undefined;
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    checkKey(key);
    checkValue(value);
    await this.#attempt("set", (backend) => backend.write(this.#id, key, value, { most: this.#most }));
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#attempt("delete", (backend) => backend.write(this.#id, key, undefined));
  }

  /** Sets the value if the entry is still `expected`; resolves to whether it was. */
  swap(key: string, value: Uint8Array, expected: Entry | undefined): Promise<boolean> {
    checkKey(key);
    checkValue(value);
    const options = { expected: expected ?? null, most: this.#most };
    return this.#attempt("swap", (backend) => backend.write(this.#id, key, value, options));
  }

  /** A page of keys, and the key to go on after; `undefined` at the end. */
  async keys(after: string | undefined): Promise<{ keys: string[]; cursor: string | undefined }> {
    if (after !== undefined) checkKey(after);
    const limit = MAX_KEYS_AT_ONCE;
    const keys = await this.#attempt("list", (backend) => backend.list(this.#id, { after, limit }));
    return { keys, cursor: keys.length < limit ? undefined : keys.at(-1) };
  }

  /** All keys, for interfaces that know no pages. */
  async allKeys(): Promise<string[]> {
    const all: string[] = [];
    let bytes = 0;
    let cursor: string | undefined;
    do {
      const page = await this.keys(cursor);
      for (const key of page.keys) bytes += key.length;
      if (bytes > MAX_ANSWER_BYTES) {
        throw other(`the keys have more than ${MAX_ANSWER_BYTES} bytes; list them in pages`);
      }
      all.push(...page.keys);
      ({ cursor } = page);
    } while (cursor !== undefined);
    return all;
  }

  /** Adds to a decimal number of at most 64 bits, 0 where there is none, and resolves to the sum. */
  increment(key: string, delta: bigint, range: { least: bigint; most: bigint }): Promise<bigint> {
    checkKey(key);
    const task = currentTask();
    return this.#process.turns.run(JSON.stringify([this.#id, key]), async () => {
      // Another process may be faster each time, but then it is done sooner.
      while (!task.ended) {
        const entry = await this.entry(key);
        const sum = numberOf(key, entry) + delta;
        if (sum < range.least || sum > range.most) throw other(`the sum ${sum} does not fit into 64 bits`);
        if (await this.swap(key, encoder.encode(`${sum}`), entry)) return sum;
      }
      throw other("the task is over");
    });
  }

  async getMany(keys: readonly string[]): Promise<[key: string, value: Uint8Array | undefined][]> {
    checkCount(keys.length);
    let bytes = 0;
    return await inBatches(keys, async (key) => {
      const value = await this.get(key);
      bytes += value?.byteLength ?? 0;
      if (bytes > MAX_ANSWER_BYTES) {
        throw other(`the values have more than ${MAX_ANSWER_BYTES} bytes; ask for fewer keys`);
      }
      return [key, value];
    });
  }

  async setMany(entries: readonly (readonly [key: string, value: Uint8Array])[]): Promise<void> {
    checkCount(entries.length);
    for (const [key, value] of entries) {
      checkKey(key);
      checkValue(value);
    }
    // Of two values for one key the last one counts, as it would one by one.
    await inBatches([...new Map(entries)], ([key, value]) => this.set(key, value));
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    checkCount(keys.length);
    for (const key of keys) checkKey(key);
    await inBatches([...new Set(keys)], (key) => this.delete(key));
  }

  /** The guest learns that the store failed, the operator why. */
  async #attempt<T>(what: string, step: (backend: Backend) => Promise<T>): Promise<T> {
    // What takes many steps, as a list of a million keys, takes no more of them for nobody.
    if (currentTask().ended) throw other("the task is over");
    try {
      return await step(this.#process.backend);
    } catch (error) {
      if (error instanceof Full) throw this.#full(error);
      currentTask().log("error", `kv ${what}: ${error instanceof Error ? error.stack : error}`);
      throw other(`the store failed to ${what}`);
    }
  }

  #full({ what, held, most }: Full): KvError {
    const [unit, key] = what === "bytes" ? ["bytes", "maxBytes"] : ["keys", "maxKeys"];
    const message = `the store ${JSON.stringify(this.#name)} is full: ${held} of ${most} ${unit}`;
    meetQuota({ grant: "kv", key, message });
    return other(message);
  }
}

function numberOf(key: string, entry: Entry | undefined): bigint {
  if (entry === undefined) return 0n;
  const text = entry.value.byteLength > 20 ? "" : new TextDecoder().decode(entry.value);
  if (!/^-?\d+$/.test(text)) throw other(`the value of ${JSON.stringify(key)} is no decimal number`);
  return BigInt(text);
}

async function inBatches<T, R>(items: readonly T[], step: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += BATCH_WIDTH) {
    results.push(...await Promise.all(items.slice(at, at + BATCH_WIDTH).map(step)));
  }
  return results;
}
