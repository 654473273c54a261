/**
 * What a component imports of the host, worked out.
 *
 * @module
 */
import type { ExternType, ImportDef } from "../../component/mod.ts";
import type { HostFunc, ImportPlan } from "./plan.ts";
import { alias, type InstanceItem, type Item, Scope } from "./scope.ts";
import type { Shared } from "./elaborate.ts";

export class HostImports {
  readonly imports: ImportPlan[] = [];
  readonly #shared: Shared;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** What the host gives for an import of the outermost component. */
  item(d: ImportDef, scope: Scope, offset: number): Item {
    const { name } = d.name;
    const { type } = d;
    switch (type.kind) {
      case "func": {
        const func: HostFunc = { kind: "host", interface: undefined, name, type: scope.func(type.type, offset) };
        this.imports.push({ name, kind: "func", functions: [func], resources: new Map() });
        return { sort: "func", item: func };
      }
      case "type-eq":
        return scope.item("type", type.type, offset);
      case "type-resource": {
        const resource = this.#shared.resource(name, undefined);
        this.imports.push({ name, kind: "instance", functions: [], resources: new Map([[name, resource]]) });
        return { sort: "type", item: { kind: "resource", resource } };
      }
      case "instance": {
        const plan: ImportPlan = { name, kind: "instance", functions: [], resources: new Map() };
        const item = this.#instance(type, scope, plan, offset);
        this.imports.push(plan);
        return { sort: "instance", item };
      }
      case "component":
        return this.#shared.unsupported(`the import of a component, ${JSON.stringify(name)},`, offset);
      case "core-module":
        return this.#shared.unsupported(`the import of a core module, ${JSON.stringify(name)},`, offset);
      default:
        return this.#shared.unsupported(`the import of a value, ${JSON.stringify(name)},`, offset);
    }
  }

  /** The instance that the host gives for an instance type. */
  #instance(
    type: ExternType & { kind: "instance" },
    around: Scope,
    plan: ImportPlan,
    offset: number,
  ): InstanceItem {
    const item = around.get("type", type.type, offset);
    if (item.kind !== "scope" || item.def.kind !== "instance-type") {
      return around.fail(`type index ${type.type} is not an instance type`, offset);
    }
    const scope = new Scope(item.scope, around.name, around.types);
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
          alias(d, scope, d.offset);
          break;
        case "export-decl": {
          const found = this.#export(d.name.name, d.type, scope, plan, d.offset);
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

  #export(name: string, type: ExternType, scope: Scope, plan: ImportPlan, offset: number): Item {
    switch (type.kind) {
      case "func": {
        const func: HostFunc = { kind: "host", interface: plan.name, name, type: scope.func(type.type, offset) };
        plan.functions.push(func);
        return { sort: "func", item: func };
      }
      case "type-eq":
        return scope.item("type", type.type, offset);
      case "type-resource": {
        const resource = this.#shared.resource(name, undefined);
        plan.resources.set(name, resource);
        return { sort: "type", item: { kind: "resource", resource } };
      }
      default:
        return this.#shared.unsupported(
          `an imported instance with a ${type.kind} in it, ${JSON.stringify(name)},`,
          offset,
        );
    }
  }
}
