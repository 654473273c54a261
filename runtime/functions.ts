/**
 * The functions of a folder: reading them, replacing them, and keeping the last good version of each in service.
 *
 * @module
 */
import { join } from "node:path";
import { SkerryError, toSkerryError } from "./errors.ts";
import {
  type GrantSchemas,
  type Manifest,
  ManifestError,
  type QueueTrigger,
  type Route,
  sameRequests,
  type ScheduleTrigger,
} from "./manifest.ts";
import { type FunctionFolder, listFolders, readFunction, shownPath } from "./manifest/folder.ts";
import { formatRoute } from "./manifest/route.ts";
import type { Link } from "./middleware.ts";

export type { FunctionFolder };

/** What happened to a function, for the terminal. */
export interface FunctionEvent {
  /**
   * `ready`: its first version serves. `replaced`: a newer version serves. `kept`: the newest version is broken and the
   * last good one goes on serving. `broken`: there is no good version. `removed`: its folder is gone.
   */
  readonly kind: "ready" | "replaced" | "kept" | "broken" | "removed";
  readonly name: string;
  /** The manifest's file, for messages. */
  readonly file: string;
  /** Why it is broken or kept. */
  readonly problem: SkerryError | null;
  /** How long the version took to load, in milliseconds. */
  readonly ms: number;
}

/** A function as the router sees it. What its getters say changes when it is replaced. */
export interface FunctionEntry<Served> {
  readonly name: string;
  /** The manifest's file, for messages. */
  readonly file: string;
  readonly routes: readonly Route[];
  /** The queues whose messages it is called for. */
  readonly queues: readonly QueueTrigger[];
  /** When it is called by itself. */
  readonly schedule: readonly ScheduleTrigger[];
  /** Why the newest version does not serve; `null` if it does, or is still loading. */
  readonly problem: SkerryError | null;
  /** The version in service once it is loaded; `null` before that, and when there is no good one. */
  readonly served: Served | null;
  /**
   * The version in service, as soon as it is loaded.
   *
   * @throws {SkerryError} `function-broken` with the reason as its cause, when there is no good version.
   */
  ready(): Promise<Served>;
}

export interface RegistryOptions<Served> {
  /** The folder whose subfolders are functions. */
  readonly directory: string;
  readonly grants: GrantSchemas;
  /** Makes a function ready to serve: build, compile, link. */
  readonly load: (folder: FunctionFolder) => Promise<Served>;
  readonly report?: (event: FunctionEvent) => void;
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

/** A manifest that wants what another function has. */
class Conflict extends ManifestError {
  constructor(error: ManifestError) {
    super(error.file, error.problems, error.identity, "route-conflict");
  }
}

/** A manifest that wants something in front of it that is not there, or not as it should be: another's change may help. */
export class Unchained extends ManifestError {
  constructor(error: ManifestError) {
    super(error.file, error.problems, error.identity);
  }
}

/** One folder, whatever becomes of it. */
class Slot<Served> implements FunctionEntry<Served> {
  readonly folder: string;
  readonly file: string;
  readonly #options: RegistryOptions<Served>;
  readonly #changed: () => void;
  #name: string;
  #routes: readonly Route[] = [];
  #middleware: readonly string[] = [];
  #queues: readonly QueueTrigger[] = [];
  #schedule: readonly ScheduleTrigger[] = [];
  #problem: SkerryError | null = null;
  #served: Served | null = null;
  /** Loads the version that was offered last, once. */
  #load: (() => Promise<void>) | null = null;
  #pending: Manifest | null = null;
  /** Counts what was read, so that a slow load does not overtake a newer one. */
  #newest = 0;

  constructor(folder: string, file: string, options: RegistryOptions<Served>, changed: () => void) {
    this.folder = folder;
    this.file = file;
    this.#name = folder;
    this.#options = options;
    this.#changed = changed;
  }

  get name(): string {
    return this.#name;
  }

  get routes(): readonly Route[] {
    return this.#routes;
  }

  get middleware(): readonly string[] {
    return this.#middleware;
  }

  get link(): Link {
    return this.#pending ?? this;
  }

  get queues(): readonly QueueTrigger[] {
    return this.#queues;
  }

  get schedule(): readonly ScheduleTrigger[] {
    return this.#schedule;
  }

  get problem(): SkerryError | null {
    return this.#problem;
  }

  get served(): Served | null {
    return this.#served;
  }

  /** What nobody else may have: the names and routes in service, and those of a version that is loading. */
  get claims(): readonly Pick<Manifest, "name" | "routes" | "queues">[] {
    return this.#pending === null ? [this] : [this, this.#pending];
  }

  /** Whether it waits for a name or a route that another function has. */
  get conflicted(): boolean {
    return this.#problem instanceof Conflict;
  }

  /** Whether it waits for what is to stand in front of it. */
  get unchained(): boolean {
    return this.#problem instanceof Unchained;
  }

  async ready(): Promise<Served> {
    // A newer version may be offered while an older one loads; the last word counts.
    while (this.#served === null && this.#load !== null) await this.#load();
    if (this.#served !== null) return this.#served;
    throw new SkerryError("function-broken", `serving ${this.#name}: it could not be loaded`, {
      cause: this.#problem,
    });
  }

  /** Takes a manifest that cannot be used. */
  reject(problem: SkerryError, identity: ManifestError["identity"]): void {
    this.#newest++;
    this.#load = null;
    this.#pending = null;
    if (this.#served === null && identity !== null) {
      this.#name = identity.name;
      this.#routes = identity.routes;
    }
    this.#fail(problem, 0);
  }

  /** Takes a new version. Returns what loads it; until that is done, the version before it serves. */
  offer(read: FunctionFolder): () => Promise<void> {
    const number = ++this.#newest;
    if (this.#served === null) this.#take(read);
    this.#pending = read.manifest;
    let loading: Promise<void> | undefined;
    const load = () => loading ??= this.#run(read, number);
    this.#load = load;
    return load;
  }

  forget(): void {
    this.#newest++;
    this.#load = null;
    this.#served = null;
    this.#report("removed", 0);
  }

  async #run(read: FunctionFolder, number: number): Promise<void> {
    const began = performance.now();
    try {
      const served = await this.#options.load(read);
      if (number !== this.#newest) return;
      this.#pending = null;
      const kind = this.#served === null ? "ready" : "replaced";
      this.#take(read);
      this.#served = served;
      this.#load = null;
      this.#changed();
      this.#report(kind, performance.now() - began);
    } catch (thrown) {
      if (number !== this.#newest) return;
      this.#pending = null;
      this.#load = null;
      this.#fail(toSkerryError(thrown, `loading ${read.file}`), performance.now() - began);
    }
  }

  #take(read: FunctionFolder): void {
    this.#name = read.manifest.name;
    this.#routes = read.manifest.routes;
    this.#middleware = read.manifest.middleware;
    this.#queues = read.manifest.queues;
    this.#schedule = read.manifest.schedule;
    this.#problem = null;
  }

  #fail(problem: SkerryError, ms: number): void {
    // Who waits for another's route is read again and again, and need not be told each time.
    const known = (this.conflicted || this.unchained) && this.#problem?.message === problem.message;
    this.#problem = problem;
    if (known) return;
    this.#report(this.#served === null ? "broken" : "kept", ms);
  }

  #report(kind: FunctionEvent["kind"], ms: number): void {
    this.#options.report?.({ kind, name: this.#name, file: this.file, problem: this.#problem, ms });
  }
}
