/**
 * What the resources `future-incoming-response` and `future-trailers` of `wasi:http/types` 0.2 are.
 *
 * @module
 */
import { Pollable } from "../../streams/p2/mod.ts";
import { type Waitable, Wakers } from "../../streams/waitable.ts";
import type { Result } from "./error_code.ts";

/** A result that comes later, and can be taken once. */
export class FutureResult<T> implements Waitable {
  readonly #wakers = new Wakers();
  #outcome: T | undefined;
  #taken = false;

  /** Whether it is there. */
  get ready(): boolean {
    return this.#outcome !== undefined;
  }

  get taken(): boolean {
    return this.#taken;
  }

  settle(outcome: T): void {
    this.#outcome = outcome;
    this.#wakers.wakeAll();
  }

  subscribe(wake: () => void): () => void {
    return this.#wakers.add(wake);
  }

  pollable(): Pollable {
    return new Pollable(this);
  }

  /** As the WIT says of `get`: nothing before it is there, and an error for who asks again. */
  take(): Result<T, undefined> | undefined {
    if (this.#outcome === undefined) return undefined;
    if (this.#taken) return { tag: "err", val: undefined };
    this.#taken = true;
    return { tag: "ok", val: this.#outcome };
  }
}
