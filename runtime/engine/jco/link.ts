/**
 * Resolves a component's imports against a host.
 *
 * @module
 */
import type { ExternDescription } from "../../component/describe.ts";
import { camelCase, parseFunctionName, pascalCase } from "../../component/names.ts";
import { findCompatible, otherVersions } from "../../component/semver.ts";
import { SkerryError } from "../../errors.ts";
import { type HostImports, type HostInterface, mayWait } from "../mod.ts";
import { written } from "../written.ts";
import { importMayWait } from "./waits.ts";

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
      missing.push(`${wanted.name} (${otherVersions(wanted.name, Object.keys(host))})`);
      continue;
    }
    const offered = wanted.sort === "func" ? standalone(host[found]!) : host[found]!;
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

/** A function outside any interface, as jco wants it. */
function standalone(offered: HostInterface): HostInterface {
  return typeof offered === "function" ? { default: offered } : offered;
}

function lacking(wanted: ExternDescription, offered: HostInterface): string[] {
  const problems: string[] = [];
  if (wanted.sort === "func") {
    return typeof offered["default"] === "function" ? [] : ["default"];
  }
  for (const resource of wanted.resources) {
    if (typeof offered[pascalCase(resource)] !== "function") {
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
  const { kind, resource, member } = parseFunctionName(witName);
  if (kind === "function") return written(offered, camelCase(member));
  const hostClass = written(offered, pascalCase(resource!));
  if (kind === "constructor" || hostClass === undefined) return hostClass;
  const owner: object | undefined = kind === "static" ? hostClass : hostClass.prototype;
  return owner && written(owner, camelCase(member));
}
