/**
 * Spin's `fermyon:spin/key-value` 2.0.0.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { openStore, type StoreOwner } from "./grant.ts";
import { type Store as Core, takeHandle } from "./store.ts";

/** Spin's interface over the stores of `owner`. */
export function spin(owner: StoreOwner): HostImports {
  class Store {
    readonly #store: Core;
    readonly #close = takeHandle();

    constructor(store: Core) {
      this.#store = store;
    }

    static open(label: string): Store {
      return new Store(openStore(owner, label));
    }

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

    async getKeys(): Promise<string[]> {
      return await this.#store.allKeys();
    }

    [Symbol.dispose](): void {
      this.#close();
    }
  }
  return { "fermyon:spin/key-value@2.0.0": { Store } };
}
