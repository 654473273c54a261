/**
 * `wasi:blobstore` 0.2.0-draft.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { currentTask } from "../../context.ts";
import { type BlobOwner, MAX_NAMES_AT_ONCE, Store, takeHandle } from "./store.ts";
import { IncomingValue, valuesOn } from "./values.ts";

/** `wasi:blobstore/blobstore.object-id`. */
interface ObjectRef {
  readonly container: string;
  readonly object: string;
}

const seconds = (ms: number): bigint => BigInt(Math.max(0, Math.floor(ms / 1000)));

/** The names of a container, as far as the guest has read them. */
class StreamObjectNames {
  readonly #pages: AsyncIterator<readonly string[]>;
  readonly #close = takeHandle();
  #page: readonly string[] = [];
  #at = 0;
  #done = false;

  constructor(store: Store) {
    this.#pages = store.list();
  }

  /** At most `count` names of one page; empty at the end alone. */
  async #next(count: number): Promise<readonly string[]> {
    while (!this.#done && this.#at >= this.#page.length) {
      const { done, value } = await this.#pages.next();
      [this.#page, this.#at, this.#done] = [value ?? [], 0, done === true];
    }
    const names = this.#page.slice(this.#at, this.#at + count);
    this.#at += names.length;
    return names;
  }

  async #atEnd(): Promise<boolean> {
    if (this.#at < this.#page.length) return false;
    await this.#next(0);
    return this.#done;
  }

  async readStreamObjectNames(length: bigint): Promise<[names: string[], end: boolean]> {
    const wanted = Number(length < MAX_NAMES_AT_ONCE ? length : MAX_NAMES_AT_ONCE);
    const names: string[] = [];
    while (names.length < wanted) {
      const more = await this.#next(wanted - names.length);
      if (more.length === 0) break;
      names.push(...more);
    }
    return [names, await this.#atEnd()];
  }

  async skipStreamObjectNames(count: bigint): Promise<[skipped: bigint, end: boolean]> {
    let left = count;
    while (left > 0n && !currentTask().ended) {
      const passed = await this.#next(left < MAX_NAMES_AT_ONCE ? Number(left) : MAX_NAMES_AT_ONCE);
      if (passed.length === 0) break;
      left -= BigInt(passed.length);
    }
    return [count - left, await this.#atEnd()];
  }

  [Symbol.dispose](): void {
    this.#close();
    this.#pages.return?.();
  }
}

/** `wasi:blobstore` over the containers of `owner`. */
export function wasi(owner: BlobOwner): HostImports {
  const { OutgoingValue } = valuesOn(owner);

  class Container {
    readonly #store: Store;
    readonly #close = takeHandle();

    constructor(store: Store) {
      this.#store = store;
    }

    name(): string {
      return this.#store.name;
    }

    async info() {
      const { createdAt } = await this.#store.info();
      return { name: this.#store.name, createdAt: seconds(createdAt) };
    }

    async getData(name: string, start: bigint, end: bigint): Promise<IncomingValue> {
      const close = takeHandle();
      try {
        return new IncomingValue(await this.#store.read(name, start, end), close);
      } catch (error) {
        close();
        throw error;
      }
    }

    async writeData(name: string, data: InstanceType<typeof OutgoingValue>): Promise<void> {
      const target = this.#store.object(name);
      await this.#store.info();
      OutgoingValue.name(data, this.#store, target);
    }

    async listObjects(): Promise<StreamObjectNames> {
      await this.#store.info();
      return new StreamObjectNames(this.#store);
    }

    async deleteObject(name: string): Promise<void> {
      await this.#store.deleteObject(name);
    }

    async deleteObjects(names: readonly string[]): Promise<void> {
      await this.#store.deleteObjects(names);
    }

    async hasObject(name: string): Promise<boolean> {
      return await this.#store.find(name) !== undefined;
    }

    async objectInfo(name: string) {
      const { size, createdAt } = await this.#store.objectInfo(name);
      return { name, container: this.#store.name, createdAt: seconds(createdAt), size: BigInt(size) };
    }

    async clear(): Promise<void> {
      await this.#store.clear();
    }

    [Symbol.dispose](): void {
      this.#close();
    }
  }

  const blobstore = {
    async createContainer(name: string): Promise<Container> {
      const store = new Store(owner, name);
      await store.create();
      return new Container(store);
    },
    async getContainer(name: string): Promise<Container> {
      const store = new Store(owner, name);
      await store.info();
      return new Container(store);
    },
    async deleteContainer(name: string): Promise<void> {
      await new Store(owner, name).delete();
    },
    async containerExists(name: string): Promise<boolean> {
      return await new Store(owner, name).exists();
    },
    async copyObject(src: ObjectRef, dest: ObjectRef): Promise<void> {
      const from = new Store(owner, src.container);
      await from.transfer("copy", src.object, new Store(owner, dest.container), dest.object);
    },
    async moveObject(src: ObjectRef, dest: ObjectRef): Promise<void> {
      const from = new Store(owner, src.container);
      await from.transfer("move", src.object, new Store(owner, dest.container), dest.object);
    },
  };

  return {
    "wasi:blobstore/blobstore@0.2.0-draft": blobstore,
    "wasi:blobstore/container@0.2.0-draft": { Container, StreamObjectNames },
    "wasi:blobstore/types@0.2.0-draft": { OutgoingValue, IncomingValue },
  };
}
