/**
 * What a component takes and gives, and what made it, for people and for matching imports with grants.
 *
 * @module
 */
import { binaryKind, decodeComponent } from "./decode.ts";
import type {
  AliasDef,
  ComponentModel,
  Declaration,
  Definition,
  ExternType,
  InstanceDef,
  Sort,
  TypeDef,
} from "./model.ts";
import { malformed } from "./reader.ts";
import { coreProducers, type Producers, producersOf } from "./producers.ts";

/** A function of an interface, by its WIT name: `get-stdout`, `[method]pollable.block`. */
export interface FunctionDescription {
  readonly name: string;
  readonly async: boolean;
}

/** An import or export of a component. */
export interface ExternDescription {
  /** `wasi:io/poll@0.2.3`, or a plain name. */
  readonly name: string;
  readonly sort:
    | "instance"
    | "func"
    | "type"
    | "component"
    | "core module"
    | "value";
  /** Of an instance: its functions. Of a function: itself. */
  readonly functions: readonly FunctionDescription[];
  /** The resources that an instance introduces. */
  readonly resources: readonly string[];
}

export interface ComponentDescription {
  readonly kind: "component" | "core-module";
  /** The size of the binary. */
  readonly bytes: number;
  readonly imports: readonly ExternDescription[];
  readonly exports: readonly ExternDescription[];
  readonly producers: Producers;
}

/**
 * Describes a component, or says that the bytes are a core module.
 *
 * @throws {SkerryError} `component-malformed`
 *
 * @example
 * ```ts
 * import { describeComponent } from "./describe.ts";
 *
 * const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
 * const { kind, imports } = describeComponent(empty);
 * console.assert(kind === "component" && imports.length === 0);
 * ```
 */
export function describeComponent(
  bytes: Uint8Array,
  name = "component",
): ComponentDescription {
  if (binaryKind(bytes) === "core-module") {
    return {
      kind: "core-module",
      bytes: bytes.length,
      imports: [],
      exports: [],
      producers: coreProducers(bytes),
    };
  }
  const model = decodeComponent(bytes, name);
  return {
    kind: "component",
    bytes: bytes.length,
    ...describeModel(model, name),
    producers: producersOf(bytes, model),
  };
}

/** The imports and exports of a decoded component. */
export function describeModel(
  model: ComponentModel,
  name = "component",
): Pick<ComponentDescription, "imports" | "exports"> {
  const shape = new Scope(undefined, name).component(model);
  return {
    imports: [...shape.imports].map(([name, item]) => describe(name, item)),
    exports: [...shape.exports].map(([name, item]) => describe(name, item)),
  };
}

function describe(name: string, item: Item): ExternDescription {
  const { sort } = item;
  if (sort === "func") return { name, sort, functions: [{ name, async: item.async }], resources: [] };
  return { name, sort, ...(sort === "instance" ? membersOf(item.exports) : { functions: [], resources: [] }) };
}

type Members = Pick<ExternDescription, "functions" | "resources">;

/** Instances of one type share what they have: a small binary can have many of a large one. */
const members = new WeakMap<Shape, Members>();

function membersOf(shape: Shape): Members {
  const before = members.get(shape);
  if (before !== undefined) return before;
  const functions: FunctionDescription[] = [];
  const resources: string[] = [];
  for (const [name, item] of shape) {
    if (item.sort === "func") functions.push({ name, async: item.async });
    else if (item.sort === "type" && item.fresh) resources.push(name);
  }
  members.set(shape, { functions, resources });
  return { functions, resources };
}

/** As much of a definition as describing needs. */
type Item =
  | { readonly sort: "func"; readonly async: boolean }
  | { readonly sort: "type"; readonly type: TypeShape; readonly fresh: boolean }
  | { readonly sort: "instance"; readonly exports: Shape }
  | {
    readonly sort: "component";
    readonly imports: Shape;
    readonly exports: Shape;
  }
  | { readonly sort: "core module" }
  | { readonly sort: "value" };

type Shape = ReadonlyMap<string, Item>;

type TypeShape =
  | { readonly kind: "func"; readonly async: boolean }
  | { readonly kind: "instance"; readonly exports: Shape }
  | {
    readonly kind: "component";
    readonly imports: Shape;
    readonly exports: Shape;
  }
  | { readonly kind: "other" };

type ItemOf<S extends Item["sort"]> = Extract<Item, { sort: S }>;

/** The index spaces of a component or of a component or instance type. */
class Scope {
  readonly #parent: Scope | undefined;
  readonly #name: string;
  readonly #spaces: { [S in Item["sort"]]: ItemOf<S>[] } = {
    func: [],
    type: [],
    instance: [],
    component: [],
    "core module": [],
    value: [],
  };
  readonly #imports = new Map<string, Item>();
  readonly #exports = new Map<string, Item>();

  constructor(parent: Scope | undefined, name: string) {
    this.#parent = parent;
    this.#name = name;
  }

  component(model: ComponentModel): { imports: Shape; exports: Shape } {
    for (const definition of model.definitions) this.#define(definition);
    return { imports: this.#imports, exports: this.#exports };
  }

  declarations(declarations: readonly Declaration[]): {
    imports: Shape;
    exports: Shape;
  } {
    for (const declaration of declarations) {
      if (declaration.kind === "export-decl") {
        const item = this.#extern(declaration.type, declaration.offset);
        this.#add(item);
        this.#exports.set(declaration.name.name, item);
      } else this.#define(declaration);
    }
    return { imports: this.#imports, exports: this.#exports };
  }

  #define(d: Definition | Exclude<Declaration, { kind: "export-decl" }>): void {
    const offset = d.offset;
    switch (d.kind) {
      case "core-module":
        return this.#add({ sort: "core module" });
      case "component":
        return this.#add({
          sort: "component",
          ...new Scope(this, this.#name).component(d.component),
        });
      case "type":
        return this.#add({
          sort: "type",
          type: this.#type(d.type),
          fresh: d.type.kind === "resource",
        });
      case "canon":
        if (d.canon.kind === "lift") {
          this.#add(this.#func(d.canon.type, offset));
        }
        return;
      case "instance":
        return this.#add({
          sort: "instance",
          exports: this.#instance(d, offset),
        });
      case "alias":
        return this.#alias(d, offset);
      case "import": {
        const item = this.#extern(d.type, offset);
        this.#imports.set(d.name.name, item);
        return this.#add(item);
      }
      case "export": {
        const item = d.type === undefined ? this.#get(d.sort, d.index, offset) : this.#extern(d.type, offset);
        if (item === undefined) return;
        this.#exports.set(d.name.name, item);
        return this.#add(item);
      }
    }
  }

  #type(type: TypeDef): TypeShape {
    switch (type.kind) {
      case "func":
        return { kind: "func", async: type.async };
      case "instance-type":
      case "component-type": {
        const scope = new Scope(this, this.#name);
        const shape = scope.declarations(type.declarations);
        return type.kind === "instance-type"
          ? { kind: "instance", exports: shape.exports }
          : { kind: "component", ...shape };
      }
      default:
        return { kind: "other" };
    }
  }

  #instance(d: InstanceDef, offset: number): Shape {
    if (d.component !== undefined) {
      const of = this.#get("component", d.component, offset);
      return of?.sort === "component" ? of.exports : new Map();
    }
    const exports = new Map<string, Item>();
    for (const { name, sort, index } of d.exports) {
      const item = this.#get(sort, index, offset);
      if (item !== undefined) exports.set(name.name, item);
    }
    return exports;
  }

  #alias(d: AliasDef, offset: number): void {
    if (d.target.kind === "outer") {
      let scope: Scope | undefined = this as Scope;
      for (let i = d.target.count; i > 0 && scope !== undefined; i--) {
        scope = scope.#parent;
      }
      if (scope === undefined) {
        throw malformed(this.#name, "invalid outer alias count", offset);
      }
      const item = scope.#get(d.sort, d.target.index, offset);
      if (item !== undefined) this.#add(item);
    } else if (d.target.kind === "export") {
      const instance = this.#get("instance", d.target.instance, offset);
      const item = instance?.sort === "instance" ? instance.exports.get(d.target.name) : undefined;
      if (item === undefined || item.sort !== plainSort(d.sort)) {
        throw malformed(
          this.#name,
          `instance ${d.target.instance} has no ${d.sort} named ${JSON.stringify(d.target.name)}`,
          offset,
        );
      }
      this.#add(item);
    }
  }

  #extern(type: ExternType, offset: number): Item {
    switch (type.kind) {
      case "func":
        return this.#func(type.type, offset);
      case "type-resource":
        return { sort: "type", type: { kind: "other" }, fresh: true };
      case "type-eq": {
        const item = this.#typeAt(type.type, offset);
        return { sort: "type", type: item, fresh: false };
      }
      case "instance": {
        const shape = this.#typeAt(type.type, offset);
        if (shape.kind !== "instance") {
          throw malformed(
            this.#name,
            `type ${type.type} is not an instance type`,
            offset,
          );
        }
        return { sort: "instance", exports: shape.exports };
      }
      case "component": {
        const shape = this.#typeAt(type.type, offset);
        if (shape.kind !== "component") {
          throw malformed(
            this.#name,
            `type ${type.type} is not a component type`,
            offset,
          );
        }
        return {
          sort: "component",
          imports: shape.imports,
          exports: shape.exports,
        };
      }
      case "core-module":
        return { sort: "core module" };
      case "value":
      case "value-eq":
        return { sort: "value" };
    }
  }

  #func(type: number, offset: number): Item {
    const shape = this.#typeAt(type, offset);
    if (shape.kind !== "func") {
      throw malformed(
        this.#name,
        `type ${type} is not a function type`,
        offset,
      );
    }
    return { sort: "func", async: shape.async };
  }

  #typeAt(index: number, offset: number): TypeShape {
    const item = this.#get("type", index, offset);
    return item?.sort === "type" ? item.type : { kind: "other" };
  }

  #add(item: Item): void {
    (this.#spaces[item.sort] as Item[]).push(item);
  }

  /** The definition at an index; `undefined` for sorts that are not described. */
  #get(sort: Sort, index: number, offset: number): Item | undefined {
    const plain = plainSort(sort);
    if (plain === undefined) return undefined;
    const item = this.#spaces[plain][index];
    if (item === undefined) {
      throw malformed(
        this.#name,
        `unknown ${sort} ${index}: index out of bounds`,
        offset,
      );
    }
    return item;
  }
}

function plainSort(sort: Sort): Item["sort"] | undefined {
  return sort === "core module" || !sort.startsWith("core ") ? sort as Item["sort"] : undefined;
}
