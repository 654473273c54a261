/**
 * Whether what one core module exports is what another one imports: otherwise each isolate would fail as it is made.
 *
 * Implements "Import Matching" of the core specification, as far as types can be compared across modules.
 *
 * @module
 */
import type { CoreExternType, CoreFuncType, CoreLimits } from "../../component/mod.ts";
import type { CoreEntity } from "./core_module.ts";

/** What is wrong with giving `found` for `wanted`, if anything. */
export function coreDifference(wanted: CoreEntity, found: CoreEntity): string | undefined {
  if (wanted.kind !== found.kind) return `expected ${wanted.kind}, found ${found.kind}`;
  if (wanted.func !== undefined && found.func !== undefined) return funcDifference(wanted.func, found.func);
  if (wanted.type === undefined || found.type === undefined) return undefined;
  return externDifference(wanted.type, found.type);
}

function externDifference(wanted: CoreExternType, found: CoreExternType): string | undefined {
  if (wanted.kind === "global" && found.kind === "global") {
    if (wanted.mutable !== found.mutable) return `expected a ${wanted.mutable ? "mutable" : "constant"} global`;
    if (isComparable(wanted.type) && isComparable(found.type) && !isReference(wanted.type)) {
      return wanted.type === found.type ? undefined : `expected global type ${wanted.type}, found ${found.type}`;
    }
  }
  if (wanted.kind === "table" && found.kind === "table") {
    const comparable = isComparable(wanted.element) && isComparable(found.element);
    if (comparable && wanted.element !== found.element) {
      return `expected table element type ${wanted.element}, found ${found.element}`;
    }
    return limitsDifference("table", wanted.limits, found.limits);
  }
  if (wanted.kind === "memory" && found.kind === "memory") {
    if (wanted.limits.shared !== found.limits.shared) return "mismatch in the shared flag for memories";
    return limitsDifference("memory", wanted.limits, found.limits);
  }
  return undefined;
}

function limitsDifference(what: string, wanted: CoreLimits, found: CoreLimits): string | undefined {
  const fits = found.min >= wanted.min && wanted.is64 === found.is64 &&
    (wanted.max === undefined || found.max !== undefined && found.max <= wanted.max);
  return fits ? undefined : `mismatch in ${what} limits`;
}

function funcDifference(wanted: CoreFuncType, found: CoreFuncType): string | undefined {
  if (wanted === found) return undefined;
  const [a, b] = [signatureOf(wanted), signatureOf(found)];
  if (a === b || a === undefined || b === undefined) return undefined;
  return `expected: ${show(wanted)}, found: ${show(found)}`;
}

const signatures = new WeakMap<CoreFuncType, { readonly text: string | undefined }>();

/**
 * A function type as text, which is the same for equal types; nothing if it means something in its own module alone. It is
 * made once for each type: one of a thousand parameters may be that of any number of functions.
 */
function signatureOf(type: CoreFuncType): string | undefined {
  let signature = signatures.get(type);
  if (signature === undefined) {
    const { params, results } = type;
    const isPlain = params.every(isComparable) && results.every(isComparable);
    signatures.set(type, signature = { text: isPlain ? show(type) : undefined });
  }
  return signature.text;
}

/** A type that names another one by its number means something in its own module alone. */
function isComparable(type: string): boolean {
  return !/\(ref (?:null )?\d/.test(type);
}

/** References match types above them. */
function isReference(type: string): boolean {
  return type.includes("ref");
}

function show({ params, results }: CoreFuncType): string {
  return `(${params.join(", ")}) -> (${results.join(", ")})`;
}
