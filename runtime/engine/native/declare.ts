/**
 * Types of components and instances: whether what stands in them makes sense, and what is known of something by its type.
 *
 * @module
 */
import type { CoreModuleType, CoreTypeDef, Declaration, ExternType, ScopeTypeDef } from "../../component/mod.ts";
import { alias } from "./alias.ts";
import type { CoreEntity, CoreImport } from "./core_module.ts";
import { ExternNames, Visible } from "./visible.ts";
import { type InstanceItem, type Item, type ModuleItem, Scope, type TypeItem } from "./scope.ts";
import type { ResourceType } from "./types.ts";

/** What is known by its type alone. */
export interface Declared {
  readonly imports: ReadonlyMap<string, Item>;
  readonly exports: ReadonlyMap<string, Item>;
  /** The resource types that it introduces. */
  readonly resources: ReadonlyMap<string, ResourceType>;
  readonly refersToResources: boolean;
}

/** An import or export in a type. */
export type ExternDeclaration = Extract<Declaration, { kind: "import" | "export-decl" }>;

/** What a type of component or instance may take from elsewhere. */
const ALIASED: readonly string[] = ["type", "core type", "instance"];

/** Goes through a type. `extern` says what an import or export stands for from there on. */
export function goThrough(
  def: ScopeTypeDef,
  around: Scope,
  extern: (d: ExternDeclaration, scope: Scope) => Item,
): Scope {
  const scope = new Scope(around, around.loading, "type");
  for (const d of def.declarations) {
    scope.spend(1, d.offset);
    switch (d.kind) {
      case "core-type":
        addCoreType(d.type, scope, d.offset);
        break;
      case "type":
        if (d.type.kind !== "resource") scope.add("type", scope.define(d.type, d.offset));
        else scope.fail("resources can only be defined within a concrete component", d.offset);
        break;
      case "alias":
        if (!ALIASED.includes(d.sort)) scope.fail("aliases in a type may only refer to types or instances", d.offset);
        alias(d, scope, d.offset);
        break;
      default:
        scope.addItem(extern(d, scope));
    }
  }
  return scope;
}

/** A group of core types is as many as are in it. */
export function addCoreType(type: CoreTypeDef, scope: Scope, offset: number): void {
  // What a module type refers to has to be there, used or not.
  if (type.kind === "core-module-type") moduleShape(type, scope, offset);
  if (type.kind === "core-other") scope.spend(type.types, offset);
  for (let i = type.kind === "core-other" ? type.types : 1; i > 0; i--) scope.add("core type", type);
}

/**
 * What a type says that there will be.
 *
 * @param isNew whether it has not been checked before
 * @throws {SkerryError} `component-malformed`, with the offset.
 */
export function declareScope(def: ScopeTypeDef, around: Scope, isNew = false): Declared {
  const imports = new Map<string, Item>();
  const exports = new Map<string, Item>();
  const resources = new Map<string, ResourceType>();
  const names = isNew ? new ExternNames() : undefined;
  // What stands in an instance type must be visible where there is such an instance.
  const visible = isNew && def.kind === "component-type" ? new Visible() : undefined;
  const { refersToResources } = goThrough(def, around, (d, scope) => {
    const { name } = d.name;
    const item = declared(name, d.type, scope, d.offset);
    const kind = d.kind === "import" ? "import" : "export";
    names?.add(kind, name, item, scope, d.offset);
    visible?.add(kind, name, item, scope, d.offset);
    (d.kind === "import" ? imports : exports).set(name, item);
    if (d.type.kind === "type-resource" && item.sort === "type" && item.item.kind === "resource") {
      resources.set(name, item.item.resource);
    }
    return item;
  });
  return { imports, exports, resources, refersToResources };
}

/** Something of which nothing is known but its type. */
export function declared(name: string, type: ExternType, scope: Scope, offset: number): Item {
  switch (type.kind) {
    case "func": {
      const func = scope.func(type.type, offset);
      return {
        sort: "func",
        item: { func: { kind: "host", interface: undefined, name, type: func.type }, type: func },
      };
    }
    case "type-eq":
      return { sort: "type", item: { ...scope.get("type", type.type, offset) } };
    case "type-resource":
      return { sort: "type", item: resourceItem(scope.types.resource(name, undefined)) };
    case "instance":
      return { sort: "instance", item: instanceOf(scope.scopeType(type.type, "instance-type", offset)) };
    case "component": {
      const { def, scope: around } = scope.scopeType(type.type, "component-type", offset);
      return { sort: "component", item: { type: def, scope: around } };
    }
    case "core-module":
      return { sort: "core module", item: declaredModule(type.type, scope, offset) };
    case "value":
      return { sort: "value", item: scope.valueItem(type.type, {}, offset) };
    case "value-eq":
      return { sort: "value", item: scope.get("value", type.index, offset) };
  }
}

export function resourceItem(resource: ResourceType): TypeItem {
  return { kind: "resource", resource, refs: [], hasResource: true };
}

/** An instance of which mostly nothing is asked: it is gone through only then. */
export class DeclaredInstance implements InstanceItem {
  readonly #make: () => Declared;
  #made: Declared | undefined;

  constructor(make: () => Declared) {
    this.#make = make;
  }

  get declared(): Declared {
    return this.#made ??= this.#make();
  }

  get size(): number {
    return this.declared.exports.size;
  }

  get(name: string): Item | undefined {
    return this.declared.exports.get(name);
  }

  [Symbol.iterator](): Iterator<[string, Item]> {
    return this.declared.exports[Symbol.iterator]();
  }
}

export function instanceOf({ def, scope, spare }: TypeItem & { kind: "scope" }): DeclaredInstance {
  return new DeclaredInstance(() => {
    const made = spare.declared ?? declareScope(def, scope);
    spare.declared = undefined;
    return made;
  });
}

/** A core module that is known by its type. */
export function declaredModule(type: number, scope: Scope, offset: number): ModuleItem {
  const def = scope.get("core type", type, offset);
  if (def.kind !== "core-module-type") scope.fail(`core type index ${type} is not a module type`, offset);
  return { module: undefined, shape: moduleShape(def, scope, offset) };
}

function moduleShape(def: CoreModuleType, scope: Scope, offset: number): ModuleItem["shape"] {
  const types: CoreTypeDef[] = [];
  const imports: CoreImport[] = [];
  const exports = new Map<string, CoreEntity>();
  for (const d of def.declarations) {
    scope.spend(1, offset);
    if (d.kind === "type") {
      if (d.type.kind === "core-other") scope.spend(d.type.types, offset);
      for (let i = d.type.kind === "core-other" ? d.type.types : 1; i > 0; i--) types.push(d.type);
    } else if (d.kind === "alias") {
      const found = d.count === 0
        ? types[d.index] ?? scope.fail(`unknown core type ${d.index}: type index out of bounds`, offset)
        : scope.outer(d.count - 1, offset).get("core type", d.index, offset);
      types.push(found);
    } else {
      const type = d.type.kind === "func" ? types[d.type.type] : undefined;
      const entity = { kind: d.type.kind, type: d.type, func: type?.kind === "core-func" ? type : undefined };
      if (d.kind === "import") imports.push({ module: d.module, name: d.name, ...entity });
      else exports.set(d.name, entity);
    }
  }
  return { imports, exports };
}
