/**
 * How much something in Deno KV holds, counted in the same database and by the same commits as what it holds: right after
 * a crash, and for as many processes as there are.
 *
 * @module
 */
import { type Amount, checkRoom } from "./quota.ts";
import { Turns } from "./turns.ts";

/**
 * So little room is left that every writer has to see what the one before it left. Writers that see more do not wait for
 * each other: only if those of several processes have more than this under way at once may there be more than allowed, by
 * the rest.
 */
const NEAR: Amount = Object.freeze({ bytes: 8 * 2 ** 20, entries: 1000 });

/** How long it is believed that there is more room than others could fill meanwhile. */
const FRESH_MS = 1000;
const FAR: Amount = Object.freeze({ bytes: 16 * NEAR.bytes, entries: 16 * NEAR.entries });

/** A count that others change as often as it is taken is not there to be had. */
const MAX_COUNTS = 10;

interface Read {
  readonly held: Amount;
  readonly checks: readonly Deno.AtomicCheck[];
}

interface Look extends Read {
  /** What this process had under way meanwhile: it may be in what is held, or come to it. */
  readonly underway: Amount;
}

/** What {@linkcode StoredUsage.commit} is to do. */
export interface Change {
  /** What it makes more, or less. */
  readonly by: Amount;
  /** How much there may be. */
  readonly most: Amount;
  /** The operation, with checks of its own; made anew for each attempt. */
  readonly operation: () => Deno.AtomicOperation;
}

/**
 * The count of one thing.
 *
 * @example
 * ```ts
 * import { StoredUsage } from "./stored_usage.ts";
 *
 * using kv = await Deno.openKv(":memory:");
 * const usage = new StoredUsage(kv, { key: ["usage"], count: () => Promise.resolve({ bytes: 0, entries: 0 }) });
 * const most = { bytes: 10, entries: 1 };
 * const operation = () => kv.atomic().set(["letter"], "hello");
 * await usage.commit({ by: { bytes: 5, entries: 1 }, most, operation });
 * console.assert((await usage.held()).bytes === 5);
 * ```
 */
export class StoredUsage {
  readonly #kv: Deno.Kv;
  readonly #keys: readonly [bytes: Deno.KvKey, entries: Deno.KvKey];
  readonly #count: () => Promise<Amount>;
  readonly #turns = new Turns();
  /** What there was at most, when that was last looked up, with what this process has added since. */
  #last: { readonly at: number; bytes: number; entries: number } | undefined;
  /** What this process has ever begun to add, and how much of that has come to an end. */
  readonly #begun = { bytes: 0, entries: 0 };
  readonly #ended = { bytes: 0, entries: 0 };
  readonly #commits = new Set<Promise<unknown>>();

  constructor(
    kv: Deno.Kv,
    { key, count }: {
      /** Below which the counts are. */
      readonly key: Deno.KvKey;
      /** Counts all there is, for a database that was made without counts. */
      readonly count: () => Promise<Amount>;
    },
  ) {
    this.#kv = kv;
    this.#keys = [[...key, "bytes"], [...key, "entries"]];
    this.#count = count;
  }

  /** How much there is. */
  async held(): Promise<Amount> {
    return (await this.#read()).held;
  }

  /**
   * Commits an operation, and its change with it. Resolves to what became of it: not done if one of its checks did not hold,
   * or if others changed the count, so whoever asks looks again.
   *
   * @throws {Full} when there is no room for it.
   */
  async commit({ by, most, operation }: Change): Promise<Deno.KvCommitResult | Deno.KvCommitError> {
    const isMore = by.bytes > 0 || by.entries > 0;
    // Taking away from what nobody has counted leaves less than nothing, which is counted anew before something is added.
    if (!isMore || this.#isFar(most)) return await this.#add(operation(), by);
    const { held, underway } = await this.#look();
    if (leaves(sum(held, underway), by, most, NEAR)) return await this.#add(operation(), by);
    return await this.#turns.run("", async () => {
      for (;;) {
        const { held, checks, underway } = await this.#look();
        checkRoom(held, by, most);
        const isSure = underway.bytes === 0 && underway.entries === 0;
        if (isSure || leaves(sum(held, underway), by, most, NOTHING)) {
          return await this.#add(operation().check(...checks), by);
        }
        await Promise.allSettled(this.#commits);
      }
    });
  }

  async #look(): Promise<Look> {
    // What has ended by now is seen by what is read from now on.
    const { bytes, entries } = this.#ended;
    const read = await this.#read();
    return { ...read, underway: { bytes: this.#begun.bytes - bytes, entries: this.#begun.entries - entries } };
  }

  /** Whether there was so much room lately that nobody can have filled it. */
  #isFar(most: Amount): boolean {
    const last = this.#last;
    return last !== undefined && performance.now() - last.at < FRESH_MS && leaves(last, NOTHING, most, FAR);
  }

  async #add(operation: Deno.AtomicOperation, by: Amount): Promise<Deno.KvCommitResult | Deno.KvCommitError> {
    const [bytes, entries] = this.#keys;
    // Sums wrap around, so this takes away as well; they do not contend with each other.
    if (by.bytes !== 0) operation.sum(bytes, BigInt.asUintN(64, BigInt(by.bytes)));
    if (by.entries !== 0) operation.sum(entries, BigInt.asUintN(64, BigInt(by.entries)));
    const more = { bytes: Math.max(0, by.bytes), entries: Math.max(0, by.entries) };
    if (this.#last !== undefined) grow(this.#last, more);
    const commit = operation.commit();
    this.#commits.add(commit);
    grow(this.#begun, more);
    try {
      return await commit;
    } finally {
      this.#commits.delete(commit);
      grow(this.#ended, more);
    }
  }

  async #read(): Promise<Read> {
    for (let counts = 0;; counts++) {
      const [bytes, entries] = await this.#kv.getMany<[Deno.KvU64, Deno.KvU64]>([...this.#keys]);
      const held = { bytes: numberOf(bytes), entries: numberOf(entries) };
      if (held.bytes !== undefined && held.entries !== undefined) {
        this.#last = { at: performance.now(), bytes: held.bytes, entries: held.entries };
        return { held: { bytes: held.bytes, entries: held.entries }, checks: [bytes, entries] };
      }
      if (counts === MAX_COUNTS) throw new Error("counting what there is: it changes faster than it can be counted");
      // A database from before there were counts, or one that somebody has repaired. Nobody writes to it before it is counted.
      const counted = await this.#count();
      await this.#kv.atomic().check(bytes, entries)
        .set(bytes.key, new Deno.KvU64(BigInt(counted.bytes)))
        .set(entries.key, new Deno.KvU64(BigInt(counted.entries)))
        .commit();
    }
  }
}

const NOTHING: Amount = Object.freeze({ bytes: 0, entries: 0 });

function sum(one: Amount, other: Amount): Amount {
  return { bytes: one.bytes + other.bytes, entries: one.entries + other.entries };
}

function grow(amount: { bytes: number; entries: number }, more: Amount): void {
  amount.bytes += more.bytes;
  amount.entries += more.entries;
}

/** Whether what is `held`, and `by`, leave more than `room` of `most`. */
function leaves(held: Amount, by: Amount, most: Amount, room: Amount): boolean {
  return (["bytes", "entries"] as const).every((what) => held[what] + by[what] + room[what] < most[what]);
}

/** `undefined` where there is none, and where one cannot be right. */
function numberOf({ value }: Deno.KvEntryMaybe<Deno.KvU64>): number | undefined {
  const number = value === null ? -1n : BigInt.asIntN(64, value.value);
  return number < 0n ? undefined : Number(number);
}
