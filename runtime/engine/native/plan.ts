/**
 * What has been worked out of a component when it is loaded: everything about its instances that is the same each time.
 *
 * @module
 */
import type { Canon, CanonOptions } from "../../component/mod.ts";
import type { ComponentStart, ValueSlot } from "./component_values.ts";
import type { CoreKind, CoreModuleShape } from "./core_module.ts";
import type { FuncType, ResourceType, ValueType } from "./types.ts";

/** A core definition: what a core instance will export, or a function that the engine makes. */
export type CoreItem =
  | { readonly kind: "export"; readonly instance: number; readonly name: string; readonly sort: CoreKind }
  | { readonly kind: "synth"; readonly index: number; readonly sort: "func" };

export interface CoreModulePlan {
  readonly start: number;
  readonly end: number;
  readonly shape: CoreModuleShape;
}

/** One instantiation of a core module. */
export interface CoreInstancePlan {
  readonly module: number;
  /** By the two names of an import. */
  readonly imports: ReadonlyMap<string, ReadonlyMap<string, CoreItem>>;
  /** The component instance that it belongs to. */
  readonly owner: number;
  /** Nothing needs it: it is not made. */
  readonly elided?: boolean;
  /** A function to call instead of making it. */
  readonly start?: CoreItem;
}

/** Canonical options with their indices resolved. */
export interface OptionsPlan {
  readonly encoding: CanonOptions["encoding"];
  readonly async: boolean;
  /** Index into {@linkcode Plan.contexts}. */
  readonly cx: number;
  readonly memory: CoreItem | undefined;
  /** Whether that memory is addressed by 64 bits. */
  readonly wide: boolean;
  readonly postReturn: CoreItem | undefined;
  readonly callback: CoreItem | undefined;
}

/** A memory with an allocator, as one component instance uses them. */
export interface ContextPlan {
  readonly owner: number;
  readonly memory: CoreItem | undefined;
  readonly realloc: CoreItem | undefined;
}

export interface HostFunc {
  readonly kind: "host";
  /** The import's name; `undefined` for a function that is imported by itself. */
  interface: string | undefined;
  readonly name: string;
  readonly type: FuncType;
}

export interface LiftedFunc {
  readonly kind: "lift";
  readonly index: number;
  readonly core: CoreItem;
  readonly options: OptionsPlan;
  readonly type: FuncType;
  readonly owner: number;
  /** For messages. */
  name: string;
}

export type Func = HostFunc | LiftedFunc;

/** A function that the engine makes for core code to call. */
export type Synth =
  & { readonly owner: number }
  & (
    | { readonly kind: "lower"; readonly func: Func; readonly options: OptionsPlan }
    | { readonly kind: "resource.new" | "resource.drop" | "resource.rep"; readonly resource: ResourceType }
    | { readonly kind: "task.return"; readonly result: ValueType | undefined; readonly options: OptionsPlan }
    | {
      readonly kind: "stream" | "future";
      readonly op: "new" | "read" | "write" | "cancel-read" | "cancel-write" | "drop-readable" | "drop-writable";
      readonly type: ValueType;
      readonly options: OptionsPlan | undefined;
      readonly async: boolean;
    }
    | { readonly kind: "error-context.new" | "error-context.debug-message"; readonly options: OptionsPlan }
    | {
      readonly kind: "waitable-set.wait" | "waitable-set.poll";
      readonly cancellable: boolean;
      /** A context with the memory alone. */
      readonly cx: number;
      readonly wide: boolean;
    }
    | {
      readonly kind: "thread.new-indirect";
      readonly table: CoreItem;
      readonly wideTable: boolean;
      readonly type: "i32" | "i64";
    }
    /** Calls a function of the component level as an instance starts. */
    | ({ readonly kind: "start" } & ComponentStart)
    /** Calls an allocator of a 64-bit memory with numbers. */
    | { readonly kind: "wide-realloc"; readonly target: CoreItem }
    /** Calls a function of a core instance that is made when it is needed. */
    | { readonly kind: "late"; readonly target: CoreItem & { readonly kind: "export" } }
    | { readonly kind: "builtin"; readonly canon: Canon }
  );

export interface Destructor {
  readonly core: CoreItem;
  readonly owner: number;
}

/** What the component exports. */
export type ExportItem =
  | { readonly kind: "func"; readonly func: Func }
  /** By its index in {@linkcode Plan.modules}. */
  | { readonly kind: "module"; readonly module: number }
  | { readonly kind: "resource"; readonly resource: ResourceType }
  | { readonly kind: "value"; readonly value: ValueSlot }
  | { readonly kind: "instance"; readonly items: ReadonlyMap<string, ExportItem> };

/** What an imported interface must have. */
export interface ImportPlan {
  readonly name: string;
  readonly kind: "instance" | "func" | "part";
  readonly functions: HostFunc[];
  /** Resource types that the import introduces, by their WIT names. */
  readonly resources: Map<string, ResourceType>;
  /** Resource types of which it says which ones they are: the host need not give them again, but no other ones. */
  readonly same: Map<string, ResourceType>;
  /** Instances in an instance, by what they are called in the host's object. */
  readonly instances: Map<string, ImportPlan>;
  /** Core modules and components, by what they are called there: see `parts.ts`. */
  readonly parts: Map<string, "core module" | "component">;
  /** Values, by what they are called there. */
  readonly values: Map<string, ValueSlot>;
}

export interface Plan {
  readonly name: string;
  readonly modules: readonly CoreModulePlan[];
  readonly instances: readonly CoreInstancePlan[];
  /** The parent of each component instance. */
  readonly owners: readonly (number | undefined)[];
  readonly contexts: readonly ContextPlan[];
  readonly synths: readonly Synth[];
  readonly lifts: readonly LiftedFunc[];
  readonly destructors: ReadonlyMap<ResourceType, Destructor>;
  readonly imports: readonly ImportPlan[];
  readonly exports: ReadonlyMap<string, ExportItem>;
}

/** Whether two names stand for the same core definition. */
export function sameItem(a: CoreItem | undefined, b: CoreItem | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === "synth") return b.kind === "synth" && a.index === b.index;
  if (b.kind === "synth") return false;
  return a.instance === b.instance && a.name === b.name;
}
