/**
 * Who runs when: one thread of an isolate at a time, and the host's news in between.
 *
 * Implements "Embedding API" of CanonicalABI.md.
 *
 * @module
 */
import { yieldTurn } from "../../../streams/turn.ts";
import { trap } from "../trap.ts";
import type { NativeIsolate } from "../isolate.ts";
import type { TaskThread } from "./task.ts";

/** Something to do while no guest code runs. A promise lasts as long as it runs guest code. */
export type Job = () => Promise<unknown> | undefined | void;

export class Scheduler {
  /** Threads that wait for something, in the order in which they began to. */
  readonly waiting: Set<TaskThread> = new Set();
  readonly #isolate: NativeIsolate;
  readonly #jobs: Job[] = [];
  readonly #calls = new Set<(error: unknown) => void>();
  /** What the host may still bring: answers, elements, reads. While there is none, only threads can make progress. */
  external = 0;
  #active = false;
  #live = 0;
  #ended: PromiseWithResolvers<void> | undefined;

  constructor(isolate: NativeIsolate) {
    this.#isolate = isolate;
  }

  /** Settles when no task is left; rejects with what ended the isolate. */
  get ended(): Promise<void> {
    if (this.#ended === undefined) {
      this.#ended = Promise.withResolvers();
      this.#ended.promise.catch(() => {});
    }
    return this.#ended.promise;
  }

  taskBegins(): void {
    this.#live++;
  }

  taskEnds(): void {
    if (--this.#live === 0) this.#ended?.resolve();
  }

  /** Whether no task is left and nothing runs. */
  get idle(): boolean {
    return this.#live === 0 && !this.#active && this.waiting.size === 0;
  }

  /** Hears when the isolate fails; answers how to stop listening. */
  onFailure(reject: (error: unknown) => void): () => void {
    this.#calls.add(reject);
    return () => this.#calls.delete(reject);
  }

  failed(error: unknown): void {
    for (const reject of this.#calls) reject(error);
    this.#calls.clear();
    this.#ended?.reject(error);
  }

  /** Does `job` as soon as no guest code runs. */
  post(job: Job): void {
    if (this.#isolate.over) return;
    this.#jobs.push(job);
    if (!this.#active) this.#isolate.inTask(() => this.#run());
  }

  async #run(): Promise<void> {
    this.#active = true;
    const isolate = this.#isolate;
    try {
      while (!isolate.over) {
        const job = this.#jobs.shift();
        if (job !== undefined) {
          const running = job();
          if (running !== undefined) await running;
          continue;
        }
        const thread = this.#next();
        if (thread === undefined) {
          if (this.external === 0 && this.#calls.size > 0) {
            trap("deadlock detected: event loop cannot make further progress");
          }
          break;
        }
        // Threads that only yield to each other would keep everyone else from running.
        const turn = yieldTurn();
        if (turn !== undefined) await turn;
        if (isolate.over || this.#jobs.length > 0 || thread.ready?.() !== true) continue;
        const { lineage } = thread.instance;
        isolate.enter(lineage);
        const running = thread.resume();
        if (running !== undefined) await running;
        isolate.leave(lineage);
      }
    } catch (error) {
      isolate.failed(error);
    } finally {
      this.#active = false;
    }
  }

  #next(): TaskThread | undefined {
    for (const thread of this.waiting) if (thread.ready!()) return thread;
    return undefined;
  }
}
