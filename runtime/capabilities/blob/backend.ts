/**
 * What `blob` keeps its objects in: one small interface, and a memory that forgets with the process.
 *
 * @module
 */

import { GRANT_LIMITS } from "../../grant_limits.ts";

/** What a container may hold on a disk or in memory, where the grant does not say. */
export const DEFAULT_BLOB_QUOTA: Amount = Object.freeze({
  bytes: GRANT_LIMITS["blob.maxBytes"].byDefault,
  objects: GRANT_LIMITS["blob.maxObjects"].byDefault,
});

/** Which container: parts that are compared one by one, so that no name runs into another. */
export type ContainerId = readonly string[];

/** Which object. */
export interface ObjectId {
  readonly container: ContainerId;
  readonly name: string;
}

/** What is known of an object without reading it. */
export interface ObjectInfo {
  readonly size: number;
  /** Milliseconds since the beginning of 1970. */
  readonly createdAt: number;
}

/** How much is in a container, or may be. */
export interface Amount {
  readonly bytes: number;
  readonly objects: number;
}

/** A part of an object: how many bytes it has, and the bytes. */
export interface Reading {
  readonly length: number;
  readonly body: ReadableStream<Uint8Array>;
}

/** A value that comes in piece by piece. It is an object once it is committed, whole, and nothing before. */
export interface Upload {
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Makes it an object, in place of one that is there. Resolves to whether the container is there. */
  commit(to: ObjectId): Promise<boolean>;
  /** Forgets it. */
  abort(): Promise<void>;
}

/** Keeps objects. What it has acknowledged, every later call sees. */
export interface Backend {
  /** What a container may hold where the grant does not say; `undefined` where there is room without end. */
  readonly quota?: Amount | undefined;
  /** Resolves to whether it was made: it may be there. */
  createContainer(id: ContainerId): Promise<boolean>;
  containerInfo(id: ContainerId): Promise<{ readonly createdAt: number } | undefined>;
  /** Deletes it with all that is in it. */
  deleteContainer(id: ContainerId): Promise<void>;
  /** The names of its objects, in pages, in no order. */
  list(id: ContainerId): AsyncIterable<readonly string[]>;
  /** Counts what is in a container; nothing if it is not there. */
  usage(id: ContainerId): Promise<Amount>;
  info(id: ObjectId): Promise<ObjectInfo | undefined>;
  /** The bytes from `start` to `end`, both included; those of them that there are. */
  read(id: ObjectId, range: { readonly start: number; readonly end: number }): Promise<Reading | undefined>;
  begin(): Promise<Upload>;
  delete(id: ObjectId): Promise<void>;
  /** Resolves to whether there was something to copy. The container that it goes to is there. */
  copy(from: ObjectId, to: ObjectId): Promise<boolean>;
  move(from: ObjectId, to: ObjectId): Promise<boolean>;
}

/** Which bytes there are of `range` in an object of `size` bytes: from the first one, before the other. */
export function within(size: number, { start, end }: { start: number; end: number }): { from: number; to: number } {
  const from = Math.min(start, size);
  return { from, to: Math.max(from, Math.min(end + 1, size)) };
}

/** A backend without a disk, for tests. */
export class MemoryBackend implements Backend {
  readonly quota: Amount = DEFAULT_BLOB_QUOTA;

  readonly #containers = new Map<
    string,
    { createdAt: number; objects: Map<string, { bytes: Uint8Array<ArrayBuffer>; createdAt: number }> }
  >();

  #container(id: ContainerId) {
    return this.#containers.get(JSON.stringify(id));
  }

  createContainer(id: ContainerId): Promise<boolean> {
    const isNew = this.#container(id) === undefined;
    if (isNew) this.#containers.set(JSON.stringify(id), { createdAt: Date.now(), objects: new Map() });
    return Promise.resolve(isNew);
  }

  containerInfo(id: ContainerId): Promise<{ createdAt: number } | undefined> {
    return Promise.resolve(this.#container(id));
  }

  deleteContainer(id: ContainerId): Promise<void> {
    this.#containers.delete(JSON.stringify(id));
    return Promise.resolve();
  }

  async *list(id: ContainerId): AsyncGenerator<readonly string[]> {
    yield await Promise.resolve([...this.#container(id)?.objects.keys() ?? []]);
  }

  usage(id: ContainerId): Promise<Amount> {
    const objects = [...this.#container(id)?.objects.values() ?? []];
    return Promise.resolve({
      bytes: objects.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
      objects: objects.length,
    });
  }

  info({ container, name }: ObjectId): Promise<ObjectInfo | undefined> {
    const object = this.#container(container)?.objects.get(name);
    return Promise.resolve(object && { size: object.bytes.byteLength, createdAt: object.createdAt });
  }

  read({ container, name }: ObjectId, range: { start: number; end: number }): Promise<Reading | undefined> {
    const bytes = this.#container(container)?.objects.get(name)?.bytes;
    if (bytes === undefined) return Promise.resolve(undefined);
    const { from, to } = within(bytes.byteLength, range);
    return Promise.resolve({ length: to - from, body: new Blob([bytes.slice(from, to)]).stream() });
  }

  begin(): Promise<Upload> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    return Promise.resolve({
      write(chunk) {
        chunks.push(chunk);
        return Promise.resolve();
      },
      commit: async ({ container, name }) => {
        const bytes = await new Blob(chunks).bytes();
        this.#container(container)?.objects.set(name, { bytes, createdAt: Date.now() });
        return this.#container(container) !== undefined;
      },
      abort: () => Promise.resolve(),
    });
  }

  delete({ container, name }: ObjectId): Promise<void> {
    this.#container(container)?.objects.delete(name);
    return Promise.resolve();
  }

  copy(from: ObjectId, to: ObjectId): Promise<boolean> {
    const object = this.#container(from.container)?.objects.get(from.name);
    if (object !== undefined) {
      this.#container(to.container)?.objects.set(to.name, { bytes: object.bytes, createdAt: Date.now() });
    }
    return Promise.resolve(object !== undefined);
  }

  async move(from: ObjectId, to: ObjectId): Promise<boolean> {
    const there = await this.copy(from, to);
    if (JSON.stringify(from) !== JSON.stringify(to)) await this.delete(from);
    return there;
  }
}
