/**
 * Works a component out: resolves every index, instantiates nested components, and writes down what is left to do for
 * each isolate. All of a component's linking is known before it runs, but for what the host gives it.
 *
 * @module
 */
import type { ComponentModel, CoreInstanceDef, Definition, ImportDef, InstanceDef } from "../../component/mod.ts";
import { SkerryError } from "../../errors.ts";
import { Canons } from "./canons.ts";
import { coreDifference } from "./core_match.ts";
import { coreModuleShape } from "./core_module.ts";
import { HostImports } from "./host_imports.ts";
import type { CoreInstancePlan, CoreItem, CoreModulePlan, Destructor, ExportItem, Plan } from "./plan.ts";
import { checkMatches } from "./match.ts";
import { alias, type CoreInstanceItem, type InstanceItem, type Item, Scope } from "./scope.ts";
import { checkSynth } from "./signatures.ts";
import { type ResourceType, TypeTable } from "./types.ts";

/** Instances in one component: nested ones multiply, so that a small binary could ask for any number. */
export const MAX_INSTANCES = 1000;

/** Works out a decoded component. */
export function elaborate(bytes: Uint8Array, model: ComponentModel, name: string): Plan {
  return new Elaborator(bytes, name).root(model);
}

/** What its parts need of the elaborator. */
export interface Shared {
  readonly modules: readonly CoreModulePlan[];
  readonly instances: readonly CoreInstancePlan[];
  resource(name: string, owner: number | undefined): ResourceType;
  unsupported(what: string, offset: number): never;
}

class Elaborator implements Shared {
  readonly #canons = new Canons(this);
  readonly #host = new HostImports(this);
  readonly #bytes: Uint8Array;
  readonly #name: string;
  readonly #types = new TypeTable();
  readonly modules: CoreModulePlan[] = [];
  readonly #moduleIndices = new Map<number, number>();
  readonly instances: CoreInstancePlan[] = [];
  readonly #owners: (number | undefined)[] = [];
  readonly #destructors = new Map<ResourceType, Destructor>();
  #resources = 0;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#name = name;
  }

  root(model: ComponentModel): Plan {
    const scope = new Scope(undefined, this.#name, this.#types);
    const exports = this.#component(model, scope, undefined, undefined);
    return {
      name: this.#name,
      modules: this.modules,
      instances: this.instances,
      owners: this.#owners,
      contexts: this.#canons.contexts,
      synths: this.#canons.synths,
      lifts: this.#canons.lifts,
      destructors: this.#destructors,
      imports: this.#host.imports,
      exports: exportItems(exports),
    };
  }

  unsupported(what: string, offset: number): never {
    throw new SkerryError(
      "component-unsupported",
      `loading ${this.#name}: ${what} is not supported by the native engine, at offset 0x${offset.toString(16)}`,
    );
  }

  /** Instantiates a component; `args` is undefined for the outermost, whose imports the host gives. */
  #component(
    model: ComponentModel,
    scope: Scope,
    parent: number | undefined,
    args: InstanceItem | undefined,
  ): Map<string, Item> {
    const owner = this.#owners.push(parent) - 1;
    if (owner >= MAX_INSTANCES) scope.fail(`more than ${MAX_INSTANCES} component instances`, model.start);
    const exports = new Map<string, Item>();
    for (const definition of model.definitions) this.#define(definition, scope, owner, args, exports);
    return exports;
  }

  #define(
    d: Definition,
    scope: Scope,
    owner: number,
    args: InstanceItem | undefined,
    exports: Map<string, Item>,
  ): void {
    const { offset } = d;
    scope.spend(1, offset);
    switch (d.kind) {
      case "core-module":
        return scope.add("core module", { module: this.#module(d.start, d.end) });
      case "core-instance":
        return scope.add("core instance", this.#coreInstance(d, scope, owner, offset));
      case "core-type":
        return scope.add("core type", d.type);
      case "component":
        return scope.add("component", { model: d.component, scope });
      case "instance":
        return scope.add("instance", this.#instance(d, scope, owner, offset));
      case "alias":
        return alias(d, scope, offset);
      case "type": {
        const { type } = d;
        if (type.kind !== "resource") return scope.add("type", scope.define(type, offset));
        if (type.rep !== "i32") this.unsupported(`a resource representation of ${type.rep}`, offset);
        const resource = this.resource(`resource ${this.#resources}`, owner);
        if (type.dtor !== undefined) {
          const core = scope.get("core func", type.dtor, offset);
          const found = this.#canons.coreType(core);
          if (found !== undefined && (String(found.params) !== "i32" || found.results.length > 0)) {
            scope.fail("wrong signature for a destructor", offset);
          }
          this.#destructors.set(resource, { core, owner });
        }
        return scope.add("type", { kind: "resource", resource });
      }
      case "canon":
        return this.#canons.define(d.canon, scope, owner, offset);
      case "start":
        return this.unsupported("a start definition", offset);
      case "import": {
        const item = args === undefined ? this.#host.item(d, scope, offset) : argument(d, scope, args, offset);
        return scope.addItem(item);
      }
      case "export": {
        if (d.sort === "value") this.unsupported("a value export", offset);
        const item = scope.item(d.sort, d.index, offset);
        const { name } = d.name;
        if (d.type !== undefined) checkMatches(`export ${JSON.stringify(name)}`, item, d.type, scope, offset);
        if (exports.has(name)) scope.fail(`export name ${JSON.stringify(name)} conflicts with previous name`, offset);
        if (item.sort === "type" && item.item.kind === "resource" && item.item.resource.owner === owner) {
          item.item.resource.name = name;
        }
        if (item.sort === "func" && item.item.kind === "lift") item.item.name = name;
        if (item.sort === "instance") scope.spend(item.item.size, offset);
        exports.set(name, item);
        return scope.addItem(item);
      }
    }
  }

  #module(start: number, end: number): number {
    let index = this.#moduleIndices.get(start);
    if (index === undefined) {
      index = this.modules.push({ start, end, shape: coreModuleShape(this.#bytes, start, end, this.#name) }) - 1;
      this.#moduleIndices.set(start, index);
    }
    return index;
  }

  /** A new resource type; no owner is the host. */
  resource(name: string, owner: number | undefined): ResourceType {
    return { id: this.#resources++, name, owner };
  }

  #coreInstance(d: CoreInstanceDef, scope: Scope, owner: number, offset: number): CoreInstanceItem {
    if (d.module === undefined) {
      const items = new Map<string, CoreItem>();
      for (const { name, sort, index } of d.exports) {
        const item = scope.get(sort, index, offset);
        if (!isCoreItem(item)) scope.fail(`a core instance cannot export a ${sort}`, offset);
        if (items.has(name)) scope.fail(`export name ${JSON.stringify(name)} already defined`, offset);
        items.set(name, item);
      }
      return items;
    }
    const { module } = scope.get("core module", d.module, offset);
    const { shape } = this.modules[module]!;
    scope.spend(shape.imports.length, offset);
    const args = new Map<string, CoreInstanceItem>();
    for (const { name, instance } of d.args) {
      if (args.has(name)) scope.fail(`duplicate module instantiation argument named ${JSON.stringify(name)}`, offset);
      args.set(name, scope.get("core instance", instance, offset));
    }
    const imports = new Map<string, Map<string, CoreItem>>();
    for (const wanted of shape.imports) {
      const { module: from, name, kind, func } = wanted;
      const instance = args.get(from) ??
        scope.fail(`missing module instantiation argument named ${JSON.stringify(from)}`, offset);
      const item = instance.get(name) ??
        scope.fail(
          `module instantiation argument ${JSON.stringify(from)} does not export ${JSON.stringify(name)}`,
          offset,
        );
      if (item.sort !== kind) {
        scope.fail(
          `type mismatch for export ${JSON.stringify(name)} of ${
            JSON.stringify(from)
          }: expected ${kind}, found ${item.sort}`,
          offset,
        );
      }
      if (item.kind === "synth" && func !== undefined) {
        const problem = checkSynth(this.#canons.synths[item.index]!, func);
        if (problem !== undefined) scope.fail(`type mismatch for export ${JSON.stringify(name)}: ${problem}`, offset);
      }
      if (item.kind === "export") {
        const found = this.modules[this.instances[item.instance]!.module]!.shape.exports.get(item.name)!;
        const problem = coreDifference(wanted, found);
        if (problem !== undefined) scope.fail(`type mismatch for export ${JSON.stringify(name)}: ${problem}`, offset);
      }
      let fields = imports.get(from);
      if (fields === undefined) imports.set(from, fields = new Map());
      fields.set(name, item);
    }
    const instance = this.instances.push({ module, imports, owner }) - 1;
    if (instance >= MAX_INSTANCES) scope.fail(`more than ${MAX_INSTANCES} core instances`, offset);
    return {
      get(name) {
        const found = shape.exports.get(name);
        return found && { kind: "export", instance, name, sort: found.kind };
      },
    };
  }

  #instance(d: InstanceDef, scope: Scope, owner: number, offset: number): InstanceItem {
    const given = new Map<string, Item>();
    if (d.component === undefined) {
      for (const { name, sort, index } of d.exports) given.set(name.name, scope.item(sort, index, offset));
      return given;
    }
    for (const { name, sort, index } of d.args) {
      if (given.has(name)) scope.fail(`instantiation argument ${JSON.stringify(name)} conflicts with previous`, offset);
      given.set(name, scope.item(sort, index, offset));
    }
    const { model, scope: around } = scope.get("component", d.component, offset);
    return this.#component(model, new Scope(around, this.#name, this.#types), owner, given);
  }
}

function argument(d: ImportDef, scope: Scope, args: InstanceItem, offset: number): Item {
  const { name } = d.name;
  const item = args.get(name);
  if (item === undefined) scope.fail(`missing import named ${JSON.stringify(name)}`, offset);
  checkMatches(`import ${JSON.stringify(name)}`, item, d.type, scope, offset);
  return item;
}

function isCoreItem(item: unknown): item is CoreItem {
  return typeof item === "object" && item !== null && "kind" in item &&
    (item.kind === "export" || item.kind === "synth");
}

/** @param known instances may share others: each is made once */
function exportItems(
  items: InstanceItem,
  known = new Map<InstanceItem, ReadonlyMap<string, ExportItem>>(),
): ReadonlyMap<string, ExportItem> {
  const before = known.get(items);
  if (before !== undefined) return before;
  const exports = new Map<string, ExportItem>();
  known.set(items, exports);
  for (const [name, item] of items) {
    if (item.sort === "func") exports.set(name, { kind: "func", func: item.item });
    else if (item.sort === "instance") exports.set(name, { kind: "instance", items: exportItems(item.item, known) });
    else if (item.sort === "type" && item.item.kind === "resource") {
      exports.set(name, { kind: "resource", resource: item.item.resource });
    }
  }
  return exports;
}
