/**
 * Spin's `fermyon:spin/key-value` 2.0.0 and `spin:key-value` 3.0.0.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { type Result, toGuestResult } from "../../engine/streams.ts";
import { openStore, type StoreOwner } from "./grant.ts";
import { KvError, type KvErrorPayload, other, type Store as Core, takeHandle } from "./store.ts";

/** What both versions have alike. */
class BaseStore {
  readonly #store: Core;
  readonly #close = takeHandle();

  constructor(store: Core) {
    this.#store = store;
  }

  static coreOf(store: BaseStore): Core {
    return store.#store;
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

  [Symbol.dispose](): void {
    this.#close();
  }
}

/** Spin's interfaces over the stores of `owner`. */
export function spin(owner: StoreOwner): HostImports {
  class Store extends BaseStore {
    static open(label: string): Store {
      return new Store(openStore(owner, label));
    }

    async getKeys(): Promise<string[]> {
      return await BaseStore.coreOf(this).allKeys();
    }
  }

  class AsyncStore extends BaseStore {
    // deno-lint-ignore require-await -- async in its WIT
    static async open(label: string): Promise<AsyncStore> {
      return new AsyncStore(openStore(owner, label));
    }

    // deno-lint-ignore require-await -- async in its WIT
    async getKeys(): Promise<[AsyncIterable<string>, Promise<Result<undefined, KvErrorPayload>>]> {
      const store = BaseStore.coreOf(this);
      const end = Promise.withResolvers<undefined>();
      // A page is asked for when the guest has read the one before it. A stream cannot fail: the future says why it ended.
      async function* keys() {
        try {
          for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
            const page = await store.keys(cursor);
            yield* page.keys;
            ({ cursor } = page);
          }
          end.resolve(undefined);
        } catch (error) {
          end.reject(error);
        }
      }
      const read = keys();
      const stream: AsyncIterableIterator<string> = {
        [Symbol.asyncIterator]: () => stream,
        next: () => read.next(),
        // Who wants no more has had no error, even if it never read.
        return() {
          end.resolve(undefined);
          return read.return(undefined);
        },
      };
      return [stream, toGuestResult(end.promise, payloadOf)];
    }
  }
  return { "fermyon:spin/key-value@2.0.0": { Store }, "spin:key-value/key-value@3.0.0": { Store: AsyncStore } };
}

function payloadOf(error: unknown): KvErrorPayload {
  return (error instanceof KvError ? error : other("the keys could not be read")).payload;
}
