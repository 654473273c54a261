/**
 * How much a container holds, and whether there is room for more.
 *
 * A process counts a container when something is first changed in it, keeps the count up to date by what it changes itself,
 * and counts again from time to time for what other processes change: those may together hold more than one alone, until
 * then.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import type { Amount, Backend, ContainerId, ObjectId } from "./backend.ts";

/** How long a count is taken for right, whatever other processes do. */
const FRESH_MS = 60_000;

/** How old a count has to be before it is not believed that there is no room. */
const FULL_FRESH_MS = 1000;

/** Counting may take this part of the time: a large container is counted less often. */
const COUNTING_SHARE = 0.01;

const UNBOUNDED: Amount = Object.freeze({ bytes: Infinity, objects: Infinity });

/** What a container would hold, and may not. */
export class Full extends Error {
  override readonly name = "Full";
  /** Of what there was too much. */
  readonly what: keyof Amount;
  /** How much there was. */
  readonly held: number;

  constructor(what: keyof Amount, held: number) {
    super(`it holds ${held} ${what}`);
    this.what = what;
    this.held = held;
  }
}

/** The containers of a backend, counted. */
export class Usages {
  readonly #backend: Backend;
  readonly #usages = new Map<string, Usage>();
  /** Who changes an object, so that two do not both take away what it was. */
  readonly #changing = new Map<string, Promise<unknown>>();

  private constructor(backend: Backend) {
    this.#backend = backend;
  }

  static readonly #all = new WeakMap<Backend, Usages>();

  /** The one of a backend. */
  static of(backend: Backend): Usages {
    let usages = Usages.#all.get(backend);
    if (usages === undefined) Usages.#all.set(backend, usages = new Usages(backend));
    return usages;
  }

  /** What a function writes that is no object yet. */
  unfinished(name: string): Unfinished {
    const key = JSON.stringify(["unfinished", name]);
    let unfinished = this.#unfinished.get(key);
    if (unfinished === undefined) this.#unfinished.set(key, unfinished = new Unfinished());
    return unfinished;
  }

  readonly #unfinished = new Map<string, Unfinished>();

  #of(id: ContainerId): Usage {
    const key = JSON.stringify(id);
    let usage = this.#usages.get(key);
    if (usage === undefined) this.#usages.set(key, usage = new Usage(() => this.#backend.usage(id)));
    return usage;
  }

  /** From now on nothing is known of a container: it is counted before it is next added to. */
  forget(id: ContainerId): void {
    this.#usages.delete(JSON.stringify(id));
  }

  /**
   * Makes `id` an object of `bytes` bytes by `step`, which resolves to whether it did.
   *
   * @throws {Full} when the container would hold more than `most`, before `step`.
   */
  put(id: ObjectId, bytes: number, most: Amount | undefined, step: () => Promise<boolean>): Promise<boolean> {
    return this.#alone([id], async () => {
      if (most === undefined && !this.#usages.has(JSON.stringify(id.container))) return await step();
      const before = await this.#backend.info(id);
      const usage = this.#of(id.container);
      const more = { bytes: bytes - (before?.size ?? 0), objects: before === undefined ? 1 : 0 };
      await usage.add(more, most ?? UNBOUNDED);
      return await this.#done(id, step, (done) => done ? undefined : usage.change(more, -1));
    });
  }

  /** Deletes an object by `step`. */
  async delete(id: ObjectId, step: () => Promise<void>): Promise<void> {
    // What nobody has counted needs no correction.
    if (!this.#usages.has(JSON.stringify(id.container))) return await step();
    await this.#alone([id], async () => {
      const before = await this.#backend.info(id);
      const gone = { bytes: before?.size ?? 0, objects: before === undefined ? 0 : 1 };
      await this.#done(id, step, () => this.#of(id.container).change(gone, -1));
    });
  }

  /**
   * Copies or moves an object by `step`, which resolves to whether there was one.
   *
   * @throws {Full} as {@linkcode put} does.
   */
  transfer(
    how: "copy" | "move",
    { from, to, most }: { readonly from: ObjectId; readonly to: ObjectId; readonly most: Amount | undefined },
    step: () => Promise<boolean>,
  ): Promise<boolean> {
    if (keyOf(from) === keyOf(to)) return step();
    return this.#alone([from, to], async () => {
      const [source, before] = await Promise.all([this.#backend.info(from), this.#backend.info(to)]);
      if (source === undefined) return await step();
      const left = { bytes: source.size, objects: 1 };
      const usage = this.#of(to.container);
      const more = { bytes: source.size - (before?.size ?? 0), objects: before === undefined ? 1 : 0 };
      const isWithin = how === "move" && JSON.stringify(from.container) === JSON.stringify(to.container);
      // Within a container, a move makes it no fuller.
      if (most !== undefined && !isWithin) await usage.add(more, most);
      else usage.change(more, 1);
      return await this.#done(to, step, (done) => {
        if (!done) usage.change(more, -1);
        else if (how === "move") this.#of(from.container).change(left, -1);
      });
    });
  }

  /** Runs `step` and notes what came of it. What failed may have been done: then the container is counted again. */
  async #done<T>(id: ObjectId, step: () => Promise<T>, note: (result: T) => void): Promise<T> {
    try {
      const result = await step();
      note(result);
      return result;
    } catch (error) {
      this.forget(id.container);
      throw error;
    }
  }

  /** Runs `step` when nobody else in this process changes one of `ids`. */
  async #alone<T>(ids: readonly ObjectId[], step: () => Promise<T>): Promise<T> {
    const keys = ids.map(keyOf);
    const before = keys.map((key) => this.#changing.get(key));
    const turn = Promise.allSettled(before).then(step);
    for (const key of keys) this.#changing.set(key, turn);
    try {
      return await turn;
    } finally {
      for (const key of keys) if (this.#changing.get(key) === turn) this.#changing.delete(key);
    }
  }
}

const keyOf = ({ container, name }: ObjectId): string => JSON.stringify([container, name]);

/** What one container holds, as far as this process knows. */
class Usage {
  readonly #count: () => Promise<Amount>;
  #held: { bytes: number; objects: number } | undefined;
  #countedAt = 0;
  #tookMs = 0;
  #counting: Promise<void> | undefined;

  constructor(count: () => Promise<Amount>) {
    this.#count = count;
  }

  /** Notes a change that has been made. */
  change({ bytes, objects }: Amount, sign: 1 | -1): void {
    if (this.#held === undefined) return;
    this.#held.bytes += sign * bytes;
    this.#held.objects += sign * objects;
  }

  /** Notes a change that is about to be made, if there is room for it. */
  async add(more: Amount, most: Amount): Promise<void> {
    await this.#counted(FRESH_MS);
    if (this.#over(more, most) !== undefined) await this.#counted(FULL_FRESH_MS);
    // No wait from here on: of two that fit one by one, the second sees the first.
    const over = this.#over(more, most);
    if (over !== undefined) throw new Full(over, this.#held![over]);
    this.change(more, 1);
  }

  #over(more: Amount, most: Amount): keyof Amount | undefined {
    const held = this.#held!;
    return (["objects", "bytes"] as const).find((what) => more[what] > 0 && held[what] + more[what] > most[what]);
  }

  /** Counts, unless that was done less than `ms` ago. */
  async #counted(ms: number): Promise<void> {
    const isFresh = () =>
      this.#held !== undefined &&
      performance.now() - this.#countedAt < Math.max(ms, this.#tookMs / COUNTING_SHARE);
    while (!isFresh()) {
      const others = this.#counting;
      try {
        await (this.#counting ??= this.#recount().finally(() => this.#counting = undefined));
      } catch (error) {
        // Another task counted, and ended meanwhile: it is this one's turn.
        if (others === undefined || currentTask().ended) throw error;
      }
    }
  }

  async #recount(): Promise<void> {
    const began = performance.now();
    const before = this.#held && { ...this.#held };
    const { bytes, objects } = await this.#count();
    // What was added meanwhile may have been counted or not; too much is put right by the next count.
    const added = (what: keyof Amount) => Math.max(0, (this.#held?.[what] ?? 0) - (before?.[what] ?? 0));
    this.#held = { bytes: bytes + added("bytes"), objects: objects + added("objects") };
    this.#countedAt = performance.now();
    this.#tookMs = this.#countedAt - began;
  }
}

/** What one function writes that is no object yet: it takes as much room as if it were. */
export class Unfinished {
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws {Full} when it would be more than `most`. */
  add(bytes: number, most: Amount | undefined): void {
    if (most !== undefined && this.#bytes + bytes > most.bytes) throw new Full("bytes", this.#bytes);
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#bytes -= bytes;
  }
}
