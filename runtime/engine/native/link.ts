/**
 * Links a plan with a host: makes every function that core code imports, once for all isolates.
 *
 * @module
 */
import { enterTask } from "../../context.ts";
import type { HostImports } from "../mod.ts";
import {
  builtinWaits,
  errorContextMessage,
  errorContextNew,
  plainBuiltin,
  taskReturn,
  waitOrPoll,
} from "./async/builtins.ts";
import { copyBuiltin, copyWaits } from "./async/copy_calls.ts";
import { type AsyncCall, compileAsyncLift } from "./async/lift.ts";
import { lowerAsyncHost, lowerAsyncLifted } from "./async/lower.ts";
import { asyncHostFacing } from "./async/export.ts";
import { newIndirect } from "./async/threads.ts";
import { componentStart, type ValueSlot } from "./component_values.ts";
import { usesAsync } from "./uses_async.ts";
import { componentFace, HostFace } from "./faces.ts";
import { compileLift, hostFacing, type LiftedCall, lowerLifted } from "./guest_call.ts";
import { resolveHost } from "./host.ts";
import { lowerHost, type ResolvedHost } from "./host_call.ts";
import { METER, type Meter } from "../metering.ts";
import { meterImports } from "./metering.ts";
import type { NativeIsolate } from "./isolate.ts";
import type { CoreItem, CoreModulePlan, Func, HostFunc, LiftedFunc, Plan, Synth } from "./plan.ts";
import { resourceDrop, resourceNew, resourceRep } from "./resource_calls.ts";
import { lateCall, wideRealloc } from "./late_call.ts";
import type { InstancePool } from "./pool.ts";
import { isUnobservable } from "./shim.ts";
import { lowerSignature } from "./signatures.ts";
import { suspendingOnPromise } from "./trampoline.ts";
import { CallGraph } from "./code.ts";
import { type CoreFunction, now, suspending } from "./thread.ts";
import { Trap } from "./trap.ts";
import { laidOut, wideType } from "./wide.ts";

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
  /** For each component instance, itself and those around it. */
  readonly lineages: readonly (readonly number[])[];
  readonly usesAsync: boolean;
  /** For each core instance, what makes its import object. */
  readonly imports: readonly ((isolate: NativeIsolate) => WebAssembly.Imports)[];
  /** Which core instances are made only when something of them is needed. */
  readonly lazy: readonly boolean[];
  /** For each core instance, the exports that are memories of its own. */
  readonly memories: readonly (readonly string[])[];
  /** For each component instance, whether its code may be suspended. */
  readonly suspends: readonly boolean[];
  /** Where core instances come from and go to, if they can be restored. */
  readonly pool: InstancePool | undefined;
  /** The hooks of metered modules, if they are metered. */
  readonly meter: Meter | undefined;
  /** Whether a guest may not cancel what is in a set, not even where that is over at once. */
  readonly strict: boolean;
  /** How the host calls an exported function. */
  exported(func: Func): (isolate: NativeIsolate, values: readonly unknown[]) => unknown;
  /** The values that the host gave. */
  readonly values: ReadonlyMap<ValueSlot, unknown>;
}

export function link(
  plan: Plan,
  modules: readonly WebAssembly.Module[],
  host: HostImports,
  bytes: Uint8Array,
  { pool, meter, strict }: Pick<LinkedPlan, "pool" | "meter" | "strict">,
): LinkedPlan {
  return new Linker(plan, modules, host, bytes, meter, strict).linked(pool);
}

class Linker {
  readonly #plan: Plan;
  readonly #modules: readonly WebAssembly.Module[];
  readonly #face = new HostFace();
  readonly #host: ReadonlyMap<HostFunc, ResolvedHost>;
  /** Whether the code of a component instance may be suspended. */
  readonly #suspends: boolean[];
  readonly #async: boolean;
  readonly #bytes: Uint8Array;
  readonly #meter: Meter | undefined;
  readonly #strict: boolean;
  readonly #callGraphs = new Map<number, CallGraph>();
  readonly #exported = new Map<Func, (isolate: NativeIsolate, values: readonly unknown[]) => unknown>();

  constructor(
    plan: Plan,
    modules: readonly WebAssembly.Module[],
    host: HostImports,
    bytes: Uint8Array,
    meter: Meter | undefined,
    strict: boolean,
  ) {
    this.#strict = strict;
    this.#meter = meter;
    this.#plan = plan;
    this.#bytes = bytes;
    this.#modules = modules;
    this.#host = resolveHost(plan, host, this.#face);
    this.#async = usesAsync(plan);
    this.#suspends = plan.owners.map(() => false);
    // Calls go from one component to another, and a cycle is possible: until nothing changes.
    for (let changed = true; changed;) {
      changed = false;
      for (const synth of plan.synths) {
        if (!this.#suspends[synth.owner] && this.#waits(synth)) changed = this.#suspends[synth.owner] = true;
      }
    }
  }

  linked(pool: InstancePool | undefined): LinkedPlan {
    const functions = this.#plan.synths.map((synth): CoreImportFunction => {
      const call = this.#synth(synth);
      if (this.#waits(synth)) {
        if (synth.kind !== "lower" || synth.func.kind !== "host" || synth.func.type.async) {
          return { call, value: suspending(call) };
        }
      } else if (this.#meter === undefined || !this.#callsComponent(synth)) return { call, value: call };
      // Another component may have to let others run, where its caller can be suspended.
      return { call, value: suspendingOnPromise(call, lowerSignature(synth.func.type, synth.options)) };
    });
    const meter = this.#meter && meterImports(this.#meter);
    return {
      plan: this.#plan,
      modules: this.#modules,
      functions,
      pool,
      meter: this.#meter,
      strict: this.#strict,
      suspends: this.#suspends,
      lineages: this.#plan.owners.map((_, index) => this.#lineage(index)),
      usesAsync: this.#async,
      lazy: this.#plan.instances.map(({ module }) => isUnobservable(this.#plan.modules[module]!.shape)),
      memories: this.#plan.instances.map(({ module }) => ownMemories(this.#plan.modules[module]!)),
      imports: this.#plan.instances.map(({ imports }) => importObject(imports, functions, meter)),
      exported: (func) => this.#export(func),
      values: this.#face.values,
    };
  }

  /** Whether a function may return a promise, for which the guest that calls it is suspended. */
  #waits(synth: Synth): boolean {
    switch (synth.kind) {
      case "lower": {
        const { func, options } = synth;
        if (func.kind === "lift") {
          if (this.#related(func.owner, synth.owner)) return false;
          // A call that begins may suspend where the callee's code may; one that is waited for, wherever it may block.
          return this.#suspends[func.owner]! || (func.type.async && !options.async);
        }
        return func.type.async ? !options.async : this.#host.get(func)!.waits && func.type.result?.kind !== "future";
      }
      case "resource.drop": {
        const destructor = this.#plan.destructors.get(synth.resource);
        return destructor !== undefined && this.#suspends[destructor.owner]!;
      }
      case "waitable-set.wait":
        return true;
      case "late":
        return this.#lateWaits(synth);
      case "stream":
      case "future":
        return copyWaits(synth);
      case "builtin":
        return builtinWaits(synth.canon);
      default:
        return false;
    }
  }

  #callsComponent(synth: Synth): synth is Synth & { kind: "lower"; func: LiftedFunc } {
    return synth.kind === "lower" && synth.func.kind === "lift" && !this.#related(synth.func.owner, synth.owner);
  }

  /** Whether a function of a core instance may reach one that waits. */
  #lateWaits({ target }: Synth & { kind: "late" }): boolean {
    const { module, imports } = this.#plan.instances[target.instance]!;
    const { shape } = this.#plan.modules[module]!;
    const reached = this.#calls(module, shape.exportIndices.get(target.name)!.index);
    const functions = shape.imports.filter((i) => i.kind === "func");
    return functions.some(({ module, name }, index) => {
      if (reached !== undefined && !reached.has(index)) return false;
      const item = imports.get(module)!.get(name)!;
      // The one function of another instance that an adapter calls is the allocator, which must not wait.
      return item.kind === "synth" && this.#waits(this.#plan.synths[item.index]!);
    });
  }

  #calls(module: number, func: number): ReadonlySet<number> | undefined {
    let graph = this.#callGraphs.get(module);
    if (graph === undefined) {
      graph = new CallGraph(this.#bytes, this.#plan.modules[module]!.shape);
      this.#callGraphs.set(module, graph);
    }
    return graph.reachable(func);
  }

  #synth(synth: Synth): CoreFunction {
    switch (synth.kind) {
      case "lower": {
        const { func, options } = synth;
        const type = laidOut(func.type, options);
        if (func.kind === "host") {
          const lower = func.type.async ? lowerAsyncHost : lowerHost;
          return lower({ ...func, type }, this.#host.get(func)!, options, this.#face);
        }
        if (this.#related(func.owner, synth.owner)) return refuseEntry;
        const entered = this.#entered(func.owner, synth.owner);
        const lift = { ...func, type };
        if (!this.#async) return lowerLifted(lift, this.#lift(func, entered, false), options, componentFace);
        return lowerAsyncLifted(lift, this.#asyncLift(func, entered, false), options, entered, componentFace);
      }
      case "resource.new":
        return resourceNew(synth.resource, synth.owner);
      case "resource.rep":
        return resourceRep(synth.resource, synth.owner);
      case "resource.drop": {
        const { resource, owner } = synth;
        const destructor = this.#plan.destructors.get(resource);
        const entered = resource.owner === undefined ? [] : this.#entered(resource.owner, owner);
        return resourceDrop(
          resource,
          owner,
          destructor,
          entered,
          destructor !== undefined && this.#suspends[destructor.owner]!,
        );
      }
      case "task.return": {
        const { owner, options, result } = synth;
        return taskReturn(result && options.wide ? wideType(result) : result, options, owner, this.#faces);
      }
      case "stream":
      case "future":
        return copyBuiltin(synth, this.#faces, this.#strict);
      case "error-context.new":
        return errorContextNew(synth.options, synth.owner);
      case "error-context.debug-message":
        return errorContextMessage(synth.options, synth.owner);
      case "waitable-set.wait":
      case "waitable-set.poll":
        return waitOrPoll(synth.kind === "waitable-set.wait", synth.cancellable, synth.cx, synth.owner);
      case "thread.new-indirect":
        return newIndirect(synth.table, synth.type, synth.owner);
      case "start":
        return componentStart(synth, this.#export(synth.func), this.#face.values);
      case "wide-realloc":
        return wideRealloc(synth.target);
      case "late":
        return lateCall(synth.target, this.#waits(synth));
      case "builtin":
        return plainBuiltin(synth.canon, synth.owner, this.#strict);
    }
  }

  get #faces() {
    return { host: this.#face, component: componentFace };
  }

  #asyncLift(func: LiftedFunc, entered: readonly number[], toHost: boolean): AsyncCall {
    const lift = { ...func, type: laidOut(func.type, func.options) };
    const suspends = this.#maySuspend(lift.owner, toHost);
    const metered = this.#meter !== undefined;
    return compileAsyncLift(lift, toHost ? this.#face : componentFace, { entered, suspends, metered, toHost });
  }

  #lift(func: LiftedFunc, entered: readonly number[], toHost: boolean): LiftedCall {
    const lift = { ...func, type: laidOut(func.type, func.options) };
    const suspends = this.#maySuspend(lift.owner, toHost);
    const metered = this.#meter !== undefined;
    return compileLift(lift, toHost ? this.#face : componentFace, { entered, suspends, metered, toHost });
  }

  /** Whether a call of a component instance can be suspended: any call by the host, so that others can run. */
  #maySuspend(owner: number, toHost: boolean): boolean {
    return this.#suspends[owner]! || toHost && this.#meter !== undefined;
  }

  /** The component instances that a call enters: the callee and those around it, without the caller and those around it. */
  #entered(callee: number, caller: number | undefined): number[] {
    const outside = new Set(this.#lineage(caller));
    return this.#lineage(callee).filter((index) => !outside.has(index));
  }

  /** Whether one component instance is inside the other, or is the other. */
  #related(a: number, b: number): boolean {
    return this.#lineage(a).includes(b) || this.#lineage(b).includes(a);
  }

  #lineage(index: number | undefined): number[] {
    const lineage: number[] = [];
    for (let at = index; at !== undefined; at = this.#plan.owners[at]) lineage.push(at);
    return lineage;
  }

  #export(func: Func): (isolate: NativeIsolate, values: readonly unknown[]) => unknown {
    let call = this.#exported.get(func);
    if (call === undefined) {
      if (func.kind === "host") {
        const { invoke } = this.#host.get(func)!;
        call = (isolate, values) =>
          isolate.inTask(async () => {
            enterTask();
            return await invoke(values);
          });
      } else {
        const entered = this.#entered(func.owner, undefined);
        call = this.#async
          ? asyncHostFacing(func, this.#asyncLift(func, entered, true))
          : hostFacing(func, this.#lift(func, entered, true));
      }
      this.#exported.set(func, call);
    }
    return call;
  }
}

function ownMemories({ shape }: CoreModulePlan): string[] {
  const exported = [...shape.exportIndices].filter(([, { kind, index }]) =>
    kind === "memory" && index >= shape.importedMemories
  );
  return [...new Map(exported.map(([name, { index }]) => [index, name])).values()];
}

/** For now no component may call into one that it is inside of, nor into one inside of it. */
function refuseEntry(): never {
  const { isolate } = now.thread;
  throw isolate.fail(new Trap("cannot enter component instance"));
}

/** What makes the import object of a core instance; what is the same in every isolate is made here, once. */
function importObject(
  imports: ReadonlyMap<string, ReadonlyMap<string, CoreItem>>,
  functions: readonly CoreImportFunction[],
  meter: WebAssembly.ModuleImports | undefined,
): (isolate: NativeIsolate) => WebAssembly.Imports {
  const fixed: WebAssembly.Imports = Object.create(null);
  if (meter !== undefined) fixed[METER] = meter;
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
