/**
 * Works a component out: resolves every index, instantiates nested components, and writes down what is left to do for
 * each isolate. All of a component's linking is known before it runs, but for what the host gives it.
 *
 * @module
 */
import type {
  AliasDef,
  Canon,
  CanonOptions,
  ComponentModel,
  CoreInstanceDef,
  Definition,
  ExternType,
  ImportDef,
  InstanceDef,
} from "../../component/mod.ts";
import { SkerryError } from "../../errors.ts";
import { coreModuleShape } from "./core_module.ts";
import type {
  ContextPlan,
  CoreInstancePlan,
  CoreItem,
  CoreModulePlan,
  Destructor,
  ExportItem,
  HostFunc,
  ImportPlan,
  LiftedFunc,
  OptionsPlan,
  Plan,
  Synth,
} from "./plan.ts";
import { type CoreInstanceItem, type InstanceItem, type Item, Scope } from "./scope.ts";
import { checkLift, checkLower, checkSynth } from "./signatures.ts";
import { type FuncType, type ResourceType, TypeTable } from "./types.ts";

/** Instances in one component: nested ones multiply, so that a small binary could ask for any number. */
export const MAX_INSTANCES = 1000;

/** Works out a decoded component. */
export function elaborate(bytes: Uint8Array, model: ComponentModel, name: string): Plan {
  return new Elaborator(bytes, name).root(model);
}

class Elaborator {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  readonly #types = new TypeTable();
  readonly #modules: CoreModulePlan[] = [];
  readonly #moduleIndices = new Map<number, number>();
  readonly #instances: CoreInstancePlan[] = [];
  readonly #owners: (number | undefined)[] = [];
  readonly #contexts: ContextPlan[] = [];
  readonly #synths: Synth[] = [];
  readonly #lifts: LiftedFunc[] = [];
  readonly #destructors = new Map<ResourceType, Destructor>();
  readonly #imports: ImportPlan[] = [];
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
      modules: this.#modules,
      instances: this.#instances,
      owners: this.#owners,
      contexts: this.#contexts,
      synths: this.#synths,
      lifts: this.#lifts,
      destructors: this.#destructors,
      imports: this.#imports,
      exports: exportItems(exports),
    };
  }

  #unsupported(what: string, offset: number): never {
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
        return this.#alias(d, scope, offset);
      case "type": {
        const { type } = d;
        if (type.kind !== "resource") return scope.add("type", scope.define(type, offset));
        if (type.rep !== "i32") this.#unsupported(`a resource representation of ${type.rep}`, offset);
        const resource = this.#resource(`resource ${this.#resources}`, owner);
        if (type.dtor !== undefined) {
          this.#destructors.set(resource, { core: scope.get("core func", type.dtor, offset), owner });
        }
        return scope.add("type", { kind: "resource", resource });
      }
      case "canon":
        return this.#canon(d.canon, scope, owner, offset);
      case "start":
        return this.#unsupported("a start definition", offset);
      case "import": {
        const item = args === undefined ? this.#hostImport(d, scope, offset) : argument(d, scope, args, offset);
        return scope.addItem(item);
      }
      case "export": {
        if (d.sort === "value") this.#unsupported("a value export", offset);
        const item = scope.item(d.sort, d.index, offset);
        const { name } = d.name;
        if (item.sort === "type" && item.item.kind === "resource" && item.item.resource.owner === owner) {
          item.item.resource.name = name;
        }
        if (item.sort === "func" && item.item.kind === "lift") item.item.name = name;
        exports.set(name, item);
        return scope.addItem(item);
      }
    }
  }

  #module(start: number, end: number): number {
    let index = this.#moduleIndices.get(start);
    if (index === undefined) {
      index = this.#modules.push({ start, end, shape: coreModuleShape(this.#bytes, start, end, this.#name) }) - 1;
      this.#moduleIndices.set(start, index);
    }
    return index;
  }

  #resource(name: string, owner: number | undefined): ResourceType {
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
    const { shape } = this.#modules[module]!;
    const args = new Map<string, CoreInstanceItem>();
    for (const { name, instance } of d.args) {
      if (args.has(name)) scope.fail(`duplicate module instantiation argument named ${JSON.stringify(name)}`, offset);
      args.set(name, scope.get("core instance", instance, offset));
    }
    const imports = new Map<string, Map<string, CoreItem>>();
    for (const { module: from, name, kind, func } of shape.imports) {
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
        const problem = checkSynth(this.#synths[item.index]!, func);
        if (problem !== undefined) scope.fail(`type mismatch for export ${JSON.stringify(name)}: ${problem}`, offset);
      }
      let fields = imports.get(from);
      if (fields === undefined) imports.set(from, fields = new Map());
      fields.set(name, item);
    }
    const instance = this.#instances.push({ module, imports, owner }) - 1;
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

  #alias(d: AliasDef, scope: Scope, offset: number): void {
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

  #hostImport(d: ImportDef, scope: Scope, offset: number): Item {
    const { name } = d.name;
    const { type } = d;
    switch (type.kind) {
      case "func": {
        const func: HostFunc = { kind: "host", interface: undefined, name, type: scope.func(type.type, offset) };
        this.#imports.push({ name, kind: "func", functions: [func], resources: new Map() });
        return { sort: "func", item: func };
      }
      case "type-eq":
        return scope.item("type", type.type, offset);
      case "type-resource": {
        const resource = this.#resource(name, undefined);
        this.#imports.push({ name, kind: "instance", functions: [], resources: new Map([[name, resource]]) });
        return { sort: "type", item: { kind: "resource", resource } };
      }
      case "instance": {
        const plan: ImportPlan = { name, kind: "instance", functions: [], resources: new Map() };
        const item = this.#hostInstance(type, scope, plan, offset);
        this.#imports.push(plan);
        return { sort: "instance", item };
      }
      case "component":
        return this.#unsupported(`the import of a component, ${JSON.stringify(name)},`, offset);
      case "core-module":
        return this.#unsupported(`the import of a core module, ${JSON.stringify(name)},`, offset);
      default:
        return this.#unsupported(`the import of a value, ${JSON.stringify(name)},`, offset);
    }
  }

  /** The instance that the host gives for an instance type. */
  #hostInstance(
    type: ExternType & { kind: "instance" },
    around: Scope,
    plan: ImportPlan,
    offset: number,
  ): InstanceItem {
    const item = around.get("type", type.type, offset);
    if (item.kind !== "scope" || item.def.kind !== "instance-type") {
      return around.fail(`type index ${type.type} is not an instance type`, offset);
    }
    const scope = new Scope(item.scope, this.#name, this.#types);
    const exports = new Map<string, Item>();
    for (const d of item.def.declarations) {
      switch (d.kind) {
        case "core-type":
          scope.add("core type", d.type);
          break;
        case "type":
          if (d.type.kind !== "resource") scope.add("type", scope.define(d.type, d.offset));
          else scope.fail("resources can only be defined within a component", d.offset);
          break;
        case "alias":
          this.#alias(d, scope, d.offset);
          break;
        case "export-decl": {
          const found = this.#hostExport(d.name.name, d.type, scope, plan, d.offset);
          exports.set(d.name.name, found);
          scope.addItem(found);
          break;
        }
        case "import":
          scope.fail("an instance type cannot import", d.offset);
      }
    }
    return exports;
  }

  #hostExport(name: string, type: ExternType, scope: Scope, plan: ImportPlan, offset: number): Item {
    switch (type.kind) {
      case "func": {
        const func: HostFunc = { kind: "host", interface: plan.name, name, type: scope.func(type.type, offset) };
        plan.functions.push(func);
        return { sort: "func", item: func };
      }
      case "type-eq":
        return scope.item("type", type.type, offset);
      case "type-resource": {
        const resource = this.#resource(name, undefined);
        plan.resources.set(name, resource);
        return { sort: "type", item: { kind: "resource", resource } };
      }
      default:
        return this.#unsupported(`an imported instance with a ${type.kind} in it, ${JSON.stringify(name)},`, offset);
    }
  }

  #options(o: CanonOptions, scope: Scope, owner: number, offset: number): OptionsPlan {
    const item = (sort: "core memory" | "core func", index: number | undefined) =>
      index === undefined ? undefined : scope.get(sort, index, offset);
    const memory = item("core memory", o.memory);
    const realloc = item("core func", o.realloc);
    return {
      encoding: o.encoding,
      async: o.async,
      cx: this.#context(owner, memory, realloc, offset),
      memory,
      postReturn: item("core func", o.postReturn),
      callback: item("core func", o.callback),
    };
  }

  #context(owner: number, memory: CoreItem | undefined, realloc: CoreItem | undefined, offset: number): number {
    if (memory?.kind === "export") {
      const { shape } = this.#modules[this.#instances[memory.instance]!.module]!;
      const type = shape.exports.get(memory.name)?.type;
      if (type?.kind === "memory" && type.limits.is64) this.#unsupported("a 64-bit memory", offset);
      if (type?.kind === "memory" && type.limits.shared) this.#unsupported("a shared memory", offset);
    }
    const same = this.#contexts.findIndex((c) =>
      c.owner === owner && sameItem(c.memory, memory) && sameItem(c.realloc, realloc)
    );
    return same >= 0 ? same : this.#contexts.push({ owner, memory, realloc }) - 1;
  }

  #canon(canon: Canon, scope: Scope, owner: number, offset: number): void {
    if (canon.kind === "lift") {
      const type = scope.func(canon.type, offset);
      const core = scope.get("core func", canon.func, offset);
      const options = this.#options(canon.options, scope, owner, offset);
      const index = this.#lifts.length;
      const lift: LiftedFunc = { kind: "lift", index, core, options, type, owner, name: `function ${index}` };
      const problem = checkLift(lift, canon.options, (item) => this.#coreType(item));
      if (problem !== undefined) scope.fail(problem, offset);
      this.#lifts.push(lift);
      return scope.add("func", lift);
    }
    const index = this.#synths.push(this.#synth(canon, scope, owner, offset)) - 1;
    scope.add("core func", { kind: "synth", index, sort: "func" });
  }

  #coreType(item: CoreItem) {
    if (item.kind === "synth") return undefined;
    return this.#modules[this.#instances[item.instance]!.module]!.shape.exports.get(item.name)?.func;
  }

  #synth(canon: Exclude<Canon, { kind: "lift" }>, scope: Scope, owner: number, offset: number): Synth {
    switch (canon.kind) {
      case "lower": {
        const func = scope.get("func", canon.func, offset);
        const options = this.#options(canon.options, scope, owner, offset);
        const problem = checkLower(func.type, canon.options);
        if (problem !== undefined) scope.fail(problem, offset);
        return { kind: "lower", func, options, owner };
      }
      case "resource.new":
      case "resource.drop":
      case "resource.rep": {
        const resource = scope.resource(canon.type, offset);
        if (canon.kind !== "resource.drop" && resource.owner !== owner) {
          scope.fail(`type index ${canon.type} is not a local resource type`, offset);
        }
        return { kind: canon.kind, resource, owner };
      }
      case "task.return": {
        const options = this.#options(canon.options, scope, owner, offset);
        return { kind: "task.return", result: scope.optional(canon.result, offset), options, owner };
      }
      case "error-context.new":
      case "error-context.debug-message":
        return { kind: canon.kind, options: this.#options(canon.options, scope, owner, offset), owner };
      case "waitable-set.wait":
      case "waitable-set.poll": {
        const cx = this.#context(owner, scope.get("core memory", canon.memory, offset), undefined, offset);
        return { kind: canon.kind, cancellable: canon.cancellable, cx, owner };
      }
      case "thread.new-indirect": {
        const type = scope.get("core type", canon.type, offset);
        const param = type.kind === "core-func" && type.results.length === 0 ? String(type.params) : "";
        if (param !== "i32" && param !== "i64") {
          return scope.fail("start function must take a single `i32` or `i64` argument", offset);
        }
        return { kind: "thread.new-indirect", table: scope.get("core table", canon.table, offset), type: param, owner };
      }
      case "thread.spawn-ref":
      case "thread.spawn-indirect":
      case "thread.available-parallelism":
        return this.#unsupported(`the canonical function ${canon.kind}`, offset);
    }
    const streaming = /^(stream|future)\.(.*)$/.exec(canon.kind);
    if (streaming !== null && "type" in canon && typeof canon.type === "number") {
      const kind = streaming[1] as "stream" | "future";
      const item = scope.get("type", canon.type, offset);
      if (item.kind !== "value" || item.type.kind !== kind) {
        return scope.fail(`type index ${canon.type} is not a ${kind} type`, offset);
      }
      return {
        kind,
        op: streaming[2] as (Synth & { kind: "stream" })["op"],
        type: item.type,
        options: "options" in canon ? this.#options(canon.options, scope, owner, offset) : undefined,
        async: "async" in canon && canon.async,
        owner,
      };
    }
    return { kind: "builtin", canon, owner };
  }
}

function argument(d: ImportDef, scope: Scope, args: InstanceItem, offset: number): Item {
  const { name } = d.name;
  const item = args.get(name);
  if (item === undefined) scope.fail(`missing import named ${JSON.stringify(name)}`, offset);
  const { kind } = d.type;
  const sort = kind === "core-module" ? "core module" : kind.startsWith("type") ? "type" : kind;
  if (item.sort !== sort) {
    scope.fail(`type mismatch for import ${JSON.stringify(name)}: expected ${sort}, found ${item.sort}`, offset);
  }
  return item;
}

function isCoreItem(item: unknown): item is CoreItem {
  return typeof item === "object" && item !== null && "kind" in item &&
    (item.kind === "export" || item.kind === "synth");
}

export function sameItem(a: CoreItem | undefined, b: CoreItem | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === "synth") return b.kind === "synth" && a.index === b.index;
  if (b.kind === "synth") return false;
  return a.instance === b.instance && a.name === b.name;
}

function exportItems(items: InstanceItem): ReadonlyMap<string, ExportItem> {
  const exports = new Map<string, ExportItem>();
  for (const [name, item] of items) {
    if (item.sort === "func") exports.set(name, { kind: "func", func: item.item });
    else if (item.sort === "instance") exports.set(name, { kind: "instance", items: exportItems(item.item) });
    else if (item.sort === "type" && item.item.kind === "resource") {
      exports.set(name, { kind: "resource", resource: item.item.resource });
    }
  }
  return exports;
}

export type { FuncType };
