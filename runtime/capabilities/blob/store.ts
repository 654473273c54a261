/**
 * What `blob` does, whatever its interface looks like: the containers of a function, and the limits of what it may do.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { WitError } from "../../errors.ts";
import { openCount } from "../../open_count.ts";
import { meetQuota } from "../../quota.ts";
import { tellUngranted } from "../../ungranted.ts";
import type { Amount, Backend, ContainerId, ObjectId, ObjectInfo, Reading } from "./backend.ts";
import type { BlobGrant } from "./grant.ts";
import { encodeParts } from "./names.ts";
import { Full, Usages } from "./usage.ts";

/** What S3 takes for a key. */
export const MAX_NAME_BYTES = 1024;

/** One object, so that one that is written for ever does not fill the disk. S3 copies no larger one at once. */
export const MAX_OBJECT_BYTES = 5 * 2 ** 30;

/** What is handed to the guest at once, and not as a stream: it is in the host's memory before it is in the guest's. */
export const MAX_SYNC_BYTES = 16 * 2 ** 20;

/** Names in one answer of a list, and in one call that deletes. */
export const MAX_NAMES_AT_ONCE = 1000;

/** Containers, values and lists that a task may have open: each is memory, a file or a connection of the host. */
export const MAX_OPEN_HANDLES = 256;

/** Objects of one `clear` that are deleted at once. */
const CLEAR_WIDTH = 10;

/** A refusal, for the guest. */
export class BlobError extends WitError {
  declare readonly payload: string;
  override readonly name: string = "BlobError";

  constructor(message: string) {
    super(message);
  }
}

const countHandle = openCount();

/** Counts a handle of the task. Returns a function that gives it back, which works once. */
export function takeHandle(): () => void {
  return countHandle(MAX_OPEN_HANDLES, () => new BlobError("too many containers, values and lists are open"));
}

/** The function that containers belong to, and where they are. */
export interface BlobOwner {
  readonly backend: Backend;
  readonly function: string;
  readonly grant: BlobGrant;
  /** The most that the operator allows, by the grant's keys. */
  readonly ceilings?: Readonly<Record<string, number>> | undefined;
}

/** The guest learns that the store failed, the operator why. */
export async function attempt<T>(what: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof BlobError || error instanceof Full) throw error;
    currentTask().log("error", `blob ${what}: ${error instanceof Error ? error.stack : error}`);
    throw new BlobError(`the store failed to ${what}`);
  }
}

/** What each container of a function may hold; `undefined` where nothing bounds it. */
export function mostOf(
  { backend: { quota }, grant: { maxBytes, maxObjects }, ceilings = {} }: {
    readonly backend: Pick<Backend, "quota">;
    readonly grant: BlobGrant;
    readonly ceilings?: BlobOwner["ceilings"];
  },
): Amount | undefined {
  const bytes = Math.min(maxBytes ?? quota?.bytes ?? Infinity, ceilings["maxBytes"] ?? Infinity);
  const objects = Math.min(maxObjects ?? quota?.objects ?? Infinity, ceilings["maxObjects"] ?? Infinity);
  return bytes === Infinity && objects === Infinity ? undefined : { bytes, objects };
}

/** The guest learns that there is no more room in `what`, the operator with what to make more. */
export async function withRoom<T>(what: string, most: Amount | undefined, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof Full) || most === undefined) throw error;
    const key = error.what === "objects" ? "maxObjects" : "maxBytes";
    const message = `${what} is full: ${error.held} of ${most[error.what]} ${error.what}`;
    meetQuota({ grant: "blob", key, message });
    throw new BlobError(message);
  }
}

/** A container that a function was granted, whether it is there or not. Every error that it throws is a {@linkcode BlobError}. */
export class Store {
  readonly name: string;
  readonly #backend: Backend;
  readonly #id: ContainerId;
  readonly #usages: Usages;
  readonly #most: Amount | undefined;

  /** Tells the operator the line to add when the function was not granted `name`. */
  constructor(blobs: BlobOwner, name: string) {
    const { backend, function: owner, grant } = blobs;
    const source = Object.hasOwn(grant.containers, name) ? grant.containers[name] : undefined;
    if (source === undefined) {
      const line = `"blob": { "containers": { ${JSON.stringify(name.slice(0, 63))}: true } }`;
      tellUngranted({ function: owner, what: "use the container", line });
      throw new BlobError(`access denied to the container ${JSON.stringify(name.slice(0, 63))}`);
    }
    this.name = name;
    this.#backend = backend;
    this.#usages = Usages.of(backend);
    this.#most = mostOf(blobs);
    this.#id = source === true ? ["functions", owner, ...encodeParts(name)] : ["shared", source];
  }

  async create(): Promise<void> {
    if (!await attempt("create a container", () => this.#backend.createContainer(this.#id))) {
      throw new BlobError(`there is a container ${JSON.stringify(this.name)}`);
    }
  }

  async exists(): Promise<boolean> {
    return await this.#info() !== undefined;
  }

  async info(): Promise<{ createdAt: number }> {
    return await this.#info() ?? this.#missing();
  }

  #info(): Promise<{ createdAt: number } | undefined> {
    return attempt("look for a container", () => this.#backend.containerInfo(this.#id));
  }

  #missing(): never {
    throw new BlobError(`there is no container ${JSON.stringify(this.name)}`);
  }

  async delete(): Promise<void> {
    await this.info();
    await attempt("delete a container", () => this.#backend.deleteContainer(this.#id));
    this.#usages.forget(this.#id);
  }

  object(name: string): ObjectId {
    const bytes = new TextEncoder().encode(name).byteLength;
    if (bytes === 0) throw new BlobError("the name of the object is empty");
    if (bytes > MAX_NAME_BYTES) {
      throw new BlobError(`the name of the object has ${bytes} bytes, and may have ${MAX_NAME_BYTES}`);
    }
    return { container: this.#id, name };
  }

  async find(name: string): Promise<ObjectInfo | undefined> {
    const id = this.object(name);
    return await attempt("look for an object", () => this.#backend.info(id));
  }

  async objectInfo(name: string): Promise<ObjectInfo> {
    return await this.find(name) ?? this.#noObject(name);
  }

  #noObject(name: string): never {
    throw new BlobError(`there is no object ${JSON.stringify(name)} in the container ${JSON.stringify(this.name)}`);
  }

  async read(name: string, start: bigint, end: bigint): Promise<Reading> {
    const id = this.object(name);
    if (start > end) throw new BlobError(`the range begins at ${start}, after its end at ${end}`);
    const range = { start: bounded(start), end: bounded(end) };
    return await attempt("read an object", () => this.#backend.read(id, range)) ?? this.#noObject(name);
  }

  async deleteObject(name: string): Promise<void> {
    const id = this.object(name);
    await attempt("delete an object", () => this.#usages.delete(id, () => this.#backend.delete(id)));
  }

  async deleteObjects(names: readonly string[]): Promise<void> {
    if (names.length > MAX_NAMES_AT_ONCE) {
      throw new BlobError(`${names.length} names in one call, and there may be ${MAX_NAMES_AT_ONCE}`);
    }
    for (const name of names) this.object(name);
    await this.#deleteAll(names);
  }

  async #deleteAll(names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += CLEAR_WIDTH) {
      if (currentTask().ended) throw new BlobError("the task is over");
      await Promise.all(names.slice(at, at + CLEAR_WIDTH).map((name) => this.deleteObject(name)));
    }
  }

  async clear(): Promise<void> {
    await this.info();
    for await (const page of this.list()) await this.#deleteAll(page);
  }

  /** The names, in pages. */
  async *list(): AsyncGenerator<readonly string[]> {
    const pages = this.#backend.list(this.#id)[Symbol.asyncIterator]();
    while (true) {
      const page = await attempt("list a container", () => pages.next());
      if (page.done) return;
      yield page.value;
    }
  }

  /** Copies or moves an object to another name or container. */
  async transfer(how: "copy" | "move", name: string, to: Store, newName: string): Promise<void> {
    const [from, target] = [this.object(name), to.object(newName)];
    await to.info();
    const ids = { from, to: target, most: to.#most };
    const step = () => this.#usages.transfer(how, ids, () => this.#backend[how](from, target));
    if (!await to.#withRoom(() => attempt(`${how} an object`, step))) this.#noObject(name);
  }

  /** Makes a value of `bytes` bytes the object `id`, by `step`. Resolves to whether the container is there. */
  commit(id: ObjectId, bytes: number, step: () => Promise<boolean>): Promise<boolean> {
    return this.#withRoom(() => attempt("finish an object", () => this.#usages.put(id, bytes, this.#most, step)));
  }

  #withRoom<T>(step: () => Promise<T>): Promise<T> {
    return withRoom(`the container ${JSON.stringify(this.name)}`, this.#most, step);
  }
}

/** Beyond this there are no bytes. */
function bounded(offset: bigint): number {
  return offset > BigInt(Number.MAX_SAFE_INTEGER - 1) ? Number.MAX_SAFE_INTEGER - 1 : Number(offset);
}
