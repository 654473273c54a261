/**
 * Queues in Deno KV: what waits, what is being handled, and what could not be.
 *
 * Made of atomic operations alone: Deno KV's own queues cannot be listened to on a `denokv` server, share one line for all
 * that wait, and show nobody what is in them.
 *
 * @module
 */
import type { Amount } from "../../quota.ts";
import { StoredUsage } from "../../stored_usage.ts";

/** Of a message with its metadata. A value of Deno KV has at most 64 KiB. */
export const MAX_MESSAGE_BYTES = 60 * 1024;

/**
 * How long a message that is being handled stays with who handles it, without a word from there: so long after a process
 * died it is handed out again. Renewed three times as often; clocks of machines that share a database may differ by less
 * than two thirds of it, or what takes long is handled twice.
 */
export const LEASE_MS = 6000;

/** A message as it was sent. */
export interface QueueMessage {
  readonly data: Uint8Array;
  readonly contentType?: string | undefined;
  /** In the order in which the sender set them, each name once. */
  readonly metadata?: readonly (readonly [name: string, value: string])[] | undefined;
  /** The trace that it was sent in. */
  readonly traceparent?: string | undefined;
  /** The function that sent it. */
  readonly sender: string;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
}

/** What changes about a message, apart from what it says, so that moving it costs little. */
interface Place {
  /** How often it has been handed out. */
  readonly attempts: number;
  /** Whether it is being handled now, if its time has not come again. */
  readonly leased: boolean;
  /** Why it was not handled the last time. */
  readonly error?: string;
}

/** A message that is being handled by who claimed it. */
export interface Claim {
  readonly id: string;
  readonly message: QueueMessage;
  /** How often it has been handed out, this time included. */
  readonly attempts: number;
  /** Why it was not handled the last time, if there was one. */
  readonly lastError: string | undefined;
}

/** A message that was given up. */
export interface DeadLetter {
  readonly id: string;
  readonly message: QueueMessage;
  readonly attempts: number;
  readonly error: string;
  /** When it was given up, in milliseconds since the epoch. */
  readonly at: number;
}

/** How many messages a queue has. */
export interface QueueCounts {
  readonly waiting: number;
  /** Being handled. */
  readonly leased: number;
  readonly dead: number;
}

interface Held extends Claim {
  key: Deno.KvKey;
  versionstamp: string;
}

/** What {@linkcode QueueStore} may be told. */
export interface QueueStoreOptions {
  readonly leaseMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const stores = new WeakMap<Deno.Kv, QueueStore>();
let sent = 0;

/**
 * All queues of a database. Every message stands in one key, ordered by the time at which it is to be handed out next. Who
 * hands it out moves that time on for as long as it is being handled, so that it comes back by itself when the process dies.
 */
export class QueueStore {
  readonly #kv: Deno.Kv;
  readonly #now: () => number;
  /** For how long a claim holds if it is not renewed. */
  readonly leaseMs: number;
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #usages = new Map<string, StoredUsage>();

  constructor(kv: Deno.Kv, { leaseMs = LEASE_MS, now = Date.now }: QueueStoreOptions = {}) {
    this.#kv = kv;
    this.#now = now;
    this.leaseMs = leaseMs;
  }

  /** The one of this process, so that who sends wakes who waits. Who asks first may say with what options. */
  static on(kv: Deno.Kv, options?: QueueStoreOptions): QueueStore {
    let store = stores.get(kv);
    if (store === undefined) stores.set(kv, store = new QueueStore(kv, options));
    return store;
  }

  /**
   * Keeps a message. When this resolves, it will be handed out, whatever becomes of the process. Resolves to its id.
   *
   * @throws {Full} when the queue would hold more than `most`.
   */
  async send(queue: string, message: QueueMessage, most: Amount = UNBOUNDED): Promise<string> {
    const now = this.#now();
    // Messages of one sender keep their order, as far as there is one.
    const id = `${now.toString(36)}-${(sent++ % 36 ** 4).toString(36).padStart(4, "0")}-${
      crypto.randomUUID().slice(0, 8)
    }`;
    const place: Place = { attempts: 0, leased: false };
    const operation = () =>
      this.#kv.atomic()
        .set(bodyKey(queue, id), message)
        .set(placeKey(queue, now, id), place)
        .set(wakeKey(queue), id);
    const by = { bytes: sizeOf(message), entries: 1 };
    // It has no checks of its own: it fails only where others changed how much there is.
    while (!(await this.#usageOf(queue).commit({ by, most, operation })).ok);
    this.wake(queue);
    return id;
  }

  /** How much a queue holds: what waits, what is being handled, and dead letters. */
  usage(queue: string): Promise<Amount> {
    return this.#usageOf(queue).held();
  }

  #usageOf(queue: string): StoredUsage {
    let usage = this.#usages.get(queue);
    if (usage === undefined) {
      const count = async () => {
        let [bytes, entries] = [0, 0];
        const bodies = { prefix: bodyKey(queue) };
        for await (const { value } of this.#kv.list<QueueMessage>(bodies, { batchSize: COUNTED_AT_ONCE })) {
          bytes += sizeOf(value);
          entries++;
        }
        return { bytes, entries };
      };
      this.#usages.set(queue, usage = new StoredUsage(this.#kv, { key: usageKey(queue), count }));
    }
    return usage;
  }

  /** Deletes a message by an operation with checks of its own. Resolves to whether those held. */
  async #drop(queue: string, claim: Pick<Claim, "id" | "message">, add: () => Deno.AtomicOperation): Promise<boolean> {
    const by = { bytes: -sizeOf(claim.message), entries: -1 };
    const operation = () => add().delete(bodyKey(queue, claim.id));
    return (await this.#usageOf(queue).commit({ by, most: UNBOUNDED, operation })).ok;
  }

  /** Claims at most `limit` messages whose time has come. */
  async claim(queue: string, limit: number): Promise<Claim[]> {
    const claims: Claim[] = [];
    const now = this.#now();
    const due = { prefix: placeKey(queue), end: placeKey(queue, now + 1) };
    for await (const entry of this.#kv.list<Place>(due, { limit })) {
      const id = entry.key.at(-1) as string;
      const { value: message } = await this.#kv.get<QueueMessage>(bodyKey(queue, id));
      if (message === null) {
        await this.#kv.atomic().check(entry).delete(entry.key).commit();
        continue;
      }
      const attempts = entry.value.attempts + 1;
      const key = placeKey(queue, now + this.leaseMs, id);
      const error = entry.value.leased ? "its server ended, or lost its database, while it was handled" : undefined;
      const lastError = error ?? entry.value.error;
      const place: Place = { attempts, leased: true, ...(lastError === undefined ? {} : { error: lastError }) };
      const done = await this.#kv.atomic().check(entry).delete(entry.key).set(key, place).commit();
      // Somebody else was faster.
      if (!done.ok) continue;
      const held: Held = { id, message, attempts, lastError, key, versionstamp: done.versionstamp };
      claims.push(held);
    }
    return claims;
  }

  /** Keeps the claim for as long again. Resolves to whether it still held. */
  async renew(queue: string, claim: Claim): Promise<boolean> {
    const held = claim as Held;
    const key = placeKey(queue, this.#now() + this.leaseMs, claim.id);
    const place: Place = { attempts: claim.attempts, leased: true };
    const done = await this.#move(held).set(key, place).commit();
    if (!done.ok) return false;
    held.key = key;
    held.versionstamp = done.versionstamp;
    return true;
  }

  /** The message was handled, and is gone. Resolves to whether the claim still held. */
  done(queue: string, claim: Claim): Promise<boolean> {
    return this.#drop(queue, claim, () => this.#move(claim as Held));
  }

  /** Hands the message out again after `delayMs`. With `uncounted`, as if it had not been handed out this time. */
  async retry(
    queue: string,
    claim: Claim,
    { delayMs, error, uncounted = false }: {
      readonly delayMs: number;
      readonly error: string;
      readonly uncounted?: boolean;
    },
  ): Promise<boolean> {
    const place: Place = { attempts: claim.attempts - (uncounted ? 1 : 0), leased: false, error: short(error) };
    const key = placeKey(queue, this.#now() + delayMs, claim.id);
    const { ok } = await this.#move(claim as Held).set(key, place).commit();
    if (ok && delayMs === 0) this.wake(queue);
    return ok;
  }

  /** Gives the message up. It stays among the dead letters until somebody retries or discards it. */
  async bury(queue: string, claim: Claim, error: string): Promise<boolean> {
    const dead = { attempts: claim.attempts, error: short(error), at: this.#now() };
    return (await this.#move(claim as Held).set(deadKey(queue, claim.id), dead).commit()).ok;
  }

  #move({ key, versionstamp }: Held): Deno.AtomicOperation {
    return this.#kv.atomic().check({ key, versionstamp }).delete(key);
  }

  /** When the next message is to be handed out, in milliseconds since the epoch; `undefined` when there is none. */
  async next(queue: string): Promise<number | undefined> {
    for await (const { key } of this.#kv.list<Place>({ prefix: placeKey(queue) }, { limit: 1 })) {
      return key.at(-2) as number;
    }
    return undefined;
  }

  /** The letters that were given up, the oldest first. */
  async *dead(queue: string): AsyncGenerator<DeadLetter> {
    for await (const { key, value } of this.#kv.list<Omit<DeadLetter, "id" | "message">>({ prefix: deadKey(queue) })) {
      const id = key.at(-1) as string;
      const { value: message } = await this.#kv.get<QueueMessage>(bodyKey(queue, id));
      if (message !== null) yield { id, message, ...value };
    }
  }

  /** Hands a dead letter out again, as if it had just been sent. Resolves to whether there was one. */
  async revive(queue: string, id: string): Promise<boolean> {
    const place: Place = { attempts: 0, leased: false };
    const key = placeKey(queue, this.#now(), id);
    const entry = await this.#kv.get(deadKey(queue, id));
    if (entry.versionstamp === null) return false;
    const { ok } = await this.#kv.atomic().check(entry).delete(entry.key).set(key, place).set(wakeKey(queue), id)
      .commit();
    if (ok) this.wake(queue);
    return ok;
  }

  /** Throws a dead letter away. Resolves to whether there was one. */
  async discard(queue: string, id: string): Promise<boolean> {
    const [entry, { value: message }] = await this.#kv.getMany<[unknown, QueueMessage]>([
      deadKey(queue, id),
      bodyKey(queue, id),
    ]);
    if (entry.versionstamp === null) return false;
    const remove = () => this.#kv.atomic().check(entry).delete(entry.key);
    return message === null ? (await remove().commit()).ok : await this.#drop(queue, { id, message }, remove);
  }

  /** Every queue that there has been, and what is in it. */
  async counts(): Promise<Map<string, QueueCounts>> {
    const counts = new Map<string, QueueCounts>();
    for (let queue = await this.#queueAfter(); queue !== undefined; queue = await this.#queueAfter(queue)) {
      let [waiting, leased, dead] = [0, 0, 0];
      for await (const { key, value } of this.#kv.list<Place>({ prefix: placeKey(queue) })) {
        if (value.leased && (key.at(-2) as number) > this.#now()) leased++;
        else waiting++;
      }
      for await (const _ of this.#kv.list({ prefix: deadKey(queue) })) dead++;
      counts.set(queue, { waiting, leased, dead });
    }
    return counts;
  }

  /** The next queue by its name: no message is read to find it. */
  async #queueAfter(queue?: string): Promise<string | undefined> {
    const selector = queue === undefined ? { prefix: ROOT } : { prefix: ROOT, start: [...ROOT, `${queue}\0`] };
    for await (const { key } of this.#kv.list(selector, { limit: 1 })) return key[ROOT.length] as string;
    return undefined;
  }

  /**
   * Calls `wake` when a message may have been sent, in this process at once, by another one as far as the database tells.
   * Returns a function that ends that.
   */
  onSent(queue: string, wake: () => void): () => void {
    const waiting = this.#waiting.get(queue) ?? new Set();
    this.#waiting.set(queue, waiting.add(wake));
    const reader = this.#kv.watch([wakeKey(queue)]).getReader();
    (async () => {
      while (!(await reader.read()).done) wake();
    })().catch(() => {}); // Whoever waits looks from time to time as well.
    return () => {
      waiting.delete(wake);
      reader.cancel().catch(() => {});
    };
  }

  /** Tells who waits in this process. */
  wake(queue: string): void {
    for (const wake of this.#waiting.get(queue) ?? []) wake();
  }
}

const ROOT: Deno.KvKey = ["skerry", "queue"];
const bodyKey = (queue: string, ...id: [] | [string]): Deno.KvKey => [...ROOT, queue, "body", ...id];
const placeKey = (queue: string, ...at: [] | [number] | [number, string]): Deno.KvKey => [
  ...ROOT,
  queue,
  "place",
  ...at,
];
const deadKey = (queue: string, ...id: [] | [string]): Deno.KvKey => [...ROOT, queue, "dead", ...id];
const wakeKey = (queue: string): Deno.KvKey => [...ROOT, queue, "wake"];
const usageKey = (queue: string): Deno.KvKey => [...ROOT, queue, "usage"];

const UNBOUNDED: Amount = Object.freeze({ bytes: Infinity, entries: Infinity });

/** Messages that are in the host's memory at once while they are counted. */
const COUNTED_AT_ONCE = 100;

const encoder = new TextEncoder();

/** The bytes that a message says, which never change; not what the host adds. */
export function sizeOf({ data, contentType = "", metadata = [] }: Omit<QueueMessage, "sender" | "sentAt">): number {
  const texts = [contentType, ...metadata.flat()];
  return texts.reduce((sum, text) => sum + encoder.encode(text).byteLength, data.byteLength);
}

/** Reasons are for people, and stand in the database. */
function short(text: string): string {
  return text.length > 1000 ? `${text.slice(0, 999)}…` : text;
}
