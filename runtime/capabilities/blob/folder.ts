/**
 * `blob` in a folder of this machine: a file for each object, which is there whole or not at all.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { SkerryError } from "../../errors.ts";
import {
  type Amount,
  type Backend,
  type ContainerId,
  DEFAULT_BLOB_QUOTA,
  type ObjectId,
  type ObjectInfo,
  type Reading,
  type Upload,
  within,
} from "./backend.ts";
import { decodeParts, encodeParts } from "./names.ts";

/** Where objects are when nothing else is said, from the folder that the server runs in. */
const DEFAULT_FOLDER = ".skerry/blobs";

/** What says that a folder is a container. No object has such a name. */
const MARK = ".container";

/** What a page of a list has at most. */
const PAGE = 1000;

/** What is read from a file at once. */
const READ_BYTES = 64 * 1024;

/** After that long an upload is one that a killed process has left. */
const STALE_MS = 24 * 3_600_000;

/** A backend on a folder that is there. */
export class FolderBackend implements Backend {
  readonly quota: Amount = DEFAULT_BLOB_QUOTA;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  #folder(id: ContainerId): string {
    return join(this.#root, ...id);
  }

  #path({ container, name }: ObjectId): string {
    return join(this.#folder(container), ...encodeParts(name));
  }

  #temporary(): string {
    return join(this.#root, "tmp", crypto.randomUUID());
  }

  /** Makes the folder of uploads, and clears what killed processes have left there. */
  async prepare(): Promise<void> {
    const folder = join(this.#root, "tmp");
    await Deno.mkdir(folder, { recursive: true });
    for await (const { name } of Deno.readDir(folder)) {
      const path = join(folder, name);
      const info = await orUndefined(Deno.stat(path));
      if (info?.mtime && Date.now() - info.mtime.getTime() > STALE_MS) await remove(path);
    }
  }

  async createContainer(id: ContainerId): Promise<boolean> {
    const folder = this.#folder(id);
    await Deno.mkdir(folder, { recursive: true });
    try {
      using _ = await Deno.open(join(folder, MARK), { write: true, createNew: true });
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    }
    await syncFolder(folder);
    await syncFolder(dirname(folder));
    return true;
  }

  async containerInfo(id: ContainerId): Promise<{ createdAt: number } | undefined> {
    const info = await orUndefined(Deno.stat(join(this.#folder(id), MARK)));
    return info && { createdAt: info.mtime?.getTime() ?? 0 };
  }

  async deleteContainer(id: ContainerId): Promise<void> {
    // At once for everybody, however long it takes to delete what is in it.
    const gone = this.#temporary();
    await Deno.rename(this.#folder(id), gone);
    await remove(gone);
  }

  async *list(id: ContainerId): AsyncGenerator<readonly string[]> {
    let page: string[] = [];
    for await (const parts of filesBelow(this.#folder(id), [])) {
      const name = decodeParts(parts);
      if (name === undefined) continue;
      page.push(name);
      if (page.length < PAGE) continue;
      yield page;
      page = [];
    }
    yield page;
  }

  async usage(id: ContainerId): Promise<Amount> {
    let [bytes, objects] = [0, 0];
    const folder = this.#folder(id);
    for await (const parts of filesBelow(folder, [])) {
      const info = await orUndefined(Deno.stat(join(folder, ...parts)));
      if (info === undefined) continue;
      bytes += info.size;
      objects++;
    }
    return { bytes, objects };
  }

  async info(id: ObjectId): Promise<ObjectInfo | undefined> {
    const info = await orUndefined(Deno.stat(this.#path(id)));
    return info && { size: info.size, createdAt: info.mtime?.getTime() ?? 0 };
  }

  async read(id: ObjectId, range: { start: number; end: number }): Promise<Reading | undefined> {
    const file = await orUndefined(Deno.open(this.#path(id)));
    if (file === undefined) return undefined;
    try {
      const { from, to } = within((await file.stat()).size, range);
      if (from > 0) await file.seek(from, Deno.SeekMode.Start);
      return { length: to - from, body: streamOf(file, to - from) };
    } catch (error) {
      file.close();
      throw error;
    }
  }

  async begin(): Promise<Upload> {
    const path = this.#temporary();
    const file = await Deno.open(path, { write: true, createNew: true });
    let open = true;
    const close = () => {
      if (open) file.close();
      open = false;
    };
    return {
      async write(chunk) {
        for (let at = 0; at < chunk.byteLength;) at += await file.write(chunk.subarray(at));
      },
      commit: async (to) => {
        // What was acknowledged survives even a power failure.
        await file.sync();
        close();
        return await this.#put(path, to);
      },
      async abort() {
        close();
        await remove(path);
      },
    };
  }

  /** Renames a file that has been written to its end; resolves to whether the container is there. */
  async #put(path: string, to: ObjectId): Promise<boolean> {
    const target = this.#path(to);
    const container = this.#folder(to.container);
    try {
      // Folders of a long name, one by one: the container's own is not made again when somebody has deleted it.
      const parts = encodeParts(to.name).slice(0, -1);
      for (let depth = 1; depth <= parts.length; depth++) {
        await Deno.mkdir(join(container, ...parts.slice(0, depth))).catch((error) => {
          if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
        });
      }
      await Deno.rename(path, target);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
    await syncFolder(dirname(target));
    return true;
  }

  async delete(id: ObjectId): Promise<void> {
    const path = this.#path(id);
    await orUndefined(Deno.remove(path));
    await orUndefined(syncFolder(dirname(path)));
  }

  async copy(from: ObjectId, to: ObjectId): Promise<boolean> {
    const path = this.#temporary();
    try {
      if (await orUndefined(Deno.copyFile(this.#path(from), path).then(() => true)) === undefined) return false;
      const now = new Date();
      await Deno.utime(path, now, now);
      using file = await Deno.open(path, { write: true });
      await file.sync();
      return await this.#put(path, to);
    } finally {
      await remove(path);
    }
  }

  async move(from: ObjectId, to: ObjectId): Promise<boolean> {
    const path = this.#path(from);
    if (path === this.#path(to)) return await this.info(from) !== undefined;
    const moved = await this.#put(path, to);
    if (moved) await syncFolder(dirname(path));
    return moved;
  }
}

/** The objects below a folder, as parts of their paths. */
async function* filesBelow(folder: string, above: readonly string[]): AsyncGenerator<readonly string[]> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory && name.startsWith("+")) yield* filesBelow(join(folder, name), [...above, name]);
      else if (name.startsWith("=")) yield [...above, name];
    }
  } catch (error) {
    // Deleted meanwhile, which is as good as before.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** So many bytes of an open file, which is closed at the end. */
function streamOf(file: Deno.FsFile, length: number): ReadableStream<Uint8Array> {
  let left = length;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const buffer = new Uint8Array(Math.min(left, READ_BYTES));
        const count = left === 0 ? null : await file.read(buffer);
        // A file is never cut short: it is replaced.
        if (count === null && left > 0) throw new Error(`an object has ${left} bytes less than it had`);
        left -= count ?? 0;
        if (count !== null) controller.enqueue(buffer.subarray(0, count));
        if (left > 0) return;
        file.close();
        controller.close();
      } catch (error) {
        file.close();
        throw error;
      }
    },
    cancel() {
      file.close();
    },
  }, { highWaterMark: 0 });
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

async function remove(path: string): Promise<void> {
  await orUndefined(Deno.remove(path, { recursive: true }));
}

/** A name is on the disk once its folder is. */
async function syncFolder(path: string): Promise<void> {
  // Windows opens no folder, and needs none.
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}

/**
 * Opens the folder `location`, by default `.skerry/blobs`.
 *
 * @throws {SkerryError} `setting-invalid`.
 */
export async function openFolder(location: string = DEFAULT_FOLDER): Promise<FolderBackend> {
  try {
    // Asked first, for to make a folder would ask whoever sits at the terminal.
    const { state } = await Deno.permissions.query({ name: "write", path: location });
    if (state !== "granted") throw new Error("the server may not write there");
    const backend = new FolderBackend(location);
    await backend.prepare();
    return backend;
  } catch (error) {
    throw new SkerryError(
      "setting-invalid",
      `opening the objects in ${location}: ${error instanceof Error ? error.message : error}. ` +
        `Start it with \`deno task start:kv\`, which may write below .skerry, or with --allow-write=${location}; ` +
        "or name another folder or an S3 bucket (s3://BUCKET) in BLOB_URL.",
      { cause: error },
    );
  }
}
