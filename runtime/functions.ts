/**
 * The functions of a folder: reading them, replacing them, and keeping the last good version of each in service.
 *
 * @module
 */
import { join } from "node:path";
import { type SkerryError, toSkerryError } from "./errors.ts";
import { type GrantSchemas, ManifestError, sameRequests } from "./manifest.ts";
import { type FunctionFolder, listFolders, readFunction, shownPath } from "./manifest/folder.ts";
import { formatRoute } from "./manifest/route.ts";
import type { Link } from "./middleware.ts";
import { Conflict, type FunctionEntry, type FunctionEvent, Slot, type SlotOptions, Unchained } from "./slot.ts";

export type { FunctionEntry, FunctionEvent, FunctionFolder };
export { Unchained };

export interface RegistryOptions<Served> extends SlotOptions<Served> {
  /** The folder whose subfolders are functions. */
  readonly directory: string;
  readonly grants: GrantSchemas;
  /** Load a function when its first request comes, not at once. */
  readonly lazy?: boolean;
}

/**
 * The functions of a folder.
 *
 * A manifest that cannot be used, a route that another function has, or a component that does not load breaks that
 * function alone, and only as long as it has no good version: otherwise that one goes on serving.
 */
export class FunctionRegistry<Served> {
  readonly #options: RegistryOptions<Served>;
  #slots: Slot<Served>[] = [];
  #version = 0;
  /** Reads happen one after another, so that of two functions that claim one route the same one always wins. */
  #reads: Promise<unknown> = Promise.resolve();

  constructor(options: RegistryOptions<Served>) {
    this.#options = options;
  }

  /** Changes whenever the routes of a function may have changed. */
  get version(): number {
    return this.#version;
  }

  /** Settles when the manifests are read that are being read now. */
  get read(): Promise<unknown> {
    return this.#reads;
  }

  /** What the newest versions say that stands in front of each, whether they serve already or not. */
  get links(): readonly Link[] {
    return this.#slots.map((slot) => slot.link);
  }

  /** The functions, by the names of their folders. */
  get entries(): readonly FunctionEntry<Served>[] {
    return this.#slots;
  }

  /**
   * Reads every folder, and forgets those that are gone. Resolves when all that loads at once has loaded or failed.
   *
   * @throws {SkerryError} when the folder of functions is not there.
   */
  scan(): Promise<void> {
    return this.#update(async () => {
      const folders = await listFolders(this.#options.directory);
      for (const slot of this.#slots) if (!folders.includes(slot.folder)) this.#remove(slot);
      const loads: Promise<void>[] = [];
      for (const folder of folders) loads.push(...await this.#read(folder));
      return loads;
    });
  }

  /** Reads a folder again after it changed, appeared or vanished. Resolves when its new version serves or has failed. */
  refresh(folder: string): Promise<void> {
    return this.#update(() => this.#read(folder));
  }

  /** Runs `read`, waits for the loads that it starts, and looks after those that lost a conflict. */
  async #update(read: () => Promise<Promise<void>[]>): Promise<void> {
    const loads = await this.#alone(async () => [...await read(), ...await this.#retry()]);
    await Promise.all(loads);
    // What a new version gave up is free only now that it serves.
    await Promise.all(await this.#alone(() => this.#retry()));
  }

  /** Reads again what lost a conflict: what it waits for may have been given up, and what was free may be taken. */
  async #retry(): Promise<Promise<void>[]> {
    const loads: Promise<void>[] = [];
    for (const slot of this.#slots) {
      if (slot.conflicted || slot.unchained) loads.push(...await this.#read(slot.folder));
    }
    return loads;
  }

  #alone<T>(read: () => Promise<T>): Promise<T> {
    const result = this.#reads.then(read);
    this.#reads = result.catch(() => {});
    return result;
  }

  /** Reads one manifest. Returns the load that it started, if any: the next read need not wait for it. */
  async #read(folder: string): Promise<Promise<void>[]> {
    const directory = join(this.#options.directory, folder);
    const known = this.#slots.find((slot) => slot.folder === folder);
    let read: FunctionFolder;
    try {
      if (!(await listFolders(this.#options.directory)).includes(folder)) {
        if (known !== undefined) this.#remove(known);
        return [];
      }
      read = await readFunction(directory, this.#options.grants);
      this.#refuseConflicts(read, known);
    } catch (thrown) {
      const error = toSkerryError(thrown, `reading ${shownPath(directory)}`);
      const slot = known ?? this.#add(folder, directory);
      slot.reject(error, this.#freeRoutes(error, slot));
      this.#version++;
      return [];
    }
    const slot = known ?? this.#add(folder, directory);
    const load = slot.offer(read);
    this.#version++;
    return this.#options.lazy && slot.served === null ? [] : [load()];
  }

  #add(folder: string, directory: string): Slot<Served> {
    const slot = new Slot<Served>(folder, shownPath(join(directory, "function.json")), this.#options, () => {
      this.#version++;
    });
    this.#slots = [...this.#slots, slot].sort((a, b) => a.folder < b.folder ? -1 : 1);
    return slot;
  }

  #remove(slot: Slot<Served>): void {
    this.#slots = this.#slots.filter((other) => other !== slot);
    slot.forget();
    this.#version++;
  }

  /** The one that is there already keeps its name and its routes. */
  #refuseConflicts(read: FunctionFolder, known: Slot<Served> | undefined): void {
    const { name, routes, queues } = read.manifest;
    for (const other of this.#slots) {
      if (other === known || (other.conflicted && other.served === null)) continue;
      if (other.claims.some((claim) => claim.name === name)) {
        throw new Conflict(
          read.mistake(["name"], `${JSON.stringify(name)} is the name in ${other.file}; write another`),
        );
      }
      const held = queues.findIndex((queue) =>
        other.claims.some((claim) => claim.queues.some((theirs) => theirs.name === queue.name))
      );
      if (held >= 0) {
        const message = `${JSON.stringify(queues[held]!.name)} has a function already, in ${other.file}; write another`;
        throw new Conflict(read.mistake(["queues", held, "name"], message));
      }
      for (const [index, route] of routes.entries()) {
        const taken = other.claims.flatMap((claim) => claim.routes).find((theirs) => sameRequests(theirs, route));
        if (taken === undefined) continue;
        throw new Conflict(
          read.mistake(
            ["routes", index],
            `"${formatRoute(route)}" is taken by "${formatRoute(taken)}" in ${other.file}; change one of the two`,
          ),
        );
      }
    }
  }

  /** The routes that a broken function can answer for: those it claims and nobody else has. */
  #freeRoutes(error: SkerryError, slot: Slot<Served>): ManifestError["identity"] {
    const identity = error instanceof ManifestError ? error.identity : null;
    if (identity === null) return null;
    const others = this.#slots.filter((other) => other !== slot);
    return {
      name: identity.name,
      routes: identity.routes.filter((route) =>
        !others.some((other) =>
          other.claims.some((claim) => claim.routes.some((theirs) => sameRequests(theirs, route)))
        )
      ),
    };
  }
}
