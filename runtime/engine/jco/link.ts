/**
 * Resolves a component's imports against a host.
 *
 * @module
 */
import type { ExternDescription } from "../../component/describe.ts";
import { findCompatible, withoutVersion } from "../../component/semver.ts";
import { SkerryError } from "../../errors.ts";
import { type HostImports, type HostInterface, mayWait } from "../mod.ts";
import { importMayWait } from "./waits.ts";

/** What a WIT function is in JavaScript, by jco's mapping. */
export interface JsTarget {
  /** The class of a constructor, method or static function. */
  readonly class?: string;
  /** The function or method; a constructor has none. */
  readonly member?: string;
  readonly static?: boolean;
}

/**
 * Where jco's mapping puts a WIT function.
 *
 * @example
 * ```ts
 * import { jsTarget } from "./link.ts";
 *
 * console.assert(jsTarget("get-random-u64").member === "getRandomU64");
 * console.assert(jsTarget("[method]input-stream.blocking-read").class === "InputStream");
 * ```
 */
export function jsTarget(witName: string): JsTarget {
  const match = /^\[(constructor|method|static)\]([^.]*)(?:\.(.*))?$/.exec(
    witName.replace(/^\[async\]|^\[async (?=method|static)/, (async) => async === "[async]" ? "" : "["),
  );
  if (match === null) return { member: camel(witName) };
  const [, kind, resource, member] = match;
  return {
    class: className(resource!),
    ...(member === undefined ? {} : { member: camel(member) }),
    ...(kind === "static" ? { static: true } : {}),
  };
}

/** `get-stdout` → `getStdout`. */
export function camel(kebab: string): string {
  return kebab.split("-").map((word, i) => i === 0 ? word.toLowerCase() : capital(word)).join("");
}

/** `input-stream` → `InputStream`. */
export function className(kebab: string): string {
  return kebab.split("-").map(capital).join("");
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase();
}

/**
 * The host's implementation of each import, by the name in the binary.
 *
 * @throws {SkerryError} `component-import-missing`, with all that is missing; `component-unsupported`, when a host
 * function waits where the guest cannot.
 */
export function resolveImports(
  imports: readonly ExternDescription[],
  host: HostImports,
  name: string,
): Record<string, HostInterface> {
  const resolved: Record<string, HostInterface> = Object.create(null);
  const missing: string[] = [];
  const waiting: string[] = [];
  for (const wanted of imports) {
    // An interface of types alone needs nothing of the host.
    if (wanted.functions.length + wanted.resources.length === 0) {
      resolved[wanted.name] = {};
      continue;
    }
    const found = findCompatible(wanted.name, Object.keys(host));
    if (found === undefined) {
      missing.push(`${wanted.name} (${nearest(wanted.name, host)})`);
      continue;
    }
    const offered = host[found]!;
    resolved[wanted.name] = offered;
    for (const problem of lacking(wanted, offered)) {
      missing.push(`${wanted.name}#${problem} (${found} of the host lacks it)`);
    }
    waiting.push(...unforeseen(wanted, offered));
  }
  if (missing.length > 0) {
    throw new SkerryError(
      "component-import-missing",
      `linking ${name}: the host does not have ${missing.join(", ")}. ` +
        "Grant the capability that has it, or build the component without it.",
    );
  }
  if (waiting.length > 0) {
    throw new SkerryError(
      "component-unsupported",
      `linking ${name}: the guest cannot wait in ${waiting.join(", ")}, but the host function is async. ` +
        "Make it answer at once.",
    );
  }
  return resolved;
}

function lacking(wanted: ExternDescription, offered: HostInterface): string[] {
  const problems: string[] = [];
  if (wanted.sort === "func") {
    return typeof offered["default"] === "function" ? [] : ["default"];
  }
  for (const resource of wanted.resources) {
    if (typeof offered[className(resource)] !== "function") {
      problems.push(resource);
    }
  }
  for (const { name } of wanted.functions) {
    if (hostFunction(offered, name) === undefined) problems.push(name);
  }
  return problems;
}

/** Host functions that may return a promise, where the generated code does not expect one. */
function unforeseen(wanted: ExternDescription, offered: HostInterface): string[] {
  return wanted.functions
    .filter((f) => !f.async && !importMayWait(wanted.name, f.name))
    .filter((f) => mayWait(hostFunction(offered, f.name)))
    .map((f) => `${wanted.name}#${f.name}`);
}

function hostFunction(offered: HostInterface, witName: string): unknown {
  const target = jsTarget(witName);
  if (target.class === undefined) return callable(offered[target.member!]);
  const hostClass = callable(offered[target.class]);
  if (hostClass === undefined || target.member === undefined) return hostClass;
  const owner = (target.static ? hostClass : hostClass.prototype) as
    | Record<string, unknown>
    | undefined;
  return callable(owner?.[target.member]);
}

// deno-lint-ignore ban-types -- a function or a class, of any shape
function callable(value: unknown): Function | undefined {
  return typeof value === "function" ? value : undefined;
}

function nearest(wanted: string, host: HostImports): string {
  const base = withoutVersion(wanted);
  const others = Object.keys(host).filter((name) => withoutVersion(name) === base);
  return others.length > 0 ? `the host has ${others.join(" and ")}` : "no version of it on this host";
}
