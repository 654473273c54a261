/**
 * The native engine: Skerry's own linker for the Component Model.
 *
 * What can be worked out when a component is loaded or linked is worked out then: a plan of its instances
 * (`elaborate.ts`), without what toolchains put in between (`shim.ts`), the compiled core modules, and one closure for
 * each lift and each lower (`lift.ts`, `lower.ts`, `link.ts`). An isolate (`isolate.ts`) only instantiates core modules,
 * or takes those of an earlier isolate that have been put back into their first state (`pool.ts`, `restorable.ts`,
 * `track.ts`). So that this is possible when their memory grows, it has room to grow in from the start, which a guest that
 * reads or writes past the end of its memory may meet instead of a trap, alike in every request (`slack.ts`). For that,
 * and to be metered, modules are rewritten when they are loaded (`load.ts`), or have been before (`cache.ts`).
 *
 * Imported functions are made once for all isolates and find theirs through `now` in `thread.ts`. Components that use
 * async take the ways in `async/`, which follow `definitions.py` of the Component Model closely; all others take shorter
 * ones.
 *
 * A component may import core modules and other components, by themselves or in an instance: what the host gives for one
 * is its bytes, and all is compiled when the component is linked (`parts.ts`).
 *
 * Values have the forms of jco's mapping; streams and futures those of `../streams.ts`. Besides, a host may give any
 * async iterable, a `ReadableStream` too, for a stream (of chunks for a `stream<u8>`, of elements for others), and any
 * thenable for a future. What a component exports by itself, not in an interface, is under {@linkcode ROOT}; functions of
 * exported resources have their WIT names, `[method]counter.next`, and take the resource first.
 *
 * @module
 */
import { camelCase, decodeComponent, parseFunctionName } from "../../component/mod.ts";
import { enterTask, maybeTask } from "../../context.ts";
import { SkerryError } from "../../errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../../limits.ts";
import type { MemoryNeed } from "../../memory.ts";
import type {
  Engine,
  ExportedFunction,
  HostImports,
  InterfaceName,
  Isolate,
  LinkedComponent,
  LoadedComponent,
} from "../mod.ts";
import { Meter, pagesLeft } from "../metering.ts";
import { CodeCache } from "./cache.ts";
import { valueIn, type ValueSlot } from "./component_values.ts";
import { elaborate } from "./elaborate.ts";
import { HostFace } from "./faces.ts";
import { resolveHost } from "./host.ts";
import { NativeIsolate } from "./isolate.ts";
import { link, type LinkedPlan } from "./link.ts";
import { compile, type PreparedCode, prepareInTurns } from "./load.ts";
import { initialElements, initialMemory } from "./metering.ts";
import { joined, needsParts } from "./parts.ts";
import type { ExportItem, Plan } from "./plan.ts";
import { InstancePool } from "./pool.ts";
import { withoutShims } from "./shim.ts";
import { type SlackPlan, withPages } from "./slack.ts";

/** The name under which functions are found that a component exports by themselves, not in an interface. */
export const ROOT = "$root";

export interface NativeEngineOptions {
  /**
   * Put core instances back into their first state after a request and use them again, where that is provably the same
   * as making them anew. Without it there is also no room past the end of a memory. Default: true.
   */
  readonly restore?: boolean;
  /** Modules with more bytes of code note the pages that they write to, others between which addresses. Default: 2 MiB. */
  readonly rangeCodeBytes?: number;
  /** Measure and bound what guests take: CPU time, memory, tables. Default: true. */
  readonly meter?: boolean;
  /**
   * Trap where the Component Model does so and a guest could well go on: when it cancels what it waits for in a set without
   * `async`, and that is over at once. wit-bindgen before 0.60 makes such guests. Default: false.
   */
  readonly strict?: boolean;
  /** A folder where rewritten modules are kept, for the next start. Default: they are not. */
  readonly cacheDir?: string;
  /** Only take what is in that folder, and write nothing. Default: false. */
  readonly readOnly?: boolean;
}

/**
 * An engine with options of its own.
 *
 * @example
 * ```ts
 * import { createNativeEngine } from "./mod.ts";
 *
 * const engine = createNativeEngine({ restore: false });
 * console.assert(engine.name === "native");
 * ```
 */
export function createNativeEngine(options: NativeEngineOptions = {}): Engine {
  const { restore = true, meter = true, cacheDir, rangeCodeBytes, readOnly = false, strict = false } = options;
  const cache = cacheDir === undefined ? undefined : new CodeCache({ folder: cacheDir, readOnly });
  return {
    name: "native",
    async load(bytes, { name = "component", limits = DEFAULT_LIMITS } = {}) {
      if (!("Suspending" in WebAssembly)) {
        throw new SkerryError(
          "runtime-unsupported",
          "starting the native engine: this JavaScript runtime has no WebAssembly JavaScript Promise Integration. Use Deno 2.5 or newer.",
        );
      }
      const model = decodeComponent(bytes, name);
      const plan = elaborate(bytes, model, name);
      if (!needsParts(plan)) return await whole(bytes, plan, limits);
      return {
        ...described(plan),
        memory: initialMemory(plan),
        async link(host) {
          // It says what is missing, if anything is.
          resolveHost(plan, host, new HostFace());
          const all = joined(bytes, plan, host);
          const loaded = await whole(all.bytes, elaborate(all.bytes, model, name, all.given), limits);
          return await loaded.link(host);
        },
      };
    },
  };

  /** Prepares and compiles what has been worked out. */
  async function whole(
    bytes: Uint8Array<ArrayBuffer>,
    plan: Plan,
    limits: Pick<Limits, "memoryMb" | "tableElements">,
  ): Promise<LoadedComponent> {
    const decoded = withoutShims(bytes, plan);
    const { bytes: initial } = initialMemory(decoded);
    const left = meter ? pagesLeft(initial, decoded.name, limits) : undefined;
    const preparation = { restore, left, rangeCodeBytes, limits: meter ? limits : undefined };
    const rewrite = () => prepareInTurns(bytes, decoded, preparation);
    const code = await (cache === undefined ? rewrite() : cache.get({ bytes, plan: decoded }, preparation, rewrite));
    const variant = async (code: PreparedCode): Promise<Variant> => {
      const modules = await compile(decoded, code);
      const { allocates, restoring } = code;
      const plan = restoring === undefined
        ? decoded
        : { ...decoded, instances: withPages(decoded.modules, decoded.instances, restoring.slack) };
      const parts = () => ({
        pool: restoring && new InstancePool(plan, restoring),
        meter: meter ? new Meter({ limits, bytes: initial, elements: initialElements(decoded), allocates }) : undefined,
        strict,
      });
      return { plan, link: (host) => link(plan, modules, host, bytes, parts()) };
    };
    const room = code.restoring === undefined ? 0 : roomIn(decoded, code.restoring.slack);
    const first = await variant(code);
    // Made when it is first needed: few processes ever have so many isolates.
    const tight = room === 0
      ? undefined
      : once(async () => await variant(await prepareInTurns(bytes, decoded, { ...preparation, restore: false })));
    return loaded(first, { ...initialMemory(decoded), room }, tight);
  }
}

/** A component with its modules in one form. */
interface Variant {
  readonly plan: Plan;
  link(host: HostImports): LinkedPlan;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** What an isolate's memories have to grow in beyond what they declare, in bytes. */
function roomIn({ instances }: Plan, slack: SlackPlan): number {
  let pages = 0;
  for (const { elided, module } of instances) {
    const own = elided ? undefined : slack.get(module);
    if (own?.kind === "own") pages += own.real - own.declared;
  }
  return pages * 65_536;
}

/**
 * Skerry's own engine.
 *
 * @example
 * ```ts
 * import { nativeEngine } from "./mod.ts";
 *
 * const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
 * const component = await nativeEngine.load(empty, { name: "empty" });
 * console.assert(component.imports.length === 0 && component.exports.length === 0);
 * ```
 */
export const nativeEngine: Engine = createNativeEngine();

/** @param tight The component without room to grow in, for when there are many isolates. */
function loaded(
  { plan, link }: Variant,
  memory: MemoryNeed,
  tight: (() => Promise<Variant>) | undefined,
): LoadedComponent {
  return {
    ...described(plan),
    memory,
    // deno-lint-ignore require-await -- a refusal is a rejection
    async link(host: HostImports): Promise<LinkedComponent> {
      const linked = link(host);
      const make = makerOf(linked);
      const makeTight = tight && once(async () => makerOf((await tight()).link(host)));
      return {
        startsTasks: !linked.usesAsync,
        instantiate() {
          if (makeTight === undefined || maybeTask()?.memory?.tight !== true) return make();
          // Restored core instances take no memory that V8 does not hold already.
          if (linked.pool !== undefined && linked.pool.size > 0) return make();
          enterTask();
          return makeTight().then((make) => make());
        },
      };
    },
  };
}

/** What a component says of itself. */
function described({ exports, imports }: Plan): Pick<LoadedComponent, "imports" | "exports"> {
  return {
    imports: imports.map(({ name, functions }) => ({ name, functions: functions.map((f) => f.name) })),
    exports: [...exports].filter(([, item]) => item.kind === "instance").map(([name]) => name),
  };
}

function makerOf(linked: LinkedPlan): () => Isolate | Promise<Isolate> {
  const interfaces = interfacesOf(linked);
  const values = exportedValues(linked.plan.exports);
  const toHost = (isolate: NativeIsolate) => new HostIsolate(isolate, interfaces, linked, values);
  return function make() {
    const made = NativeIsolate.create(linked);
    return made instanceof Promise ? made.then(toHost) : toHost(made);
  };
}

/** The exported functions of each interface, by their names in JavaScript. */
type ExportedInterfaces = ReadonlyMap<InterfaceName, ReadonlyMap<string, ReturnType<LinkedPlan["exported"]>>>;

function interfacesOf(linked: LinkedPlan): ExportedInterfaces {
  const interfaces = new Map<InterfaceName, Map<string, ReturnType<LinkedPlan["exported"]>>>();
  const root = new Map<string, ExportItem>();
  for (const [name, item] of linked.plan.exports) {
    if (item.kind === "instance") interfaces.set(name, functionsOf(linked, item.items));
    else root.set(name, item);
  }
  if (root.size > 0) interfaces.set(ROOT, functionsOf(linked, root));
  return interfaces;
}

/** Functions have camelCase names; those of resources, their names in WIT: `[method]counter.next`. */
function functionsOf(
  linked: LinkedPlan,
  items: ReadonlyMap<string, ExportItem>,
): Map<string, ReturnType<LinkedPlan["exported"]>> {
  const functions = new Map<string, ReturnType<LinkedPlan["exported"]>>();
  for (const [name, item] of items) {
    if (item.kind !== "func") continue;
    const { kind, member } = parseFunctionName(name);
    functions.set(kind === "function" ? camelCase(member) : name, linked.exported(item.func));
  }
  return functions;
}

/** The values that a component exports, by interface and camelCase name; nothing if there are none. */
type ExportedValues = Readonly<Record<InterfaceName, Readonly<Record<string, ValueSlot>>>>;

function exportedValues(exports: LinkedPlan["plan"]["exports"]): ExportedValues | undefined {
  const found: Record<InterfaceName, Record<string, ValueSlot>> = {};
  const keep = (interfaceName: InterfaceName, name: string, item: ExportItem) => {
    if (item.kind === "value") (found[interfaceName] ??= {})[camelCase(name)] = item.value;
  };
  for (const [name, item] of exports) {
    if (item.kind !== "instance") keep(ROOT, name, item);
    else for (const [inner, value] of item.items) keep(name, inner, value);
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

/** An isolate as the host sees it. */
class HostIsolate implements Isolate {
  readonly #isolate: NativeIsolate;
  readonly #interfaces: ExportedInterfaces;
  readonly ended: Promise<void> | undefined;
  readonly values: Isolate["values"];
  #exports: Isolate["exports"] | undefined;

  constructor(
    isolate: NativeIsolate,
    interfaces: ExportedInterfaces,
    linked: LinkedPlan,
    values: ExportedValues | undefined,
  ) {
    this.#isolate = isolate;
    this.#interfaces = interfaces;
    this.ended = linked.usesAsync ? isolate.scheduler.ended : undefined;
    this.values = values && read(isolate, values, linked.values);
  }

  call(interfaceName: InterfaceName, name: string, args: readonly unknown[]): unknown {
    const call = this.#interfaces.get(interfaceName)?.get(name);
    if (call !== undefined) return call(this.#isolate, args);
    return Promise.reject(
      new SkerryError("component-no-handler", `calling ${interfaceName}#${name}: the component does not export it`),
    );
  }

  get exports(): Isolate["exports"] {
    return this.#exports ??= exportsOf(this.#isolate, this.#interfaces);
  }

  dispose(): void {
    this.#isolate.dispose();
  }
}

function read(
  isolate: NativeIsolate,
  slots: ExportedValues,
  given: LinkedPlan["values"],
): NonNullable<Isolate["values"]> {
  const values: Record<InterfaceName, Record<string, unknown>> = {};
  for (const [name, members] of Object.entries(slots)) {
    const made: Record<string, unknown> = values[name] = {};
    for (const [member, slot] of Object.entries(members)) made[member] = valueIn(isolate, slot, given);
  }
  return values;
}

// deno-lint-ignore require-await -- what it throws is a rejection
async function exportedCall(call: ReturnType<LinkedPlan["exported"]>, isolate: NativeIsolate, ...args: unknown[]) {
  return call(isolate, args);
}

function exportsOf(isolate: NativeIsolate, interfaces: ExportedInterfaces): Isolate["exports"] {
  const exports: Record<string, Record<string, ExportedFunction>> = Object.create(null);
  for (const [name, functions] of interfaces) {
    const made: Record<string, ExportedFunction> = exports[name] = Object.create(null);
    // Bound, for what a closure made here holds is not collected until all of memory is: everything of its request.
    for (const [name, call] of functions) made[name] = exportedCall.bind(null, call, isolate);
  }
  return exports;
}
