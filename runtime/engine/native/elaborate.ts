/**
 * Works a component out: resolves every index, instantiates nested components, and writes down what is left to do for
 * each isolate. All of a component's linking is known before it runs, but for what the host gives it.
 *
 * @module
 */
import type {
  ComponentModel,
  CoreInstanceDef,
  Definition,
  ExportDef,
  ImportDef,
  InstanceDef,
  StartDef,
  ValueDef,
} from "../../component/mod.ts";
import { malformed, Reader } from "../../component/reader.ts";
import { SkerryError } from "../../errors.ts";
import { alias } from "./alias.ts";
import { Canons, type Shared } from "./canons.ts";
import { readConstant } from "./constants.ts";
import { coreExports, coreImports } from "./core_instances.ts";
import { coreModuleShape } from "./core_module.ts";
import { addCoreType, declared, goThrough, resourceItem } from "./declare.ts";
import { exportItems, isLocal } from "./exported.ts";
import { importPlan } from "./host_imports.ts";
import { argument, ascribed, checkMatches } from "./match.ts";
import { type GivenParts, NO_PARTS, partComponent, type PartSource, withParts } from "./parts.ts";
import type { CoreInstancePlan, CoreModulePlan, Destructor, ImportPlan, Plan } from "./plan.ts";
import {
  type ComponentItem,
  type CoreInstanceItem,
  type InstanceItem,
  type Item,
  type Loading,
  type ModuleItem,
  Scope,
} from "./scope.ts";
import { type CoreSignature, same } from "./signatures.ts";
import { type ResourceType, TypeTable } from "./types.ts";
import { ExternNames, Visible } from "./visible.ts";

const DESTRUCTOR: CoreSignature = { params: ["i32"], results: [] };

const EMPTY_MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/** Instances in one component: nested ones multiply, so that a small binary could ask for any number. */
export const MAX_INSTANCES = 1000;

/**
 * Works out a decoded component.
 *
 * Everything in it is checked, used or not: each component in it for itself, knowing no more of its imports than their
 * types, and again as it is instantiated.
 *
 * @param given the core modules and components that the host gives it, if it is about to be linked
 * @throws {SkerryError} `component-malformed`, with the offset; `component-unsupported`, when it is valid but for a host.
 */
export function elaborate(bytes: Uint8Array, model: ComponentModel, name: string, given: GivenParts = NO_PARTS): Plan {
  return new Binary(bytes, name, given).plan(model);
}

/** A binary: what is the same wherever a component of it is used. */
class Binary implements Loading, PartSource {
  readonly name: string;
  readonly types = new TypeTable();
  readonly modules: CoreModulePlan[] = [];
  readonly given: GivenParts;
  readonly bytes: Uint8Array;
  readonly #moduleIndices = new Map<number, number>();
  /** What is being worked out. */
  at = 0;

  constructor(bytes: Uint8Array, name: string, given: GivenParts) {
    this.bytes = bytes;
    this.name = name;
    this.given = given;
  }

  plan(model: ComponentModel): Plan {
    try {
      return new Elaborator(this, true).root(model, undefined);
    } catch (error) {
      // Recursion that is too deep for the stack is so because of the binary.
      if (!(error instanceof RangeError)) throw error;
      throw malformed(this.name, "definitions are nested too deeply", this.at);
    }
  }

  tryInstance(component: ComponentItem, args: InstanceItem, offset: number): InstanceItem {
    return new Elaborator(this, false).instantiate(component, args, undefined, offset);
  }

  unsupported(what: string, offset: number): never {
    throw new SkerryError(
      "component-unsupported",
      `loading ${this.name}: ${what} is not supported by the native engine, at offset 0x${offset.toString(16)}`,
    );
  }

  module(start: number, end: number): ModuleItem {
    let index = this.#moduleIndices.get(start);
    if (index === undefined) {
      index = this.modules.push({ start, end, shape: coreModuleShape(this.bytes, start, end, this.name) }) - 1;
      this.#moduleIndices.set(start, index);
    }
    return { module: index, shape: this.modules[index]!.shape };
  }

  /** A module of no bytes, of which nothing is ever made. */
  nothing(): { readonly module: number; readonly shape: CoreModulePlan["shape"] } {
    let index = this.modules.findIndex(({ start, end }) => start === end);
    if (index < 0) {
      const shape = coreModuleShape(EMPTY_MODULE, 0, EMPTY_MODULE.length, this.name);
      index = this.modules.push({ start: 0, end: 0, shape }) - 1;
    }
    return { module: index, shape: this.modules[index]!.shape };
  }

  component(start: number, end: number): ComponentItem {
    const component = partComponent(this.bytes, start, end, this);
    if ("model" in component) new Elaborator(this, false).root(component.model, undefined);
    return component;
  }
}

/** What a component is worked out in. */
interface Frame {
  readonly scope: Scope;
  readonly owner: number;
  /** Nothing is given to a component that is checked for itself. */
  readonly args: InstanceItem | undefined;
  readonly exports: Map<string, Item>;
  readonly visible: Visible;
  readonly names: ExternNames;
}

class Elaborator implements Shared {
  readonly #canons = new Canons(this);
  readonly #binary: Binary;
  readonly #isRoot: boolean;
  readonly instances: CoreInstancePlan[] = [];
  readonly shapes: ModuleItem["shape"][] = [];
  readonly #owners: (number | undefined)[] = [];
  readonly #destructors = new Map<ResourceType, Destructor>();
  readonly #imports: ImportPlan[] = [];
  #refused: (() => never) | undefined;

  /** @param isRoot whether this is what will run, and not a check */
  constructor(binary: Binary, isRoot: boolean) {
    this.#binary = binary;
    this.#isRoot = isRoot;
  }

  /** Works a component out that is given nothing. */
  root(model: ComponentModel, around: Scope | undefined): Plan {
    const exports = this.#component(model, new Scope(around, this.#binary, "component"), undefined, undefined);
    if (this.#isRoot) this.#refused?.();
    return {
      name: this.#binary.name,
      modules: this.#binary.modules,
      instances: this.instances,
      owners: this.#owners,
      contexts: this.#canons.contexts,
      synths: this.#canons.synths,
      lifts: this.#canons.lifts,
      destructors: this.#destructors,
      imports: this.#imports,
      exports: this.#isRoot ? exportItems(exports) : new Map(),
    };
  }

  unsupported(what: string, offset: number): never {
    return this.#binary.unsupported(what, offset);
  }

  /** Refuses what is valid once everything has been checked. */
  #refuse(what: string, offset: number): void {
    this.#refused ??= () => this.#binary.unsupported(what, offset);
  }

  #component(
    model: ComponentModel,
    scope: Scope,
    parent: number | undefined,
    args: InstanceItem | undefined,
  ): Map<string, Item> {
    const owner = this.#owners.push(parent) - 1;
    if (owner >= MAX_INSTANCES) scope.fail(`more than ${MAX_INSTANCES} component instances`, model.start);
    const exports = new Map<string, Item>();
    const frame: Frame = { scope, owner, args, exports, visible: new Visible(), names: new ExternNames() };
    for (const definition of model.definitions) this.#define(definition, frame);
    scope.finish(model.end);
    return exports;
  }

  #define(d: Definition, frame: Frame): void {
    const { offset } = d;
    const { scope, owner } = frame;
    this.#binary.at = offset;
    scope.spend("args" in d && "exports" in d ? 1 + d.args.length + d.exports.length : 1, offset);
    switch (d.kind) {
      case "core-module":
        return scope.add("core module", this.#binary.module(d.start, d.end));
      case "core-instance":
        return scope.add("core instance", this.#coreInstance(d, scope, owner, offset));
      case "core-type":
        return addCoreType(d.type, scope, offset);
      case "component":
        if (frame.args === undefined) this.#check(d.component, scope);
        return scope.add("component", { model: d.component, scope });
      case "instance":
        return scope.add("instance", this.#instance(d, frame, offset));
      case "alias":
        return alias(d, scope, offset);
      case "type": {
        const { type } = d;
        if (type.kind !== "resource") return scope.add("type", scope.define(type, offset));
        if (type.rep !== "i32") this.unsupported(`a resource representation of ${type.rep}`, offset);
        const resource = scope.types.resource(undefined, owner);
        if (type.dtor !== undefined) {
          const core = scope.get("core func", type.dtor, offset);
          const found = this.#canons.coreType(core);
          if (found !== undefined && !same(found, DESTRUCTOR)) {
            scope.fail("wrong signature for a destructor", offset);
          }
          this.#destructors.set(resource, { core, owner });
        }
        return scope.add("type", resourceItem(resource));
      }
      case "canon":
        return this.#canons.define(d.canon, scope, owner, offset);
      case "start":
        return this.#start(d, scope, owner, offset);
      case "value":
        return scope.add("value", scope.valueItem(d.type, { constant: this.#constant(d, scope, offset) }, offset));
      case "import":
        return this.#import(d, frame, offset);
      case "export":
        return this.#export(d, frame, offset);
    }
  }

  /** Checks a component for itself. */
  #check(model: ComponentModel, around: Scope): void {
    try {
      new Elaborator(this.#binary, false).root(model, around);
    } catch (error) {
      // What is not supported in it matters where it is instantiated, which may be nowhere.
      if (!(error instanceof SkerryError) || error.code !== "component-unsupported") throw error;
    }
  }

  #import(d: ImportDef, { scope, args, visible, names }: Frame, offset: number): void {
    const { name } = d.name;
    if (args !== undefined) return scope.addItem(argument(name, d.type, scope, args, offset));
    const item = declared(name, d.type, scope, offset);
    names.add("import", name, item, scope, offset);
    visible.add("import", name, item, scope, offset);
    if (isLocal(item)) {
      scope.fail(`import ${JSON.stringify(name)} refers to a resource of the component itself`, offset);
    }
    if (this.#isRoot) {
      const plan = importPlan(name, item, (what) => this.#refuse(what, offset));
      if (plan !== undefined) this.#imports.push(plan);
    }
    const { given } = this.#binary;
    scope.addItem(this.#isRoot && given.size > 0 ? withParts(name, item, this.#binary, scope, offset) : item);
  }

  #export(d: ExportDef, { scope, owner, args, exports, visible, names }: Frame, offset: number): void {
    if (d.sort.startsWith("core ") && d.sort !== "core module") scope.fail(`a ${d.sort} cannot be exported`, offset);
    const actual = scope.use(d.sort, d.index, offset);
    const { name } = d.name;
    let item = actual;
    if (d.type !== undefined) {
      checkMatches(`export ${JSON.stringify(name)}`, actual, d.type, scope, offset);
      item = ascribed(name, actual, d.type, scope, offset);
    } else if (item.sort === "type") item = { sort: "type", item: { ...item.item } };
    if (args === undefined) {
      names.add("export", name, item, scope, offset);
      visible.add("export", name, item, scope, offset);
    }
    if (actual.sort === "type" && actual.item.kind === "resource" && actual.item.resource.owner === owner) {
      actual.item.resource.name = name;
    }
    if (item.sort === "func" && item.item.func.kind === "lift") item.item.func.name = name;
    if (item.sort === "instance") scope.spend(item.item.size, offset);
    exports.set(name, item);
    scope.addUsed(item);
  }

  /** Reads a constant once, to know that it can be read. */
  #constant({ type, start, end }: ValueDef, scope: Scope, offset: number): () => unknown {
    const valueType = scope.value(type, offset);
    const read = () => {
      const r = new Reader(this.#binary.bytes, this.#binary.name, start, end);
      const value = readConstant(r, valueType);
      r.finish("a value");
      return value;
    };
    read();
    return read;
  }

  #start(d: StartDef, scope: Scope, owner: number, offset: number): void {
    const { func, type: { result: ref, type } } = scope.get("func", d.func, offset);
    const { params, result } = type;
    if (d.args.length !== params.length) {
      scope.fail(`a start function with ${params.length} parameters is given ${d.args.length} values`, offset);
    }
    const results = result === undefined ? 0 : 1;
    if (d.results !== results) {
      scope.fail(`a start function with ${results} results is said to have ${d.results}`, offset);
    }
    const args = d.args.map((index, i) => {
      const { item } = scope.use("value", index, offset) as Item & { sort: "value" };
      if (item.type !== params[i]!.type) {
        scope.fail(
          `the start function's parameter ${JSON.stringify(params[i]!.name)} is of another type than value ${index}`,
          offset,
        );
      }
      return item.slot;
    });
    const slot = result && {};
    const index = this.#canons.synths.push({ kind: "start", func, args, result: slot, owner }) - 1;
    const { module, shape } = this.#binary.nothing();
    // It stands among the core instances, in the order of which it is called, and is none itself.
    const start = { kind: "synth", index, sort: "func" } as const;
    this.#addInstance({ module, imports: new Map(), owner, elided: true, start }, shape, scope, offset);
    if (slot !== undefined) scope.add("value", { type: result!, refs: ref === undefined ? [] : [ref], slot });
  }

  #coreInstance(d: CoreInstanceDef, scope: Scope, owner: number, offset: number): CoreInstanceItem {
    if (d.module === undefined) return coreExports(d, scope, offset);
    const { module = -1, shape } = scope.get("core module", d.module, offset);
    const imports = coreImports(d, shape, scope, { shapes: this.shapes, synths: this.#canons.synths }, offset);
    const instance = this.#addInstance({ module, imports, owner }, shape, scope, offset);
    return {
      get(name) {
        const found = shape.exports.get(name);
        return found && { kind: "export", instance, name, sort: found.kind };
      },
    };
  }

  #addInstance(instance: CoreInstancePlan, shape: ModuleItem["shape"], scope: Scope, offset: number): number {
    const index = this.instances.push(instance) - 1;
    this.shapes.push(shape);
    if (index >= MAX_INSTANCES) scope.fail(`more than ${MAX_INSTANCES} core instances`, offset);
    return index;
  }

  #instance(d: InstanceDef, { scope, owner, args }: Frame, offset: number): InstanceItem {
    const given = new Map<string, Item>();
    if (d.component === undefined) {
      // What it exports has no names in it that functions could refer to.
      const names = new ExternNames();
      for (const { name: { name }, sort, index } of d.exports) {
        const item = scope.use(sort, index, offset);
        if (args === undefined && item.sort === "func") names.add("export", name, item, scope, offset);
        given.set(name, item);
      }
      return given;
    }
    for (const { name, sort, index } of d.args) {
      if (given.has(name)) scope.fail(`instantiation argument ${JSON.stringify(name)} conflicts with previous`, offset);
      given.set(name, scope.use(sort, index, offset));
    }
    return this.instantiate(scope.get("component", d.component, offset), given, owner, offset);
  }

  /** Instantiates a component with what it is given. */
  instantiate(
    component: ComponentItem,
    args: InstanceItem,
    owner: number | undefined,
    offset: number,
  ): InstanceItem {
    const { scope } = component;
    if ("model" in component) {
      return this.#component(component.model, new Scope(scope, this.#binary, "component"), owner, args);
    }
    const exports = new Map<string, Item>();
    goThrough(component.type, scope, (d, scope) => {
      const { name } = d.name;
      if (d.kind === "import") return argument(name, d.type, scope, args, offset);
      const item = declared(name, d.type, scope, d.offset);
      exports.set(name, item);
      return item;
    });
    return exports;
  }
}
