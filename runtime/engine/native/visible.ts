/**
 * What names say about types, and which types have names: whoever uses a component must be able to refer to them.
 *
 * Implements "External Visibility of Types" of the Component Model's Explainer.md, and the rules for `[constructor]`,
 * `[method]` and `[static]` of "Import and Export Definitions" in Binary.md.
 *
 * @module
 */
import { parseFunctionName } from "../../component/mod.ts";
import { instanceOf } from "./declare.ts";
import type { FuncTypeItem, InstanceItem, Item, Scope, TypeItem } from "./scope.ts";

type Kind = "import" | "export";

/** Instances in each other: whoever walks them must not exhaust the stack. */
const MAX_DEPTH = 100;

/** The types that have names in one component or component type, or in an instance type inside of it. */
export class Visible {
  readonly #around: Visible | undefined;
  readonly #named: Record<Kind, Set<TypeItem>> = { import: new Set(), export: new Set() };
  /** What has been gone through: what had a name keeps it. */
  readonly #known: Record<Kind, Set<TypeItem | InstanceItem>> = { import: new Set(), export: new Set() };
  /** What has been gone through and had none, for as long as no other type gets a name: each scope inside asks again. */
  readonly #unnamed: Record<Kind, Set<TypeItem>> = { import: new Set(), export: new Set() };

  constructor(around?: Visible) {
    this.#around = around;
  }

  /** @throws {SkerryError} `component-malformed`, when types in it have no names. */
  add(kind: Kind, name: string, item: Item, scope: Scope, offset: number): void {
    if (this.#add(kind, item, scope, offset, 0)) return;
    scope.fail(
      `${item.sort} not valid to be used as ${kind}: a type in ${
        JSON.stringify(name)
      } has not been ${kind}ed by a name`,
      offset,
    );
  }

  #add(kind: Kind, item: Item, scope: Scope, offset: number, depth: number): boolean {
    if (depth > MAX_DEPTH) scope.fail(`instances are nested deeper than ${MAX_DEPTH}`, offset);
    switch (item.sort) {
      case "type":
        if (!this.#isComplete(kind, item.item, scope, offset, depth)) return false;
        this.#named[kind].add(item.item);
        this.#unnamed.import.clear();
        this.#unnamed.export.clear();
        return true;
      case "func":
        return item.item.type.refs.every((ref) => this.#isNamed(kind, ref));
      case "value":
        return item.item.refs.every((ref) => this.#isNamed(kind, ref));
      case "instance":
        if (this.#known[kind].has(item.item)) return true;
        this.#known[kind].add(item.item);
        for (const [, inner] of item.item) {
          scope.spend(1, offset);
          if (!this.#add(kind, inner, scope, offset, depth + 1)) return false;
        }
        return true;
      default:
        return true;
    }
  }

  /** Whether a type may be named: what is in it is. */
  #isComplete(kind: Kind, item: TypeItem, scope: Scope, offset: number, depth: number): boolean {
    if (item.kind !== "scope") return item.refs.every((ref) => this.#isNamed(kind, ref));
    if (item.def.kind === "component-type") return true;
    // Its own types have names in it.
    const inside = new Visible(this);
    return inside.#add(kind, { sort: "instance", item: instanceOf(item) }, scope, offset, depth + 1);
  }

  #isNamed(kind: Kind, item: TypeItem): boolean {
    if (this.#known[kind].has(item) || this.#named.import.has(item)) return true;
    if (kind === "export" && this.#named.export.has(item)) return true;
    if (this.#unnamed[kind].has(item)) return false;
    if (this.#around !== undefined && this.#around.#isNamed(kind, item)) return true;
    const needsName = item.kind === "resource" ||
      item.kind === "value" && NOMINAL.has(item.type.kind);
    const isNamed = !needsName && item.refs.every((ref) => this.#isNamed(kind, ref));
    (isNamed ? this.#known : this.#unnamed)[kind].add(item);
    return isNamed;
  }
}

const NOMINAL: ReadonlySet<string> = new Set(["record", "variant", "enum", "flags"]);

/** The resources of one component or type by their names, which functions may belong to. */
export class ExternNames {
  /** By the types, and by `import` or `export` and the name. */
  readonly #names = new Map<TypeItem, string>();
  readonly #known = new Set<string>();

  /** @throws {SkerryError} `component-malformed`, when the name says something that the type does not. */
  add(kind: Kind, name: string, item: Item, scope: Scope, offset: number): void {
    if (item.sort === "type" && item.item.kind === "resource") {
      this.#names.set(item.item, kind + name);
      this.#known.add(kind + name);
    }
    if (name[0] !== "[" || item.sort !== "func") return;
    const problem = this.#problem(kind, name, item.item.type);
    if (problem !== undefined) scope.fail(`${kind} name ${JSON.stringify(name)}: ${problem}`, offset);
  }

  #problem(side: Kind, name: string, func: FuncTypeItem): string | undefined {
    const { kind, resource } = parseFunctionName(name);
    switch (kind) {
      case "function":
        return undefined;
      case "static":
        return this.#known.has(side + resource) ? undefined : `there is no resource ${resource} before it`;
      case "constructor": {
        const { result } = func;
        const own = result?.kind === "value" && result.type.kind === "result" && result.type.ok?.kind === "own"
          ? result.refs[0]
          : result;
        if (own?.kind !== "value" || own.type.kind !== "own") {
          return "a constructor should return one value, `(own $T)` or `(result (own $T))`";
        }
        return this.#mismatch(own, side, resource!);
      }
      case "method": {
        const [self] = func.type.params;
        if (self?.name !== "self") return "a method should have a first argument called `self`";
        if (self.type.kind !== "borrow") return "a method should take a first argument of `(borrow $T)`";
        return this.#mismatch(func.first!, side, resource!);
      }
    }
  }

  #mismatch(handle: TypeItem, side: Kind, wanted: string): string | undefined {
    const found = this.#names.get(handle.refs[0]!);
    if (found === side + wanted) return undefined;
    if (found === undefined || !found.startsWith(side)) return "the resource in it has no name here";
    return `it is of the resource ${JSON.stringify(found.slice(side.length))}`;
  }
}
