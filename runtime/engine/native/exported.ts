/**
 * What a component exports, as its plan has it.
 *
 * @module
 */
import { DeclaredInstance } from "./declare.ts";
import type { ExportItem } from "./plan.ts";
import type { InstanceItem, Item } from "./scope.ts";

/** Whether an import says that it is a resource that whoever instantiates the component cannot know. */
export function isLocal({ sort, item }: Item): boolean {
  if (sort === "type" && item.kind === "resource") return (item.resource.real ?? item.resource).owner !== undefined;
  if (sort !== "instance" || !(item instanceof DeclaredInstance) || !item.declared.refersToResources) return false;
  return [...item].some(([, inner]) => isLocal(inner));
}

/**
 * The exports among `items`.
 *
 * @param known instances may share others: each is made once
 */
export function exportItems(
  items: InstanceItem,
  known = new Map<InstanceItem, ReadonlyMap<string, ExportItem>>(),
): ReadonlyMap<string, ExportItem> {
  const before = known.get(items);
  if (before !== undefined) return before;
  const exports = new Map<string, ExportItem>();
  known.set(items, exports);
  for (const [name, item] of items) {
    if (item.sort === "func") exports.set(name, { kind: "func", func: item.item.func });
    else if (item.sort === "core module" && item.item.module !== undefined) {
      exports.set(name, { kind: "module", module: item.item.module });
    } else if (item.sort === "value") exports.set(name, { kind: "value", value: item.item.slot });
    else if (item.sort === "instance") exports.set(name, { kind: "instance", items: exportItems(item.item, known) });
    else if (item.sort === "type" && item.item.kind === "resource") {
      exports.set(name, { kind: "resource", resource: item.item.resource.real ?? item.item.resource });
    }
  }
  return exports;
}
