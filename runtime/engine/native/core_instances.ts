/**
 * Core instances: what is given to core modules, and what instances are made of.
 *
 * @module
 */
import type { CoreInstanceDef } from "../../component/mod.ts";
import { coreDifference } from "./core_match.ts";
import type { CoreImport } from "./core_module.ts";
import type { CoreItem, Synth } from "./plan.ts";
import type { CoreInstanceItem, ModuleItem, Scope } from "./scope.ts";
import { checkSynth } from "./signatures.ts";

/** What core items stand for. */
interface Made {
  /** Of the core instances. */
  readonly shapes: readonly ModuleItem["shape"][];
  readonly synths: readonly Synth[];
}

/** An instance that is made of exports. */
export function coreExports(d: CoreInstanceDef, scope: Scope, offset: number): CoreInstanceItem {
  const items = new Map<string, CoreItem>();
  for (const { name, sort, index } of d.exports) {
    const item = scope.get(sort, index, offset);
    if (!isCoreItem(item)) scope.fail(`a core instance cannot export a ${sort}`, offset);
    if (items.has(name)) scope.fail(`export name ${JSON.stringify(name)} already defined`, offset);
    items.set(name, item);
  }
  return items;
}

/** What a core module imports, of the instances that it is given. */
export function coreImports(
  d: CoreInstanceDef,
  shape: ModuleItem["shape"],
  scope: Scope,
  made: Made,
  offset: number,
): Map<string, Map<string, CoreItem>> {
  scope.spend(shape.imports.length, offset);
  const args = new Map<string, CoreInstanceItem>();
  for (const { name, instance } of d.args) {
    if (args.has(name)) scope.fail(`duplicate module instantiation argument named ${JSON.stringify(name)}`, offset);
    args.set(name, scope.get("core instance", instance, offset));
  }
  const imports = new Map<string, Map<string, CoreItem>>();
  for (const wanted of shape.imports) {
    const { module: from, name } = wanted;
    const instance = args.get(from) ??
      scope.fail(`missing module instantiation argument named ${JSON.stringify(from)}`, offset);
    const item = instance.get(name) ??
      scope.fail(
        `module instantiation argument ${JSON.stringify(from)} does not export ${JSON.stringify(name)}`,
        offset,
      );
    const problem = difference(wanted, item, made);
    if (problem !== undefined) {
      scope.fail(`type mismatch for export ${JSON.stringify(name)} of ${JSON.stringify(from)}: ${problem}`, offset);
    }
    let fields = imports.get(from);
    if (fields === undefined) imports.set(from, fields = new Map());
    fields.set(name, item);
  }
  return imports;
}

function difference(wanted: CoreImport, item: CoreItem, { shapes, synths }: Made): string | undefined {
  if (item.sort !== wanted.kind) return `expected ${wanted.kind}, found ${item.sort}`;
  if (item.kind === "export") return coreDifference(wanted, shapes[item.instance]!.exports.get(item.name)!);
  return wanted.func === undefined ? undefined : checkSynth(synths[item.index]!, wanted.func);
}

function isCoreItem(item: unknown): item is CoreItem {
  return typeof item === "object" && item !== null && "kind" in item &&
    (item.kind === "export" || item.kind === "synth");
}
