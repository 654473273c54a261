/**
 * Whether what is given is what was asked for: the types of imports of nested components, and of exports that state one.
 *
 * Types are resolved with the actual resources in place of the abstract ones, so that equal types are the same object.
 *
 * @module
 */
import type { ExternType } from "../../component/mod.ts";
import { alias, type Item, Scope, type TypeItem } from "./scope.ts";
import type { FuncType, ValueType } from "./types.ts";

/**
 * Checks `item` against a type that stands in `scope`.
 *
 * @throws {SkerryError} `component-malformed`, saying what differs.
 */
export function checkMatches(what: string, item: Item, type: ExternType, scope: Scope, offset: number): void {
  const differs = (why: string): never => scope.fail(`type mismatch for ${what}: ${why}`, offset);
  const wanted = type.kind === "core-module" ? "core module" : type.kind.startsWith("type") ? "type" : type.kind;
  if (item.sort !== wanted) differs(`expected ${wanted}, found ${item.sort}`);
  switch (type.kind) {
    case "func": {
      const declared = scope.func(type.type, offset);
      const difference = item.sort === "func" ? funcDifference(declared, item.item.type) : undefined;
      if (difference !== undefined) differs(difference);
      return;
    }
    case "type-resource":
      if (item.sort === "type" && item.item.kind !== "resource") differs(`expected resource, found ${item.item.kind}`);
      return;
    case "type-eq": {
      const declared = scope.get("type", type.type, offset);
      const difference = item.sort === "type" ? typeDifference(declared, item.item) : undefined;
      if (difference !== undefined) differs(difference);
      return;
    }
    case "instance":
      return checkInstance(what, item, type.type, scope, offset);
      // What a component or core module needs is checked when it is instantiated.
  }
}

function checkInstance(what: string, item: Item, type: number, around: Scope, offset: number): void {
  const declared = around.get("type", type, offset);
  if (declared.kind !== "scope" || declared.def.kind !== "instance-type") {
    around.fail(`type index ${type} is not an instance type`, offset);
  }
  if (item.sort !== "instance") return;
  const scope = new Scope(declared.scope, around.name, around.types);
  for (const d of declared.def.declarations) {
    scope.spend(1, d.offset);
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
        const name = JSON.stringify(d.name.name);
        const found = item.item.get(d.name.name) ??
          scope.fail(`type mismatch for ${what}: missing expected export ${name}`, offset);
        checkMatches(`export ${name} of ${what}`, found, d.type, scope, offset);
        // From here on, the declared type is the actual one.
        scope.addItem(found);
        break;
      }
      case "import":
        scope.fail("an instance type cannot import", d.offset);
    }
  }
}

function typeDifference(declared: TypeItem, found: TypeItem): string | undefined {
  if (declared.kind !== found.kind) return `expected ${declared.kind} type, found ${found.kind} type`;
  switch (declared.kind) {
    case "value":
      return valueDifference(declared.type, (found as typeof declared).type);
    case "func":
      return funcDifference(declared.type, (found as typeof declared).type);
    case "resource":
      return declared.resource === (found as typeof declared).resource ? undefined : "resource types are not the same";
    case "scope":
      return undefined;
  }
}

function valueDifference(declared: ValueType | undefined, found: ValueType | undefined): string | undefined {
  if (declared === found) return undefined;
  if (declared === undefined || found === undefined) return `expected ${kind(declared)}, found ${kind(found)}`;
  const isHandle = (type: ValueType) => type.kind === "own" || type.kind === "borrow";
  if (isHandle(declared) && declared.kind === found.kind) return "resource types are not the same";
  return declared.kind === found.kind
    ? `another ${declared.kind} type than expected`
    : `expected ${kind(declared)}, found ${kind(found)}`;
}

function kind(type: ValueType | undefined): string {
  return type === undefined ? "nothing" : type.kind;
}

function funcDifference(declared: FuncType, found: FuncType): string | undefined {
  if (declared.async !== found.async) return `expected ${declared.async ? "an async" : "a sync"} function`;
  if (declared.params.length !== found.params.length) {
    return `expected ${declared.params.length} parameters, found ${found.params.length}`;
  }
  for (let i = 0; i < declared.params.length; i++) {
    const [a, b] = [declared.params[i]!, found.params[i]!];
    if (a.name !== b.name) return `expected parameter named ${JSON.stringify(a.name)}, found ${JSON.stringify(b.name)}`;
    const difference = valueDifference(a.type, b.type);
    if (difference !== undefined) return `in parameter ${JSON.stringify(a.name)}: ${difference}`;
  }
  const difference = valueDifference(declared.result, found.result);
  return difference === undefined ? undefined : `in the result: ${difference}`;
}
