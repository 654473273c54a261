/**
 * The core modules that a component exports, as a host that has them.
 *
 * @module
 */
import { camelCase, decodeComponent } from "../../runtime/component/mod.ts";
import type { HostImports, HostInterface } from "../../runtime/engine/mod.ts";
import { elaborate } from "../../runtime/engine/native/elaborate.ts";
import { joined } from "../../runtime/engine/native/parts.ts";
import type { ExportItem } from "../../runtime/engine/native/plan.ts";

/** Their bytes, with those that came from `host`, by camelCase names; those of instances are in objects of their own. */
export function exportedModules(component: Uint8Array, host: HostImports): HostInterface {
  const model = decodeComponent(component);
  const { bytes, given } = joined(component, elaborate(component, model, "it"), host);
  const { exports, modules } = elaborate(bytes, model, "it", given);
  const found = (items: ReadonlyMap<string, ExportItem>): Record<string, unknown> => {
    const members: Record<string, unknown> = {};
    for (const [name, item] of items) {
      if (item.kind === "module") {
        const { start, end } = modules[item.module]!;
        members[camelCase(name)] = bytes.subarray(start, end);
      } else if (item.kind === "instance") {
        const inner = found(item.items);
        if (Object.keys(inner).length > 0) members[camelCase(name)] = inner;
      }
    }
    return members;
  };
  return found(exports);
}
