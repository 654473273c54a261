/**
 * Links a plan with a host: makes every function that core code imports, once for all isolates.
 *
 * @module
 */
import type { HostImports } from "../mod.ts";
import { componentFace, HostFace } from "./faces.ts";
import { compileLift, hostFacing, type LiftedCall, lowerLifted, suspending } from "./guest_call.ts";
import { resolveHost } from "./host.ts";
import { lowerHost, type ResolvedHost } from "./host_call.ts";
import type { CoreFunction, NativeIsolate } from "./isolate.ts";
import type { CoreItem, Func, HostFunc, LiftedFunc, Plan, Synth } from "./plan.ts";
import { resourceDrop, resourceNew, resourceRep } from "./resource_calls.ts";

/** A function that core code imports. */
export interface CoreImportFunction {
  /** The function itself, for JavaScript to call. */
  readonly call: CoreFunction;
  /** What goes into an import object: the function, or one that suspends the guest. */
  readonly value: WebAssembly.ImportValue;
}

export interface LinkedPlan {
  readonly plan: Plan;
  readonly modules: readonly WebAssembly.Module[];
  /** By the index of the synthetic function. */
  readonly functions: readonly CoreImportFunction[];
  /** For each core instance, what makes its import object. */
  readonly imports: readonly ((isolate: NativeIsolate) => WebAssembly.Imports)[];
  /** How the host calls an exported function. */
  exported(func: Func): (isolate: NativeIsolate, values: unknown[]) => Promise<unknown>;
}

export function link(plan: Plan, modules: readonly WebAssembly.Module[], host: HostImports): LinkedPlan {
  return new Linker(plan, modules, host).linked();
}

class Linker {
  readonly #plan: Plan;
  readonly #modules: readonly WebAssembly.Module[];
  readonly #face = new HostFace();
  readonly #host: ReadonlyMap<HostFunc, ResolvedHost>;
  /** Whether the code of a component instance may be suspended. */
  readonly #suspends: boolean[];
  readonly #exported = new Map<Func, (isolate: NativeIsolate, values: unknown[]) => Promise<unknown>>();

  constructor(plan: Plan, modules: readonly WebAssembly.Module[], host: HostImports) {
    this.#plan = plan;
    this.#modules = modules;
    this.#host = resolveHost(plan, host, this.#face);
    this.#suspends = plan.owners.map(() => false);
    // Calls go from one component to another, and a cycle is possible: until nothing changes.
    for (let changed = true; changed;) {
      changed = false;
      for (const synth of plan.synths) {
        if (!this.#suspends[synth.owner] && this.#waits(synth)) changed = this.#suspends[synth.owner] = true;
      }
    }
  }

  linked(): LinkedPlan {
    const functions = this.#plan.synths.map((synth): CoreImportFunction => {
      const call = this.#synth(synth);
      return { call, value: this.#waits(synth) ? suspending(call) : call };
    });
    return {
      plan: this.#plan,
      modules: this.#modules,
      functions,
      imports: this.#plan.instances.map(({ imports }) => importObject(imports, functions)),
      exported: (func) => this.#export(func),
    };
  }

  /** Whether a function may return a promise, for which the guest that calls it is suspended. */
  #waits(synth: Synth): boolean {
    switch (synth.kind) {
      case "lower":
        return synth.func.kind === "host" ? this.#host.get(synth.func)!.waits : this.#suspends[synth.func.owner]!;
      case "resource.drop": {
        const destructor = this.#plan.destructors.get(synth.resource);
        return destructor !== undefined && this.#suspends[destructor.owner]!;
      }
      default:
        return false;
    }
  }

  #synth(synth: Synth): CoreFunction {
    switch (synth.kind) {
      case "lower": {
        const { func, options } = synth;
        if (func.kind === "host") return lowerHost(func, this.#host.get(func)!, options, this.#face);
        const call = this.#lift(func, componentFace, this.#entered(func.owner, synth.owner));
        return lowerLifted(func, call, options, componentFace);
      }
      case "resource.new":
        return resourceNew(synth.resource);
      case "resource.rep":
        return resourceRep(synth.resource);
      case "resource.drop": {
        const { resource, owner } = synth;
        const destructor = this.#plan.destructors.get(resource);
        const entered = resource.owner === undefined ? [] : this.#entered(resource.owner, owner);
        return resourceDrop(
          resource,
          destructor,
          entered,
          destructor !== undefined && this.#suspends[destructor.owner]!,
        );
      }
      default:
        throw new Error(`${synth.kind} is not linked`);
    }
  }

  #lift(lift: LiftedFunc, face: typeof componentFace, entered: readonly number[]): LiftedCall {
    return compileLift(lift, face, entered, this.#suspends[lift.owner]!);
  }

  /** The component instances that a call enters: the callee and those around it, without the caller and those around it. */
  #entered(callee: number, caller: number | undefined): number[] {
    const outside = new Set(this.#lineage(caller));
    return this.#lineage(callee).filter((index) => !outside.has(index));
  }

  #lineage(index: number | undefined): number[] {
    const lineage: number[] = [];
    for (let at = index; at !== undefined; at = this.#plan.owners[at]) lineage.push(at);
    return lineage;
  }

  #export(func: Func): (isolate: NativeIsolate, values: unknown[]) => Promise<unknown> {
    let call = this.#exported.get(func);
    if (call === undefined) {
      if (func.kind === "host") {
        const { invoke } = this.#host.get(func)!;
        call = (isolate, values) => isolate.inTask(async () => await invoke(values));
      } else call = hostFacing(func, this.#lift(func, this.#face, this.#entered(func.owner, undefined)));
      this.#exported.set(func, call);
    }
    return call;
  }
}

/** What makes the import object of a core instance; what is the same in every isolate is made here, once. */
function importObject(
  imports: ReadonlyMap<string, ReadonlyMap<string, CoreItem>>,
  functions: readonly CoreImportFunction[],
): (isolate: NativeIsolate) => WebAssembly.Imports {
  const fixed: WebAssembly.Imports = Object.create(null);
  const varying: [module: string, base: WebAssembly.ModuleImports, items: [string, CoreItem & { kind: "export" }][]][] =
    [];
  for (const [module, fields] of imports) {
    const base: WebAssembly.ModuleImports = Object.create(null);
    const items: [string, CoreItem & { kind: "export" }][] = [];
    for (const [name, item] of fields) {
      if (item.kind === "synth") base[name] = functions[item.index]!.value;
      else items.push([name, item]);
    }
    fixed[module] = base;
    if (items.length > 0) varying.push([module, base, items]);
  }
  if (varying.length === 0) return () => fixed;
  return (isolate) => {
    const made: WebAssembly.Imports = { __proto__: null, ...fixed } as unknown as WebAssembly.Imports;
    for (const [module, base, items] of varying) {
      const fields = { __proto__: null, ...base } as unknown as WebAssembly.ModuleImports;
      for (const [name, item] of items) fields[name] = isolate.export(item);
      made[module] = fields;
    }
    return made;
  };
}
