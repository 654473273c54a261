/**
 * Whether what is given is what was asked for: the types of imports of nested components, and of exports that state one.
 *
 * Types are resolved with the actual resources in place of the abstract ones, so that equal types are the same object.
 *
 * @module
 */
import type { ExternType } from "../../component/mod.ts";
import { coreDifference } from "./core_match.ts";
import { declared, DeclaredInstance, declaredModule, goThrough, instanceOf, resourceItem } from "./declare.ts";
import type { ComponentItem, InstanceItem, Item, ModuleItem, Scope, ScopeTypeItem, TypeItem } from "./scope.ts";
import type { FuncType, ResourceType, ValueType } from "./types.ts";

/**
 * Checks `item` against a type that stands in `scope`.
 *
 * @throws {SkerryError} `component-malformed`, saying what differs.
 */
export function checkMatches(what: string, item: Item, type: ExternType, scope: Scope, offset: number): void {
  const differs = (why: string): never => scope.fail(`type mismatch for ${what}: ${why}`, offset);
  const wanted = type.kind === "core-module" ? "core module" : type.kind.split("-")[0]!;
  if (item.sort !== wanted) differs(`expected ${wanted}, found ${item.sort}`);
  let difference: string | undefined;
  switch (type.kind) {
    case "func": {
      const func = scope.func(type.type, offset);
      if (item.sort === "func") difference = funcDifference(func.type, item.item.type.type);
      break;
    }
    case "value":
      if (item.sort === "value") difference = valueDifference(scope.value(type.type, offset), item.item.type);
      break;
    case "value-eq": {
      const wanted = scope.get("value", type.index, offset);
      if (item.sort === "value" && item.item.slot !== wanted.slot) difference = "it is another value";
      break;
    }
    case "type-resource":
      if (item.sort === "type" && item.item.kind !== "resource") {
        difference = `expected resource, found ${item.item.kind}`;
      }
      break;
    case "type-eq": {
      const wanted = scope.get("type", type.type, offset);
      if (item.sort !== "type") break;
      difference = typeDifference(wanted, item.item);
      if (wanted.kind === "scope" && item.item.kind === "scope") checkScopeType(what, item.item, wanted, offset);
      break;
    }
    case "instance":
      if (item.sort === "instance") {
        checkInstance(what, item.item, scope.scopeType(type.type, "instance-type", offset), offset);
      }
      break;
    case "component":
      if (item.sort === "component") {
        checkComponent(what, item.item, scope.scopeType(type.type, "component-type", offset), offset);
      }
      break;
    case "core-module":
      if (item.sort === "core module") {
        difference = moduleDifference(declaredModule(type.type, scope, offset), item.item, scope, offset);
      }
  }
  if (difference !== undefined) differs(difference);
}

function checkInstance(what: string, item: InstanceItem, { def, scope }: ScopeTypeItem, offset: number): void {
  goThrough(def, scope, (d, scope) => {
    const name = JSON.stringify(d.name.name);
    const found = item.get(d.name.name) ??
      scope.fail(`type mismatch for ${what}: missing expected export ${name}`, offset);
    checkMatches(`export ${name} of ${what}`, found, d.type, scope, offset);
    // From here on, the declared type is the actual one.
    return found;
  });
}

/** A component is of a type if it can be instantiated with what the type imports, and then exports what the type does. */
export function checkComponent(what: string, item: ComponentItem, { def, scope }: ScopeTypeItem, offset: number): void {
  const args = new Map<string, Item>();
  goThrough(def, scope, (d, scope) => {
    const given = declared(d.name.name, d.type, scope, d.offset);
    if (d.kind === "import") args.set(d.name.name, given);
    return given;
  });
  const exports = scope.loading.tryInstance(item, args, offset);
  goThrough(def, scope, (d, scope) => {
    const name = JSON.stringify(d.name.name);
    if (d.kind === "import") return args.get(d.name.name)!;
    const found = exports.get(d.name.name) ??
      scope.fail(`type mismatch for ${what}: missing expected export ${name}`, offset);
    checkMatches(`export ${name} of ${what}`, found, d.type, scope, offset);
    return found;
  });
}

/** A type of instances or components may be given for another if what is of the one is of the other. */
function checkScopeType(what: string, found: ScopeTypeItem, wanted: ScopeTypeItem, offset: number): void {
  if (wanted.def.kind !== found.def.kind) wanted.scope.fail(`type mismatch for ${what}: another kind of type`, offset);
  if (wanted.def.kind === "instance-type") checkInstance(what, instanceOf(found), wanted, offset);
  else checkComponent(what, { type: found.def, scope: found.scope }, wanted, offset);
}

/** What is wrong with giving a core module for one of a type, if anything. */
export function moduleDifference(
  wanted: ModuleItem,
  found: ModuleItem,
  scope: Scope,
  offset: number,
): string | undefined {
  scope.spend(found.shape.imports.length + wanted.shape.imports.length + wanted.shape.exports.size, offset);
  const key = (module: string, name: string) => JSON.stringify([module, name]);
  const imports = new Map(wanted.shape.imports.map((given) => [key(given.module, given.name), given]));
  for (const needed of found.shape.imports) {
    const name = JSON.stringify(`${needed.module}::${needed.name}`);
    const given = imports.get(key(needed.module, needed.name));
    if (given === undefined) return `missing expected import ${name}`;
    const difference = coreDifference(needed, given);
    if (difference !== undefined) return `type mismatch in import ${name}: ${difference}`;
  }
  for (const [name, needed] of wanted.shape.exports) {
    const given = found.shape.exports.get(name);
    if (given === undefined) return `missing expected export ${JSON.stringify(name)}`;
    const difference = coreDifference(needed, given);
    if (difference !== undefined) return `type mismatch in export ${JSON.stringify(name)}: ${difference}`;
  }
  return undefined;
}

/** What others see of an item that has been checked against this type: no more than the type says. */
export function ascribed(name: string, item: Item, type: ExternType, scope: Scope, offset: number): Item {
  switch (item.sort) {
    case "func":
      return type.kind === "func"
        ? { sort: "func", item: { func: item.item.func, type: scope.func(type.type, offset) } }
        : item;
    case "type":
      if (type.kind === "type-eq") return { sort: "type", item: { ...scope.get("type", type.type, offset) } };
      if (item.item.kind !== "resource") return item;
      return { sort: "type", item: resourceItem(scope.types.abstracted(name, item.item.resource)) };
    case "instance": {
      if (type.kind !== "instance") return item;
      const { item: actual } = item;
      const { def, scope: around } = scope.scopeType(type.type, "instance-type", offset);
      const exports = new Map<string, Item>();
      const resources = new Map<string, ResourceType>();
      const { refersToResources } = goThrough(def, around, (d, scope) => {
        const { name } = d.name;
        const seen = ascribed(name, actual.get(name)!, d.type, scope, offset);
        exports.set(name, seen);
        return seen;
      });
      return {
        sort: "instance",
        item: new DeclaredInstance(() => ({ imports: new Map(), exports, resources, refersToResources })),
      };
    }
    case "core module":
      if (type.kind !== "core-module") return item;
      return { sort: item.sort, item: { ...declaredModule(type.type, scope, offset), module: item.item.module } };
    case "value":
      if (type.kind !== "value") return item;
      return { sort: "value", item: scope.valueItem(type.type, { real: item.item.slot }, offset) };
    default:
      return item;
  }
}

function typeDifference(wanted: TypeItem, found: TypeItem): string | undefined {
  if (wanted.kind !== found.kind) return `expected ${wanted.kind} type, found ${found.kind} type`;
  switch (wanted.kind) {
    case "value":
      return valueDifference(wanted.type, (found as typeof wanted).type);
    case "func":
      return funcDifference(wanted.type, (found as typeof wanted).type);
    case "resource":
      return wanted.resource === (found as typeof wanted).resource ? undefined : "resource types are not the same";
    case "scope":
      return undefined;
  }
}

/** The first difference; equal types are the same object. */
function valueDifference(wanted: ValueType | undefined, found: ValueType | undefined): string | undefined {
  if (wanted === found) return undefined;
  if (wanted === undefined || found === undefined || wanted.kind !== found.kind) {
    return `expected ${kind(wanted)}, found ${kind(found)}`;
  }
  switch (wanted.kind) {
    case "record":
      return membersDifference("field", wanted.fields, (found as typeof wanted).fields);
    case "variant":
      return membersDifference("case", wanted.cases, (found as typeof wanted).cases);
    case "flags":
    case "enum": {
      const named = (name: string) => ({ name, type: undefined });
      return membersDifference("label", wanted.labels.map(named), (found as typeof wanted).labels.map(named));
    }
    case "tuple": {
      const numbered = (type: ValueType, i: number) => ({ name: String(i), type });
      return membersDifference("element", wanted.types.map(numbered), (found as typeof wanted).types.map(numbered));
    }
    case "result":
      return inside("its ok", wanted.ok, (found as typeof wanted).ok) ??
        inside("its error", wanted.err, (found as typeof wanted).err);
    case "map":
      return inside("its keys", wanted.key, (found as typeof wanted).key) ??
        inside("its values", wanted.value, (found as typeof wanted).value);
    case "option":
      return inside("its value", wanted.type, (found as typeof wanted).type);
    case "list": {
      const { element, length } = found as typeof wanted;
      if (wanted.length !== length) {
        return `expected a list of ${wanted.length ?? "any"} elements, found ${length ?? "any"}`;
      }
      return inside("its elements", wanted.element, element);
    }
    case "stream":
    case "future":
      return inside("its elements", wanted.element, (found as typeof wanted).element);
    case "own":
    case "borrow":
      return "resource types are not the same";
    default:
      return undefined;
  }
}

function inside(what: string, wanted: ValueType | undefined, found: ValueType | undefined): string | undefined {
  const difference = valueDifference(wanted, found);
  return difference === undefined ? undefined : `in ${what}: ${difference}`;
}

type Members = readonly { readonly name: string; readonly type: ValueType | undefined }[];

function membersDifference(what: string, wanted: Members, found: Members): string | undefined {
  if (wanted.length !== found.length) return `expected ${wanted.length} ${what}s, found ${found.length}`;
  for (let i = 0; i < wanted.length; i++) {
    const [a, b] = [wanted[i]!, found[i]!];
    if (a.name !== b.name) return `expected ${what} named ${JSON.stringify(a.name)}, found ${JSON.stringify(b.name)}`;
    const difference = inside(`${what} ${JSON.stringify(a.name)}`, a.type, b.type);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function kind(type: ValueType | undefined): string {
  return type === undefined ? "nothing" : type.kind;
}

function funcDifference(wanted: FuncType, found: FuncType): string | undefined {
  if (wanted === found) return undefined;
  if (wanted.async !== found.async) return `expected ${wanted.async ? "an async" : "a sync"} function`;
  return membersDifference("parameter", wanted.params, found.params) ??
    inside("the result", wanted.result, found.result);
}

/** What is given for an import, which has to be of its type. */
export function argument(name: string, type: ExternType, scope: Scope, args: InstanceItem, offset: number): Item {
  const item = args.get(name);
  if (item === undefined) scope.fail(`missing import named ${JSON.stringify(name)}`, offset);
  checkMatches(`import ${JSON.stringify(name)}`, item, type, scope, offset);
  return item;
}
