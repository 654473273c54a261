/**
 * Spin's `fermyon:spin/key-value` 2.0.0 and `spin:key-value` 3.0.0.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { type Result, toGuestResult } from "../../engine/streams.ts";
import { openStore, type StoreOwner } from "./grant.ts";
import { GuestStore } from "./guest_store.ts";
import { KvError, type KvErrorPayload, other } from "./store.ts";

/** Spin's interfaces over the stores of `owner`. */
export function spin(owner: StoreOwner): HostImports {
  class Store extends GuestStore {
    static open(label: string): Store {
      return new Store(openStore(owner, label));
    }

    async getKeys(): Promise<string[]> {
      return await GuestStore.storeOf(this).allKeys();
    }
  }

  class AsyncStore extends GuestStore {
    // deno-lint-ignore require-await -- async in its WIT
    static async open(label: string): Promise<AsyncStore> {
      return new AsyncStore(openStore(owner, label));
    }

    // deno-lint-ignore require-await -- async in its WIT
    async getKeys(): Promise<[AsyncIterable<string>, Promise<Result<undefined, KvErrorPayload>>]> {
      const store = GuestStore.storeOf(this);
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
