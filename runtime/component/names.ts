/**
 * How WIT names become JavaScript names, by jco's mapping.
 *
 * @module
 */

/** `get-stdout` → `getStdout`. */
export function camelCase(kebab: string): string {
  return kebab.split("-").map((word, i) => i === 0 ? word.toLowerCase() : capital(word)).join("");
}

/** `input-stream` → `InputStream`. */
export function pascalCase(kebab: string): string {
  return kebab.split("-").map(capital).join("");
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase();
}

/** What the name of a function in a component says about it. */
export interface FunctionName {
  readonly kind: "function" | "constructor" | "method" | "static";
  /** The resource of all but plain functions. */
  readonly resource?: string;
  /** The function's own name; a constructor has none. */
  readonly member: string;
}

/**
 * Takes a function's name apart.
 *
 * @example
 * ```ts
 * import { parseFunctionName } from "./names.ts";
 *
 * const { kind, resource, member } = parseFunctionName("[method]input-stream.blocking-read");
 * console.assert(kind === "method" && resource === "input-stream" && member === "blocking-read");
 * ```
 */
export function parseFunctionName(name: string): FunctionName {
  const match = /^\[(constructor|method|static)\]([^.]*)(?:\.(.*))?$/s.exec(
    name.replace(/^\[async(?: (method|static))?\]/, (_, kind) => kind === undefined ? "" : `[${kind}]`),
  );
  if (match === null) return { kind: "function", member: name.replace(/^\[async\]/, "") };
  const kind = match[1] as FunctionName["kind"];
  return { kind, resource: match[2]!, member: match[3] ?? "" };
}
