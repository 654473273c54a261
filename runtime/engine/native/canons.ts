/**
 * Canonical functions, worked out.
 *
 * @module
 */
import type { Canon, CanonOptions } from "../../component/mod.ts";
import { type ContextPlan, type CoreItem, type LiftedFunc, type OptionsPlan, sameItem, type Synth } from "./plan.ts";
import type { ModuleItem, Scope } from "./scope.ts";
import { checkLift, checkLower, checkOptions, type CoreSignature, same, synthSignature } from "./signatures.ts";
import type { FuncType, ValueType } from "./types.ts";

const REALLOC: CoreSignature = { params: ["i32", "i32", "i32", "i32"], results: ["i32"] };
const WIDE_REALLOC: CoreSignature = { params: ["i64", "i64", "i64", "i64"], results: ["i64"] };

/** What it needs of the elaborator. */
export interface Shared {
  /** Of the core instances. */
  readonly shapes: readonly ModuleItem["shape"][];
  unsupported(what: string, offset: number): never;
}

export class Canons {
  readonly contexts: ContextPlan[] = [];
  readonly synths: Synth[] = [];
  readonly lifts: LiftedFunc[] = [];
  readonly #shared: Shared;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  #options(o: CanonOptions, scope: Scope, owner: number, offset: number): OptionsPlan {
    const item = (sort: "core memory" | "core func", index: number | undefined) =>
      index === undefined ? undefined : scope.get(sort, index, offset);
    const memory = item("core memory", o.memory);
    const allocator = item("core func", o.realloc);
    const wide = this.#isWide(memory);
    const type = allocator && this.coreType(allocator);
    if (type !== undefined && !same(type, wide ? WIDE_REALLOC : REALLOC)) {
      scope.fail("canonical option `realloc` uses a core function with an incorrect signature", offset);
    }
    const realloc = allocator && wide ? this.#wideRealloc(allocator, owner) : allocator;
    const cx = this.#context({ owner, memory, realloc }, scope, offset);
    return {
      wide,
      encoding: o.encoding,
      async: o.async,
      cx,
      memory,
      postReturn: item("core func", o.postReturn),
      callback: item("core func", o.callback),
    };
  }

  #builtinOptions(
    kind: Parameters<typeof checkOptions>[0],
    options: CanonOptions,
    type: ValueType | undefined,
    scope: Scope,
    owner: number,
    offset: number,
  ): OptionsPlan {
    const plan = this.#options(options, scope, owner, offset);
    const problem = checkOptions(kind, options, type);
    if (problem !== undefined) scope.fail(problem, offset);
    return plan;
  }

  /** The type of a memory or table. */
  #typeOf(item: CoreItem | undefined) {
    return item?.kind === "export" ? this.#shared.shapes[item.instance]!.exports.get(item.name)?.type : undefined;
  }

  /** Whether a memory or table is addressed by 64 bits. */
  #isWide(item: CoreItem | undefined): boolean {
    const type = this.#typeOf(item);
    return (type?.kind === "memory" || type?.kind === "table") && type.limits.is64;
  }

  /** An allocator of a 64-bit memory, to be called with numbers. */
  #wideRealloc(target: CoreItem, owner: number): CoreItem {
    let index = this.synths.findIndex((s) => s.kind === "wide-realloc" && sameItem(s.target, target));
    if (index < 0) index = this.synths.push({ kind: "wide-realloc", target, owner }) - 1;
    return { kind: "synth", index, sort: "func" };
  }

  #context(
    { owner, memory, realloc }: ContextPlan,
    scope: Scope,
    offset: number,
  ): number {
    if (memory?.kind === "export") {
      const type = this.#typeOf(memory);
      if (type?.kind === "memory" && type.limits.shared) this.#shared.unsupported("a shared memory", offset);
    }
    scope.spend(this.contexts.length, offset);
    const same = this.contexts.findIndex((c) =>
      c.owner === owner && sameItem(c.memory, memory) && sameItem(c.realloc, realloc)
    );
    return same >= 0 ? same : this.contexts.push({ owner, memory, realloc }) - 1;
  }

  define(canon: Canon, scope: Scope, owner: number, offset: number): void {
    if (canon.kind === "lift") {
      const typeItem = scope.func(canon.type, offset);
      const { type } = typeItem;
      const core = scope.get("core func", canon.func, offset);
      const options = this.#options(canon.options, scope, owner, offset);
      const index = this.lifts.length;
      const lift: LiftedFunc = { kind: "lift", index, core, options, type, owner, name: `function ${index}` };
      this.#spend(type, scope, offset);
      const problem = checkLift(lift, canon.options, (item) => this.coreType(item));
      if (problem !== undefined) scope.fail(problem, offset);
      this.lifts.push(lift);
      return scope.add("func", { func: lift, type: typeItem });
    }
    const index = this.synths.push(this.#synth(canon, scope, owner, offset)) - 1;
    scope.add("core func", { kind: "synth", index, sort: "func" });
  }

  /** Lifting and lowering are compiled for each function, and go through all of its types. */
  #spend({ params, result }: FuncType, scope: Scope, offset: number): void {
    let nodes = result?.nodes ?? 0;
    for (const { type } of params) nodes += type.nodes;
    scope.spend(nodes, offset);
  }

  /** The type of a core function, where it can be said. */
  coreType(item: CoreItem): CoreSignature | undefined {
    if (item.kind === "synth") return synthSignature(this.synths[item.index]!);
    return this.#shared.shapes[item.instance]!.exports.get(item.name)?.func;
  }

  #synth(canon: Exclude<Canon, { kind: "lift" }>, scope: Scope, owner: number, offset: number): Synth {
    switch (canon.kind) {
      case "lower": {
        const { func } = scope.get("func", canon.func, offset);
        const options = this.#options(canon.options, scope, owner, offset);
        this.#spend(func.type, scope, offset);
        const problem = checkLower(func.type, canon.options);
        if (problem !== undefined) scope.fail(problem, offset);
        return { kind: "lower", func, options, owner };
      }
      case "resource.new":
      case "resource.drop":
      case "resource.rep": {
        const resource = scope.resource(canon.type, offset);
        if (canon.kind !== "resource.drop" && resource.owner !== owner) {
          scope.fail(`type index ${canon.type} is not a local resource type`, offset);
        }
        return { kind: canon.kind, resource: resource.real ?? resource, owner };
      }
      case "task.return": {
        const result = scope.optional(canon.result, offset);
        const options = this.#builtinOptions(canon.kind, canon.options, result, scope, owner, offset);
        scope.spend(result?.nodes ?? 0, offset);
        return { kind: "task.return", result, options, owner };
      }
      case "error-context.new":
      case "error-context.debug-message":
        return {
          kind: canon.kind,
          options: this.#builtinOptions(canon.kind, canon.options, undefined, scope, owner, offset),
          owner,
        };
      case "waitable-set.wait":
      case "waitable-set.poll": {
        const memory = scope.get("core memory", canon.memory, offset);
        const cx = this.#context({ owner, memory, realloc: undefined }, scope, offset);
        return { kind: canon.kind, cancellable: canon.cancellable, cx, wide: this.#isWide(memory), owner };
      }
      case "thread.new-indirect": {
        const type = scope.get("core type", canon.type, offset);
        const isStart = type.kind === "core-func" && type.results.length === 0 && type.params.length === 1;
        const param = isStart ? type.params[0] : undefined;
        if (param !== "i32" && param !== "i64") {
          return scope.fail("start function must take a single `i32` or `i64` argument", offset);
        }
        const table = scope.get("core table", canon.table, offset);
        return { kind: "thread.new-indirect", table, wideTable: this.#isWide(table), type: param, owner };
      }
      case "thread.spawn-ref":
      case "thread.spawn-indirect":
      case "thread.available-parallelism":
        return this.#shared.unsupported(`the canonical function ${canon.kind}`, offset);
    }
    const streaming = /^(stream|future)\.(.*)$/.exec(canon.kind);
    if (streaming !== null && "type" in canon && typeof canon.type === "number") {
      const kind = streaming[1] as "stream" | "future";
      const item = scope.get("type", canon.type, offset);
      if (item.kind !== "value" || item.type.kind !== kind) {
        return scope.fail(`type index ${canon.type} is not a ${kind} type`, offset);
      }
      scope.spend(item.type.nodes, offset);
      return {
        kind,
        op: streaming[2] as (Synth & { kind: "stream" })["op"],
        type: item.type,
        options: "options" in canon
          ? this.#builtinOptions(
            streaming[2] as "read" | "write",
            canon.options,
            item.type.element,
            scope,
            owner,
            offset,
          )
          : undefined,
        async: "async" in canon && canon.async,
        owner,
      };
    }
    return { kind: "builtin", canon, owner };
  }
}
