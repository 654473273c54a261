/**
 * Index spaces while a component is being worked out, and the types in them.
 *
 * @module
 */
import type { AliasDef, CoreTypeDef, FuncTypeDef, ScopeTypeDef, Sort, TypeDef, ValType } from "../../component/mod.ts";
import { malformed } from "../../component/reader.ts";
import type { ComponentModel } from "../../component/mod.ts";
import { declare } from "./declare.ts";
import type { CoreItem, Func } from "./plan.ts";
import { type FuncType, MAX_STEPS, type ResourceType, type TypeTable, type ValueType } from "./types.ts";

export type TypeItem =
  | { readonly kind: "value"; readonly type: ValueType }
  | { readonly kind: "func"; readonly type: FuncType }
  | { readonly kind: "resource"; readonly resource: ResourceType }
  | { readonly kind: "scope"; readonly def: ScopeTypeDef; readonly scope: Scope };

/** Definitions by sort. A component and a type of component or instance keep the scope that they were written in. */
export interface Items {
  "core func": CoreItem;
  "core table": CoreItem;
  "core memory": CoreItem;
  "core global": CoreItem;
  "core tag": CoreItem;
  "core type": CoreTypeDef;
  "core module": { readonly module: number };
  "core instance": CoreInstanceItem;
  func: Func;
  value: never;
  type: TypeItem;
  component: { readonly model: ComponentModel; readonly scope: Scope };
  instance: InstanceItem;
}

export type Item = { [S in Sort]: { readonly sort: S; readonly item: Items[S] } }[Sort];

/** A core instance: its exports, or a function to find them. */
export interface CoreInstanceItem {
  get(name: string): CoreItem | undefined;
}

export type InstanceItem = ReadonlyMap<string, Item>;

const SORTS: readonly Sort[] = [
  "core func",
  "core table",
  "core memory",
  "core global",
  "core tag",
  "core type",
  "core module",
  "core instance",
  "func",
  "value",
  "type",
  "component",
  "instance",
];

/** The index spaces of one component instance, or of one component or instance type. */
export class Scope {
  readonly parent: Scope | undefined;
  /** What is being loaded, for messages. */
  readonly name: string;
  readonly types: TypeTable;
  readonly #spaces: Record<Sort, Item["item"][]>;

  constructor(parent: Scope | undefined, name: string, types: TypeTable) {
    this.parent = parent;
    this.name = name;
    this.types = types;
    this.#spaces = Object.fromEntries(SORTS.map((sort) => [sort, []])) as unknown as Record<Sort, Item["item"][]>;
  }

  add<S extends Sort>(sort: S, item: Items[S]): void {
    this.#spaces[sort].push(item as Item["item"]);
  }

  addItem(item: Item): void {
    this.#spaces[item.sort].push(item.item);
  }

  get<S extends Sort>(sort: S, index: number, offset: number): Items[S] {
    const item = this.#spaces[sort][index];
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

  fail(what: string, offset: number): never {
    throw malformed(this.name, what, offset);
  }

  /** Counts steps of working the component out. */
  spend(steps: number, offset: number): void {
    if (!this.types.spend(steps)) this.fail(`working it out takes more than ${MAX_STEPS} steps`, offset);
  }

  /** The type of a value where it is used. */
  value(type: ValType, offset: number): ValueType {
    if (typeof type === "string") return this.types.intern({ kind: type });
    const item = this.get("type", type, offset);
    if (item.kind !== "value") this.fail(`type index ${type} is not a defined type`, offset);
    return item.type;
  }

  optional(type: ValType | undefined, offset: number): ValueType | undefined {
    return type === undefined ? undefined : this.value(type, offset);
  }

  func(index: number, offset: number): FuncType {
    const item = this.get("type", index, offset);
    if (item.kind !== "func") this.fail(`type index ${index} is not a function type`, offset);
    return item.type;
  }

  resource(index: number, offset: number): ResourceType {
    const item = this.get("type", index, offset);
    if (item.kind !== "resource") this.fail(`type index ${index} is not a resource type`, offset);
    return item.resource;
  }

  /** Makes a type of its definition; resource types are made by whoever makes their instance. */
  define(def: Exclude<TypeDef, { kind: "resource" }>, offset: number): TypeItem {
    switch (def.kind) {
      case "func":
        return { kind: "func", type: this.#funcType(def, offset) };
      case "component-type":
      case "instance-type":
        declare(def, this);
        return { kind: "scope", def, scope: this };
      default:
        try {
          return { kind: "value", type: this.types.intern(this.#shape(def, offset)) };
        } catch (error) {
          return error instanceof RangeError ? this.fail(error.message, offset) : raise(error);
        }
    }
  }

  #funcType(def: FuncTypeDef, offset: number): FuncType {
    const result = this.optional(def.result, offset);
    if (result?.hasBorrow) this.fail("function result cannot contain a `borrow` type", offset);
    return {
      async: def.async,
      params: def.params.map((p) => ({ name: p.name, type: this.value(p.type, offset) })),
      result,
    };
  }

  #shape(
    def: Exclude<TypeDef, { kind: "resource" | "func" | "component-type" | "instance-type" }>,
    offset: number,
  ): Parameters<TypeTable["intern"]>[0] {
    switch (def.kind) {
      case "prim":
        return { kind: def.prim };
      case "record":
        return {
          kind: "record",
          fields: def.fields.map((f) => ({ name: f.name, type: this.value(f.type, offset) })),
        };
      case "variant":
        return {
          kind: "variant",
          cases: def.cases.map((c) => ({ name: c.name, type: this.optional(c.type, offset) })),
        };
      case "list":
        return { kind: "list", element: this.value(def.element, offset), length: def.length };
      case "tuple":
        return { kind: "tuple", types: def.types.map((t) => this.value(t, offset)) };
      case "flags":
      case "enum":
        return { kind: def.kind, labels: def.labels };
      case "option":
        return { kind: "option", type: this.value(def.type, offset) };
      case "result":
        return { kind: "result", ok: this.optional(def.ok, offset), err: this.optional(def.err, offset) };
      case "own":
      case "borrow":
        return { kind: def.kind, resource: this.resource(def.resource, offset) };
      case "stream":
      case "future": {
        const element = this.optional(def.element, offset);
        if (element?.hasBorrow) this.fail(`${def.kind} cannot contain a \`borrow\` type`, offset);
        if (def.kind === "stream" && element?.kind === "char") this.fail("`stream<char>` is not valid", offset);
        return { kind: def.kind, element };
      }
      case "map":
        return { kind: "map", key: this.value(def.key, offset), value: this.value(def.value, offset) };
    }
  }
}

/** Adds what an alias stands for. */
export function alias(d: AliasDef, scope: Scope, offset: number): void {
  const { sort, target } = d;
  switch (target.kind) {
    case "outer":
      if (sort !== "type" && sort !== "core type" && sort !== "component" && sort !== "core module") {
        scope.fail(`a ${sort} cannot be aliased from outside`, offset);
      }
      return scope.addItem(scope.outer(target.count, offset).item(sort, target.index, offset));
    case "core-export": {
      const item = scope.get("core instance", target.instance, offset).get(target.name);
      if (item === undefined || `core ${item.sort}` !== sort) {
        scope.fail(
          `core instance ${target.instance} has no ${sort} export named ${JSON.stringify(target.name)}`,
          offset,
        );
      }
      return scope.addItem({ sort, item } as Item);
    }
    case "export": {
      const item = scope.get("instance", target.instance, offset).get(target.name);
      if (item === undefined || item.sort !== sort) {
        scope.fail(`instance ${target.instance} has no ${sort} export named ${JSON.stringify(target.name)}`, offset);
      }
      return scope.addItem(item);
    }
  }
}

function raise(error: unknown): never {
  throw error;
}
