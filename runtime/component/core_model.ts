/**
 * Core types as they stand in components.
 *
 * @module
 */

/** A core value type, in text form: `i32`, `funcref`, `(ref null 3)`. */
export type CoreValType = string;

export interface CoreFuncType {
  readonly kind: "core-func";
  readonly params: readonly CoreValType[];
  readonly results: readonly CoreValType[];
}

export interface CoreLimits {
  readonly min: bigint;
  readonly max?: bigint;
  readonly shared: boolean;
  readonly is64: boolean;
  readonly pageSizeLog2?: number;
}

export type CoreExternType =
  | { readonly kind: "func"; readonly type: number }
  | {
    readonly kind: "table";
    readonly element: CoreValType;
    readonly limits: CoreLimits;
  }
  | { readonly kind: "memory"; readonly limits: CoreLimits }
  | {
    readonly kind: "global";
    readonly type: CoreValType;
    readonly mutable: boolean;
  }
  | { readonly kind: "tag"; readonly type: number };

export interface CoreModuleType {
  readonly kind: "core-module-type";
  readonly declarations: readonly CoreModuleDecl[];
}

export type CoreModuleDecl =
  | {
    readonly kind: "import";
    readonly module: string;
    readonly name: string;
    readonly type: CoreExternType;
  }
  | { readonly kind: "type"; readonly type: CoreTypeDef }
  | { readonly kind: "alias"; readonly count: number; readonly index: number }
  | {
    readonly kind: "export";
    readonly name: string;
    readonly type: CoreExternType;
  };

export type CoreTypeDef =
  | CoreFuncType
  | CoreModuleType
  /** Struct, array, or a group of recursive types: kept by its text, for these never reach a component's border. */
  | {
    readonly kind: "core-other";
    readonly text: string;
    readonly types: number;
  };
