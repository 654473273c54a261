/**
 * Core modules and components that the host gives a component: their bytes, as an import or in an imported instance.
 *
 * What they are is known when the component is linked. They are put behind it then, and all is worked out once more, with
 * the parts in the places of their types.
 *
 * @module
 */
import { binaryKind, decodeComponent, findCompatible } from "../../component/mod.ts";
import { SkerryError } from "../../errors.ts";
import type { HostImports } from "../mod.ts";
import { DeclaredInstance } from "./declare.ts";
import { isEmpty, partIn } from "./host.ts";
import { memberName, PART } from "./host_imports.ts";
import { checkComponent, moduleDifference } from "./match.ts";
import type { ImportPlan, Plan } from "./plan.ts";
import { type ComponentItem, type InstanceItem, type Item, type Loading, type ModuleItem, Scope } from "./scope.ts";

/** Where each part lies, by {@linkcode keyOf} its place. */
export type GivenParts = ReadonlyMap<string, { readonly start: number; readonly end: number }>;

export const NO_PARTS: GivenParts = new Map();

/** What parts are made of. */
export interface PartSource extends Loading {
  readonly given: GivenParts;
  module(start: number, end: number): ModuleItem;
  component(start: number, end: number): ComponentItem;
}

/** @param path the import's name, and those in the host's object that lead to the part */
function keyOf(path: readonly string[]): string {
  return JSON.stringify(path);
}

/** Whether a component can be worked out only when the host is known. */
export function needsParts({ imports }: Plan): boolean {
  const needs = ({ parts, instances }: ImportPlan): boolean => parts.size > 0 || [...instances.values()].some(needs);
  return imports.some(needs);
}

/** A component with the parts that the host gives it behind it. */
export interface Joined {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly given: GivenParts;
}

/**
 * Puts together what the host has; that it has all of it is for others to say.
 *
 * @throws {SkerryError} `component-import-missing`, where what it has is nothing of the kind.
 */
export function joined(bytes: Uint8Array, { imports, name: component }: Plan, host: HostImports): Joined {
  const all: (readonly [key: string, part: Uint8Array])[] = [];
  const look = (path: readonly string[], { instances, kind, parts }: ImportPlan, offered: unknown): void => {
    for (const [name, sort] of parts) {
      const part = partIn(offered, name, kind);
      if (part === undefined) continue;
      const found = binaryKind(part).replace("-", " ");
      if (found === "neither") refuse(component, [...path, name], "its bytes are no WebAssembly binary");
      if (found !== sort) refuse(component, [...path, name], `it is a ${found}, not a ${sort}`);
      all.push([keyOf([...path, name]), part]);
    }
    for (const [name, inner] of instances) {
      if (isEmpty(inner) || typeof offered !== "object" || offered === null) continue;
      look([...path, name], inner, (offered as Record<string, unknown>)[name]);
    }
  };
  for (const plan of imports) look([plan.name], plan, host[findCompatible(plan.name, Object.keys(host)) ?? ""]);
  const together = new Uint8Array(all.reduce((sum, [, part]) => sum + part.length, bytes.length));
  together.set(bytes);
  const given = new Map<string, { start: number; end: number }>();
  let at = bytes.length;
  for (const [key, part] of all) {
    together.set(part, at);
    given.set(key, { start: at, end: at += part.length });
  }
  return { bytes: together, given };
}

/**
 * An import with the parts that the host has given in the places of their types.
 *
 * @throws {SkerryError} `component-import-missing`, where a part is not of its type.
 */
export function withParts(name: string, item: Item, source: PartSource, scope: Scope, offset: number): Item {
  const filler = new Filler(source, scope, offset);
  return item.sort === "instance" ? filler.fill([name], item) : filler.fill([name, PART], item);
}

class Filler {
  readonly #source: PartSource;
  readonly #scope: Scope;
  readonly #offset: number;

  constructor(source: PartSource, scope: Scope, offset: number) {
    this.#source = source;
    this.#scope = scope;
    this.#offset = offset;
  }

  fill(path: readonly string[], item: Item): Item {
    switch (item.sort) {
      case "core module": {
        const place = this.#source.given.get(keyOf(path));
        if (place === undefined) return item;
        const found = this.#source.module(place.start, place.end);
        const difference = moduleDifference(item.item, found, this.#scope, this.#offset);
        if (difference !== undefined) refuse(this.#source.name, path, difference);
        // No more of it is seen than its type says.
        return { sort: item.sort, item: { ...item.item, module: found.module } };
      }
      case "component":
        return { sort: item.sort, item: this.#component(path, item.item) };
      case "instance":
        return item.item instanceof DeclaredInstance
          ? { sort: item.sort, item: this.#instance(path, item.item) }
          : item;
      default:
        return item;
    }
  }

  #component(path: readonly string[], item: ComponentItem): ComponentItem {
    const place = this.#source.given.get(keyOf(path));
    if (place === undefined || !("type" in item)) return item;
    const found = this.#source.component(place.start, place.end);
    try {
      const wanted = { kind: "scope", def: item.type, scope: item.scope, refs: [], hasResource: false } as const;
      checkComponent("it", found, { ...wanted, spare: { declared: undefined } }, this.#offset);
    } catch (error) {
      if (error instanceof SkerryError) refuse(this.#source.name, path, error.message);
      throw error;
    }
    return found;
  }

  #instance(path: readonly string[], item: DeclaredInstance): InstanceItem {
    let changed = false;
    const exports = new Map<string, Item>();
    for (const [name, inner] of item) {
      const filled = this.fill([...path, memberName(name)], inner);
      changed ||= filled !== inner && filled.item !== inner.item;
      exports.set(name, filled);
    }
    return changed ? exports : item;
  }
}

function refuse(component: string, path: readonly string[], problem: string): never {
  throw new SkerryError(
    "component-import-missing",
    `linking ${component}: the host's ${path.join("#")} is not what the component imports: ${problem}`,
  );
}

/** The scope of a component that stands in no other one, with what it says. */
export function partComponent(bytes: Uint8Array, start: number, end: number, loading: Loading): ComponentItem {
  const model = decodeComponent(bytes.subarray(0, end), loading.name, start);
  return { model, scope: new Scope(undefined, loading, "component") };
}
