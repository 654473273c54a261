/**
 * One function of a folder, whatever becomes of it: its newest version, the one in service, and what is wrong.
 *
 * @module
 */
import { SkerryError, toSkerryError } from "./errors.ts";
import { type Manifest, ManifestError, type QueueTrigger, type Route, type ScheduleTrigger } from "./manifest.ts";
import type { FunctionFolder } from "./manifest/folder.ts";
import type { Link } from "./middleware.ts";

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

/** What a slot needs of who holds it. */
export interface SlotOptions<Served> {
  /** Makes a function ready to serve: build, compile, link. */
  readonly load: (folder: FunctionFolder) => Promise<Served>;
  readonly report?: (event: FunctionEvent) => void;
}

/** A manifest that wants what another function has. */
export class Conflict extends ManifestError {
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
export class Slot<Served> implements FunctionEntry<Served> {
  readonly folder: string;
  readonly file: string;
  readonly #options: SlotOptions<Served>;
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

  constructor(folder: string, file: string, options: SlotOptions<Served>, changed: () => void) {
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
