/**
 * Index spaces while a component is being worked out, and the types in them.
 *
 * @module
 */
import type {
  ComponentModel,
  CoreTypeDef,
  FuncTypeDef,
  ScopeTypeDef,
  Sort,
  TypeDef,
  ValType,
} from "../../component/mod.ts";
import { malformed } from "../../component/reader.ts";
import type { ValueItem, ValueSlot } from "./component_values.ts";
import type { CoreModuleShape } from "./core_module.ts";
import { type Declared, declareScope } from "./declare.ts";
import type { CoreItem, Func } from "./plan.ts";
import { type FuncType, MAX_STEPS, type ResourceType, type TypeTable, type ValueType } from "./types.ts";

/** A type as it stands in an index space: each import and each export of a type has one of its own. */
export type TypeItem =
  & {
    /** The types in it, as it refers to them. */
    readonly refs: readonly TypeItem[];
    /** Whether some resource type is in it that is not its own. */
    readonly hasResource: boolean;
  }
  & (
    | { readonly kind: "value"; readonly type: ValueType }
    | FuncTypeItem
    | { readonly kind: "resource"; readonly resource: ResourceType }
    | ScopeTypeItem
  );

export interface FuncTypeItem {
  readonly kind: "func";
  readonly type: FuncType;
  readonly refs: readonly TypeItem[];
  readonly hasResource: boolean;
  /** How the first parameter and the result are referred to, unless they are primitive. */
  readonly first: TypeItem | undefined;
  readonly result: TypeItem | undefined;
}

/** The type of an instance or a component: what stands in it makes sense, but is made anew for each. */
export interface ScopeTypeItem {
  readonly kind: "scope";
  readonly def: ScopeTypeDef;
  readonly scope: Scope;
  readonly refs: readonly TypeItem[];
  readonly hasResource: boolean;
  /** What was made when it was checked: the first to ask for an instance may have it. */
  readonly spare: { declared: Declared | undefined };
}

/** A function with its type as it was last stated. */
export interface FuncItem {
  readonly func: Func;
  readonly type: FuncTypeItem;
}

/** A component: one of the binary, or one that is known by its type alone. Both keep the scope they were written in. */
export type ComponentItem =
  | { readonly model: ComponentModel; readonly scope: Scope }
  | { readonly type: ScopeTypeDef; readonly scope: Scope };

/** A core module; one that is known by its type alone has no index. */
export interface ModuleItem {
  readonly module: number | undefined;
  readonly shape: Pick<CoreModuleShape, "imports" | "exports">;
}

/** Definitions by sort. */
export interface Items {
  "core func": CoreItem;
  "core table": CoreItem;
  "core memory": CoreItem;
  "core global": CoreItem;
  "core tag": CoreItem;
  "core type": CoreTypeDef;
  "core module": ModuleItem;
  "core instance": CoreInstanceItem;
  func: FuncItem;
  value: TypedValue;
  type: TypeItem;
  component: ComponentItem;
  instance: InstanceItem;
}

export type Item = { [S in Sort]: { readonly sort: S; readonly item: Items[S] } }[Sort];

/** A value, with how its type is referred to. */
export interface TypedValue extends ValueItem {
  readonly refs: readonly TypeItem[];
}

/** A core instance: its exports, or a function to find them. */
export interface CoreInstanceItem {
  get(name: string): CoreItem | undefined;
}

/** An instance: its exports, by name. */
export interface InstanceItem {
  readonly size: number;
  get(name: string): Item | undefined;
  [Symbol.iterator](): Iterator<[string, Item]>;
}

/** What all scopes of a component have in common. */
export interface Loading {
  /** What is being loaded, for messages. */
  readonly name: string;
  readonly types: TypeTable;
  /** What a component would export, given `args`. */
  tryInstance(component: ComponentItem, args: InstanceItem, offset: number): InstanceItem;
  unsupported(what: string, offset: number): never;
}

const MAP_KEYS: ReadonlySet<string> = new Set(
  ["bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "char", "string"],
);

/** The index spaces of one component instance, or of one component or instance type. */
export class Scope {
  readonly parent: Scope | undefined;
  readonly loading: Loading;
  readonly types: TypeTable;
  readonly #isType: boolean;
  /** Most scopes are of types, and have few sorts. */
  readonly #spaces: { [S in Sort]?: unknown[] } = {};
  /** Values that are still to be used, by their indices. */
  readonly #unused = new Set<number>();
  /** Of a type: whether it refers to resource types around it. */
  refersToResources = false;

  constructor(parent: Scope | undefined, loading: Loading, kind: "component" | "type") {
    this.parent = parent;
    this.loading = loading;
    this.types = loading.types;
    this.#isType = kind === "type";
  }

  #space(sort: Sort): unknown[] {
    return this.#spaces[sort] ??= [];
  }

  add<S extends Sort>(sort: S, item: Items[S]): void {
    const count = this.#space(sort).push(item);
    if (sort === "value") this.#unused.add(count - 1);
  }

  addItem(item: Item): void {
    this.add(item.sort, item.item);
  }

  /** Something that is exported or given away: of a value, that is the one use that there has to be. */
  use(sort: Sort, index: number, offset: number): Item {
    const item = this.item(sort, index, offset);
    if (sort === "value" && !this.#unused.delete(index)) {
      this.fail(`value ${index} cannot be used more than once`, offset);
    }
    return item;
  }

  /** What is used already, as it is added. */
  addUsed(item: Item): void {
    this.addItem(item);
    if (item.sort === "value") this.#unused.delete(this.#space("value").length - 1);
  }

  /** Fails if a value has been used by nobody. */
  finish(offset: number): void {
    const [index] = this.#unused;
    if (index === undefined) return;
    this.fail(`value ${index} was not used as part of an instantiation, start function, or export`, offset);
  }

  valueItem(type: ValType, slot: ValueSlot, offset: number): TypedValue {
    const refs: TypeItem[] = [];
    return { type: this.value(type, offset, refs), refs, slot };
  }

  get<S extends Sort>(sort: S, index: number, offset: number): Items[S] {
    const item = this.#spaces[sort]?.[index];
    if (item === undefined) this.fail(`unknown ${sort} ${index}: ${sort} index out of bounds`, offset);
    return item as Items[S];
  }

  item(sort: Sort, index: number, offset: number): Item {
    return { sort, item: this.get(sort, index, offset) } as Item;
  }

  /** The scope that many steps outwards. */
  outer(count: number, offset: number): Scope {
    let scope: Scope | undefined = this as Scope;
    for (let i = count; i > 0 && scope !== undefined; i--) scope = scope.parent;
    return scope ?? this.fail(`invalid outer alias count of ${count}`, offset);
  }

  /** A type from so many steps outwards: into a component, no resource comes that was not given to it. */
  outerType(count: number, index: number, offset: number): TypeItem {
    const item = this.outer(count, offset).get("type", index, offset);
    if (!item.hasResource) return item;
    for (let scope = this as Scope, i = count; i > 0; scope = scope.parent!, i--) {
      if (!scope.#isType) {
        this.fail(`type index ${index} outside of the component transitively refers to resources`, offset);
      }
      scope.refersToResources = true;
    }
    return item;
  }

  fail(what: string, offset: number): never {
    throw malformed(this.loading.name, what, offset);
  }

  /** Counts steps of working the component out. */
  spend(steps: number, offset: number): void {
    if (!this.types.spend(steps)) this.fail(`working it out takes more than ${MAX_STEPS} steps`, offset);
  }

  /** The type of a value where it is used; what it refers to is added to `refs`. */
  value(type: ValType, offset: number, refs?: TypeItem[]): ValueType {
    if (typeof type === "string") return this.types.intern({ kind: type });
    const item = this.get("type", type, offset);
    if (item.kind !== "value") this.fail(`type index ${type} is not a defined type`, offset);
    refs?.push(item);
    return item.type;
  }

  optional(type: ValType | undefined, offset: number, refs?: TypeItem[]): ValueType | undefined {
    return type === undefined ? undefined : this.value(type, offset, refs);
  }

  func(index: number, offset: number): FuncTypeItem {
    const item = this.get("type", index, offset);
    if (item.kind !== "func") this.fail(`type index ${index} is not a function type`, offset);
    return item;
  }

  resource(index: number, offset: number): ResourceType {
    return this.#resource(index, offset).resource;
  }

  #resource(index: number, offset: number): TypeItem & { kind: "resource" } {
    const item = this.get("type", index, offset);
    if (item.kind !== "resource") this.fail(`type index ${index} is not a resource type`, offset);
    return item;
  }

  /** The type of an instance or a component. */
  scopeType(index: number, kind: ScopeTypeDef["kind"], offset: number): ScopeTypeItem {
    const item = this.get("type", index, offset);
    if (item.kind !== "scope" || item.def.kind !== kind) {
      this.fail(`type index ${index} is not ${kind === "instance-type" ? "an instance" : "a component"} type`, offset);
    }
    return item;
  }

  /** Makes a type of its definition; resource types are made by whoever makes their instance. */
  define(def: Exclude<TypeDef, { kind: "resource" }>, offset: number): TypeItem {
    this.spend(members(def), offset);
    switch (def.kind) {
      case "func":
        return this.#funcType(def, offset);
      case "component-type":
      case "instance-type": {
        const declared = declareScope(def, this, true);
        const hasResource = declared.refersToResources;
        return { kind: "scope", def, scope: this, refs: [], hasResource, spare: { declared } };
      }
      default: {
        const refs: TypeItem[] = [];
        try {
          const type = this.types.intern(this.#shape(def, offset, refs));
          return { kind: "value", type, refs, hasResource: refs.some((ref) => ref.hasResource) };
        } catch (error) {
          return error instanceof RangeError ? this.fail(error.message, offset) : raise(error);
        }
      }
    }
  }

  #funcType(def: FuncTypeDef, offset: number): FuncTypeItem {
    const refs: TypeItem[] = [];
    const params = def.params.map((p) => ({ name: p.name, type: this.value(p.type, offset, refs) }));
    const first = typeof def.params[0]?.type === "number" ? refs[0] : undefined;
    const result = this.optional(def.result, offset, refs);
    if (result?.hasBorrow) this.fail("function result cannot contain a `borrow` type", offset);
    return {
      kind: "func",
      type: { async: def.async, params, result },
      refs,
      hasResource: refs.some((ref) => ref.hasResource),
      first,
      result: typeof def.result === "number" ? refs.at(-1) : undefined,
    };
  }

  #shape(
    def: Exclude<TypeDef, { kind: "resource" | "func" | "component-type" | "instance-type" }>,
    offset: number,
    refs: TypeItem[],
  ): Parameters<TypeTable["intern"]>[0] {
    switch (def.kind) {
      case "prim":
        return { kind: def.prim };
      case "record":
        return {
          kind: "record",
          fields: def.fields.map((f) => ({ name: f.name, type: this.value(f.type, offset, refs) })),
        };
      case "variant":
        return {
          kind: "variant",
          cases: def.cases.map((c) => ({ name: c.name, type: this.optional(c.type, offset, refs) })),
        };
      case "list":
        return { kind: "list", element: this.value(def.element, offset, refs), length: def.length };
      case "tuple":
        return { kind: "tuple", types: def.types.map((t) => this.value(t, offset, refs)) };
      case "flags":
      case "enum":
        return { kind: def.kind, labels: def.labels };
      case "option":
        return { kind: "option", type: this.value(def.type, offset, refs) };
      case "result":
        return { kind: "result", ok: this.optional(def.ok, offset, refs), err: this.optional(def.err, offset, refs) };
      case "own":
      case "borrow": {
        const item = this.#resource(def.resource, offset);
        refs.push(item);
        return { kind: def.kind, resource: item.resource };
      }
      case "stream":
      case "future": {
        const element = this.optional(def.element, offset, refs);
        if (element?.hasBorrow) this.fail(`${def.kind} cannot contain a \`borrow\` type`, offset);
        if (def.kind === "stream" && element?.kind === "char") this.fail("`stream<char>` is not valid", offset);
        return { kind: def.kind, element };
      }
      case "map": {
        const key = this.value(def.key, offset, refs);
        if (!MAP_KEYS.has(key.kind)) this.fail(`a map cannot have keys of type ${key.kind}`, offset);
        return { kind: "map", key, value: this.value(def.value, offset, refs) };
      }
    }
  }
}

function members(def: TypeDef): number {
  switch (def.kind) {
    case "record":
      return def.fields.length;
    case "variant":
      return def.cases.length;
    case "tuple":
      return def.types.length;
    case "flags":
    case "enum":
      return def.labels.length;
    case "func":
      return def.params.length;
    default:
      return 0;
  }
}

function raise(error: unknown): never {
  throw error;
}
