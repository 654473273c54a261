/**
 * What a component imports of the host, worked out.
 *
 * @module
 */
import { camelCase } from "../../component/mod.ts";
import { DeclaredInstance } from "./declare.ts";
import type { ImportPlan } from "./plan.ts";
import type { Item } from "./scope.ts";

/** A part or a value that is imported by itself is found under this name. */
export const PART = "default";

/**
 * What the host has to give for an import of the outermost component; `undefined` where that is nothing.
 *
 * @param unsupported is told what a host cannot give
 */
export function importPlan(name: string, item: Item, unsupported: (what: string) => void): ImportPlan | undefined {
  const plan = emptyPlan(name);
  switch (item.sort) {
    case "func":
      if (item.item.func.kind === "host") plan.functions.push(item.item.func);
      return { ...plan, kind: "func" };
    case "type":
      if (item.item.kind !== "resource") return undefined;
      plan.resources.set(name, item.item.resource);
      return plan;
    case "instance":
      gather(plan, name, item.item as DeclaredInstance, unsupported);
      return plan;
    case "core module":
    case "component":
      plan.parts.set(PART, item.sort);
      return { ...plan, kind: "part" };
    case "value":
      plan.values.set(PART, item.item.slot);
      return plan;
    default:
      unsupported(`the import of a ${item.sort}, ${JSON.stringify(name)},`);
      return undefined;
  }
}

function emptyPlan(name: string): ImportPlan {
  const [resources, same, instances, parts, values] = [new Map(), new Map(), new Map(), new Map(), new Map()];
  return { name, kind: "instance", functions: [], resources, same, instances, parts, values };
}

/** What an instance or a part is called in the host's object. */
export function memberName(name: string): string {
  return name.includes(":") ? name : camelCase(name);
}

/** @param path what its functions are called by in messages */
function gather(
  plan: ImportPlan,
  path: string,
  { declared }: DeclaredInstance,
  unsupported: (what: string) => void,
): void {
  for (const [name, resource] of declared.resources) plan.resources.set(name, resource);
  for (const [name, { sort, item }] of declared.exports) {
    if (sort === "func") {
      if (item.func.kind !== "host") continue;
      item.func.interface = path;
      plan.functions.push(item.func);
    } else if (sort === "instance") {
      const inner = emptyPlan(name);
      plan.instances.set(memberName(name), inner);
      gather(inner, `${path}#${name}`, item as DeclaredInstance, unsupported);
    } else if (sort === "type") {
      if (item.kind === "resource" && !declared.resources.has(name)) plan.same.set(name, item.resource);
    } else if (sort === "core module" || sort === "component") plan.parts.set(memberName(name), sort);
    else if (sort === "value") plan.values.set(memberName(name), item.slot);
    else unsupported(`an imported instance with a ${sort} in it, ${JSON.stringify(name)},`);
  }
}
