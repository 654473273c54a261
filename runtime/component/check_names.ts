/**
 * Rules for the names of imports and exports that need no types: which ones may stand beside each other, and on what.
 *
 * Implements "Name Uniqueness" and the attributes of import and export names of the Component Model's Explainer.md.
 *
 * @module
 */
import type { ComponentModel, Declaration, Definition, ExternName, Sort, TypeDef } from "./model.ts";
import { isExternName, parseFunctionName } from "./names.ts";
import { malformed } from "./reader.ts";

/** Names of one scope, as they are compared: in many languages only a constructor may be called like its class. */
function compared(name: string): string {
  if (name[0] !== "[" || name.startsWith("[constructor")) return name.toLowerCase();
  const plain = name.slice(name.indexOf("]") + 1).toLowerCase();
  const [resource, member] = plain.split(".");
  return resource === member ? resource! : plain;
}

class Names {
  readonly #component: string;
  readonly #what: string;
  readonly #seen = new Map<string, string>();

  constructor(component: string, what: "import" | "export") {
    this.#component = component;
    this.#what = what;
  }

  add(extern: ExternName, sort: Sort, offset: number): void {
    const { name } = extern;
    const fail = (why: string): never => {
      throw malformed(this.#component, `${this.#what} name ${JSON.stringify(name)} ${why}`, offset);
    };
    const key = compared(name);
    const previous = this.#seen.get(key);
    if (previous !== undefined) fail(`conflicts with previous name ${JSON.stringify(previous)}`);
    this.#seen.set(key, name);
    if (sort !== "func" && parseFunctionName(name).kind !== "function") fail("is not a func");
    if (extern.implements === undefined) {
      if (extern.versionSuffix !== undefined && !name.includes(":")) fail("has no version that could have a suffix");
      return;
    }
    if (sort !== "instance") fail("cannot have an `implements`: only instances can");
    if (name.includes(":")) fail("is not valid with `implements`: it is an interface name itself");
    if (!extern.implements.includes(":") || !isExternName(extern.implements)) {
      fail(`cannot implement ${JSON.stringify(extern.implements)}: it must be an interface`);
    }
  }
}

/** What sort an import or export with this kind of type is of. */
function sortOf(kind: string): Sort {
  if (kind === "core-module") return "core module";
  return kind.startsWith("type") ? "type" : kind.startsWith("value") ? "value" : kind as Sort;
}

/**
 * Checks the names of a component, and of all components and types inside it.
 *
 * @throws {SkerryError} `component-malformed`, with the offset.
 */
export function checkNames(model: ComponentModel, component: string): void {
  checkScope(model.definitions, component);
}

function checkScope(definitions: readonly (Definition | Declaration)[], component: string): void {
  const imports = new Names(component, "import");
  const exports = new Names(component, "export");
  for (const d of definitions) {
    switch (d.kind) {
      case "import":
        imports.add(d.name, sortOf(d.type.kind), d.offset);
        break;
      case "export":
        exports.add(d.name, d.sort, d.offset);
        break;
      case "export-decl":
        exports.add(d.name, sortOf(d.type.kind), d.offset);
        break;
      case "instance": {
        const own = new Names(component, "export");
        for (const { name, sort } of d.exports) own.add(name, sort, d.offset);
        break;
      }
      case "component":
        checkScope(d.component.definitions, component);
        break;
      case "type":
        checkType(d.type, component);
    }
  }
}

function checkType(type: TypeDef, component: string): void {
  if (type.kind === "component-type" || type.kind === "instance-type") checkScope(type.declarations, component);
}
