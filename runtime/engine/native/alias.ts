/**
 * Aliases: definitions that stand for what an instance exports, or for what an enclosing component has.
 *
 * @module
 */
import type { AliasDef } from "../../component/mod.ts";
import type { Item, Scope } from "./scope.ts";

/** Adds what an alias stands for. */
export function alias(d: AliasDef, scope: Scope, offset: number): void {
  const { sort, target } = d;
  switch (target.kind) {
    case "outer":
      if (sort !== "type" && sort !== "core type" && sort !== "component" && sort !== "core module") {
        scope.fail(`definitions of sort ${sort} cannot be aliased from outside`, offset);
      }
      if (sort === "type") return scope.add(sort, scope.outerType(target.count, target.index, offset));
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
