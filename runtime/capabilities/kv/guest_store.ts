/**
 * A store as a guest has it: what all the interfaces have alike.
 *
 * @module
 */
import { type Store, takeHandle } from "./store.ts";

/** A handle to a store. `close` gives it back. */
export class GuestStore {
  readonly #store: Store;
  readonly #close: () => void;

  constructor(store: Store, close: () => void = takeHandle()) {
    this.#store = store;
    this.#close = close;
  }

  static storeOf(guest: GuestStore): Store {
    return guest.#store;
  }

  // The engine looks for `async` to know what may wait.
  async get(key: string): Promise<Uint8Array | undefined> {
    return await this.#store.get(key);
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    await this.#store.set(key, value);
  }

  async delete(key: string): Promise<void> {
    await this.#store.delete(key);
  }

  async exists(key: string): Promise<boolean> {
    return await this.#store.exists(key);
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}
