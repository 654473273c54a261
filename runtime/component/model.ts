/**
 * What a component binary says, as data: definitions in the order of the binary, with indices left as they are.
 *
 * @module
 */
import type { CoreTypeDef, CoreValType } from "./core_model.ts";

export type * from "./core_model.ts";

/** A component, decoded. */
export interface ComponentModel {
  readonly definitions: readonly Definition[];
  /** Where it lies in the file. */
  readonly start: number;
  readonly end: number;
  readonly customs: readonly CustomSection[];
  /** From the `component-name` section, for messages. */
  readonly name?: string;
}

/** A custom section; its content stays in the file. */
export interface CustomSection {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export type Definition =
  & (
    | CoreModuleDef
    | CoreInstanceDef
    | { readonly kind: "core-type"; readonly type: CoreTypeDef }
    | { readonly kind: "component"; readonly component: ComponentModel }
    | InstanceDef
    | AliasDef
    | { readonly kind: "type"; readonly type: TypeDef }
    | { readonly kind: "canon"; readonly canon: Canon }
    | StartDef
    | ValueDef
    | ImportDef
    | ExportDef
  )
  & { readonly offset: number };

export interface CoreModuleDef {
  readonly kind: "core-module";
  /** Where its bytes lie in the file. */
  readonly start: number;
  readonly end: number;
}

export interface StartDef {
  readonly kind: "start";
  readonly func: number;
  readonly args: readonly number[];
  readonly results: number;
}

/** A constant. */
export interface ValueDef {
  readonly kind: "value";
  readonly type: ValType;
  /** Where its bytes lie in the file. */
  readonly start: number;
  readonly end: number;
}

export type CoreSort =
  | "func"
  | "table"
  | "memory"
  | "global"
  | "tag"
  | "type"
  | "module"
  | "instance";

/** The sorts of the component level; those of the core level have a prefix. */
export type Sort =
  | `core ${CoreSort}`
  | "func"
  | "value"
  | "type"
  | "component"
  | "instance";

export interface SortIndex {
  readonly sort: Sort;
  readonly index: number;
}

export interface CoreInstanceDef {
  readonly kind: "core-instance";
  /** Instantiates this module; otherwise the instance is made of `exports`. */
  readonly module?: number;
  readonly args: readonly {
    readonly name: string;
    readonly instance: number;
  }[];
  readonly exports: readonly NamedSortIndex[];
}

export interface NamedSortIndex extends SortIndex {
  readonly name: string;
}

export interface InstanceDef {
  readonly kind: "instance";
  /** Instantiates this component; otherwise the instance is made of `exports`. */
  readonly component?: number;
  readonly args: readonly NamedSortIndex[];
  readonly exports: readonly (SortIndex & { readonly name: ExternName })[];
}

export interface AliasDef {
  readonly kind: "alias";
  readonly sort: Sort;
  readonly target: AliasTarget;
}

export type AliasTarget =
  | {
    readonly kind: "export";
    readonly instance: number;
    readonly name: string;
  }
  | {
    readonly kind: "core-export";
    readonly instance: number;
    readonly name: string;
  }
  | { readonly kind: "outer"; readonly count: number; readonly index: number };

/** The name of an import or export, with its attributes. */
export interface ExternName {
  readonly name: string;
  /** The interface that a plainly named instance implements. */
  readonly implements?: string;
  readonly versionSuffix?: string;
  readonly externalId?: string;
}

export interface ImportDef {
  readonly kind: "import";
  readonly name: ExternName;
  readonly type: ExternType;
}

export interface ExportDef {
  readonly kind: "export";
  readonly name: ExternName;
  readonly sort: Sort;
  readonly index: number;
  readonly type?: ExternType;
}

export type ExternType =
  | { readonly kind: "core-module"; readonly type: number }
  | { readonly kind: "func"; readonly type: number }
  | { readonly kind: "value"; readonly type: ValType }
  | { readonly kind: "value-eq"; readonly index: number }
  /** A type equal to another. */
  | { readonly kind: "type-eq"; readonly type: number }
  /** A fresh resource type. */
  | { readonly kind: "type-resource" }
  | { readonly kind: "component"; readonly type: number }
  | { readonly kind: "instance"; readonly type: number };

export type PrimType =
  | "bool"
  | "s8"
  | "u8"
  | "s16"
  | "u16"
  | "s32"
  | "u32"
  | "s64"
  | "u64"
  | "f32"
  | "f64"
  | "char"
  | "string"
  | "error-context";

/** A value type where one is used: primitive, or an index into the type space. */
export type ValType = PrimType | number;

export interface Field {
  readonly name: string;
  readonly type: ValType;
}

export interface Case {
  readonly name: string;
  readonly type?: ValType;
}

export type ValueTypeDef =
  | { readonly kind: "prim"; readonly prim: PrimType }
  | { readonly kind: "record"; readonly fields: readonly Field[] }
  | { readonly kind: "variant"; readonly cases: readonly Case[] }
  | {
    readonly kind: "list";
    readonly element: ValType;
    readonly length?: number;
  }
  | { readonly kind: "tuple"; readonly types: readonly ValType[] }
  | { readonly kind: "flags"; readonly labels: readonly string[] }
  | { readonly kind: "enum"; readonly labels: readonly string[] }
  | { readonly kind: "option"; readonly type: ValType }
  | { readonly kind: "result"; readonly ok?: ValType; readonly err?: ValType }
  | { readonly kind: "own"; readonly resource: number }
  | { readonly kind: "borrow"; readonly resource: number }
  | { readonly kind: "stream"; readonly element?: ValType }
  | { readonly kind: "future"; readonly element?: ValType }
  | { readonly kind: "map"; readonly key: ValType; readonly value: ValType };

export interface FuncTypeDef {
  readonly kind: "func";
  readonly async: boolean;
  readonly params: readonly Field[];
  readonly result?: ValType;
}

export interface ResourceTypeDef {
  readonly kind: "resource";
  readonly rep: CoreValType;
  readonly dtor?: number;
}

export interface ScopeTypeDef {
  readonly kind: "component-type" | "instance-type";
  readonly declarations: readonly Declaration[];
}

export type TypeDef =
  | ValueTypeDef
  | FuncTypeDef
  | ResourceTypeDef
  | ScopeTypeDef;

/** What stands in a component type or an instance type. */
export type Declaration =
  & (
    | { readonly kind: "core-type"; readonly type: CoreTypeDef }
    | { readonly kind: "type"; readonly type: TypeDef }
    | AliasDef
    | ImportDef
    | {
      readonly kind: "export-decl";
      readonly name: ExternName;
      readonly type: ExternType;
    }
  )
  & { readonly offset: number };

/** Options of canonical functions. */
export interface CanonOptions {
  readonly encoding: "utf8" | "utf16" | "latin1+utf16";
  readonly memory?: number;
  readonly realloc?: number;
  readonly postReturn?: number;
  readonly async: boolean;
  readonly callback?: number;
}

export type ThreadOp =
  | "thread.suspend"
  | "thread.suspend-then-resume"
  | "thread.yield-then-resume"
  | "thread.suspend-then-promote"
  | "thread.yield-then-promote";

export type Canon =
  | {
    readonly kind: "lift";
    readonly func: number;
    readonly options: CanonOptions;
    readonly type: number;
  }
  | {
    readonly kind: "lower";
    readonly func: number;
    readonly options: CanonOptions;
  }
  | {
    readonly kind: "resource.new" | "resource.drop" | "resource.rep";
    readonly type: number;
  }
  | {
    readonly kind: "task.return";
    readonly result?: ValType;
    readonly options: CanonOptions;
  }
  | {
    readonly kind:
      | "task.cancel"
      | "backpressure.inc"
      | "backpressure.dec"
      | "subtask.drop"
      | "error-context.drop"
      | "waitable-set.new"
      | "waitable-set.drop"
      | "waitable.join"
      | "thread.index"
      | "thread.resume-later";
  }
  | {
    readonly kind: "context.get" | "context.set";
    readonly type: CoreValType;
    readonly slot: number;
  }
  | { readonly kind: "subtask.cancel"; readonly async: boolean }
  | {
    readonly kind:
      | "stream.new"
      | "stream.drop-readable"
      | "stream.drop-writable"
      | "future.new"
      | "future.drop-readable"
      | "future.drop-writable";
    readonly type: number;
  }
  | {
    readonly kind:
      | "stream.read"
      | "stream.write"
      | "future.read"
      | "future.write";
    readonly type: number;
    readonly options: CanonOptions;
  }
  | {
    readonly kind:
      | "stream.cancel-read"
      | "stream.cancel-write"
      | "future.cancel-read"
      | "future.cancel-write";
    readonly type: number;
    readonly async: boolean;
  }
  | {
    readonly kind: "error-context.new" | "error-context.debug-message";
    readonly options: CanonOptions;
  }
  | {
    readonly kind: "waitable-set.wait" | "waitable-set.poll";
    readonly cancellable: boolean;
    readonly memory: number;
  }
  | { readonly kind: "thread.yield"; readonly cancellable: boolean }
  | {
    readonly kind: "thread.new-indirect";
    readonly type: number;
    readonly table: number;
  }
  | { readonly kind: ThreadOp; readonly cancellable: boolean }
  | {
    readonly kind: "thread.spawn-ref" | "thread.spawn-indirect";
    readonly type: number;
    readonly table?: number;
  }
  | { readonly kind: "thread.available-parallelism" };
