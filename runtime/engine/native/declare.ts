/**
 * Types of components and instances: whether what stands in them makes sense, before anything is made of them.
 *
 * @module
 */
import type { ExternType, ScopeTypeDef } from "../../component/mod.ts";
import { alias, type InstanceItem, type Item, Scope } from "./scope.ts";

/** What a type of component or instance may take from elsewhere. */
const ALIASED: readonly string[] = ["type", "core type", "instance"];

const NOTHING = { definitions: [], customs: [], start: 0, end: 0 };

/**
 * Checks a type, and answers with what it says that there will be, by the names of its exports.
 *
 * @throws {SkerryError} `component-malformed`, with the offset.
 */
export function declare(def: ScopeTypeDef, around: Scope): InstanceItem {
  const scope = new Scope(around, around.name, around.types);
  const exports = new Map<string, Item>();
  for (const d of def.declarations) {
    scope.spend(1, d.offset);
    switch (d.kind) {
      case "core-type":
        scope.add("core type", d.type);
        break;
      case "type":
        if (d.type.kind !== "resource") scope.add("type", scope.define(d.type, d.offset));
        else scope.fail("resources can only be defined within a concrete component", d.offset);
        break;
      case "alias":
        if (!ALIASED.includes(d.sort)) scope.fail("aliases in a type may only refer to types or instances", d.offset);
        alias(d, scope, d.offset);
        break;
      case "import":
        scope.addItem(declared(d.name.name, d.type, scope, d.offset));
        break;
      case "export-decl": {
        const item = declared(d.name.name, d.type, scope, d.offset);
        exports.set(d.name.name, item);
        scope.addItem(item);
      }
    }
  }
  return exports;
}

function declared(name: string, type: ExternType, scope: Scope, offset: number): Item {
  switch (type.kind) {
    case "func": {
      const func = scope.func(type.type, offset);
      return { sort: "func", item: { kind: "host", interface: undefined, name, type: func } };
    }
    case "type-eq":
      return scope.item("type", type.type, offset);
    case "type-resource":
      return { sort: "type", item: { kind: "resource", resource: scope.types.someResource(name) } };
    case "instance": {
      const found = scope.get("type", type.type, offset);
      if (found.kind !== "scope" || found.def.kind !== "instance-type") {
        return scope.fail(`type index ${type.type} is not an instance type`, offset);
      }
      const { def, scope: around } = found;
      return { sort: "instance", item: later(() => declare(def, around)) };
    }
    case "component": {
      const found = scope.get("type", type.type, offset);
      if (found.kind !== "scope" || found.def.kind !== "component-type") {
        return scope.fail(`type index ${type.type} is not a component type`, offset);
      }
      return { sort: "component", item: { model: NOTHING, scope } };
    }
    case "core-module":
      if (scope.get("core type", type.type, offset).kind !== "core-module-type") {
        scope.fail(`core type index ${type.type} is not a module type`, offset);
      }
      return { sort: "core module", item: { module: -1 } };
    default:
      return scope.fail("values are not supported", offset);
  }
}

/** An instance of which mostly nothing is asked: it is gone through only then. */
function later(make: () => InstanceItem): InstanceItem {
  let made: InstanceItem | undefined;
  return { get: (name: string) => (made ??= make()).get(name) } as InstanceItem;
}
