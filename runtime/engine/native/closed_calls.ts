/**
 * What code of a component does the same in every isolate.
 *
 * @module
 */
import { CallGraph } from "./code.ts";
import type { CoreItem, Plan } from "./plan.ts";

/** Which calls depend on nothing but the component's own instances. */
export class ClosedCalls {
  readonly #bytes: Uint8Array;
  readonly #plan: Plan;
  readonly #graphs = new Map<number, CallGraph>();

  constructor(bytes: Uint8Array, plan: Plan) {
    this.#bytes = bytes;
    this.#plan = plan;
  }

  /** Whether calling a function of an instance reaches nobody else, neither itself nor through other instances. */
  isClosed(instance: number, func: number): boolean {
    const seen = new Set<string>();
    const reached: [instance: number, func: number][] = [[instance, func]];
    for (const [instance, func] of reached) {
      const key = `${instance} ${func}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const { module, imports } = this.#plan.instances[instance]!;
      const { shape } = this.#plan.modules[module]!;
      const called = this.#graph(module).importsOf(func);
      if (called === undefined) return false;
      const functions = called.length === 0 ? [] : shape.imports.filter(({ kind }) => kind === "func");
      for (const index of called) {
        const { module, name } = functions[index]!;
        const item = imports.get(module)?.get(name);
        if (item?.kind !== "export") return false;
        reached.push([item.instance, this.#indexOf(item)]);
      }
    }
    return true;
  }

  /** The same of a core definition. */
  isClosedItem(item: CoreItem): boolean {
    return item.kind === "export" && this.isClosed(item.instance, this.#indexOf(item));
  }

  #indexOf({ instance, name }: CoreItem & { readonly kind: "export" }): number {
    return this.#plan.modules[this.#plan.instances[instance]!.module]!.shape.exportIndices.get(name)!.index;
  }

  #graph(module: number): CallGraph {
    let graph = this.#graphs.get(module);
    if (graph === undefined) {
      this.#graphs.set(module, graph = new CallGraph(this.#bytes, this.#plan.modules[module]!.shape));
    }
    return graph;
  }
}
