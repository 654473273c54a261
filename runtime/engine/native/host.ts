/**
 * Finds the host's implementation of each import.
 *
 * @module
 */
import { camelCase, findCompatible, otherVersions, parseFunctionName, pascalCase } from "../../component/mod.ts";
import { enterTask } from "../../context.ts";
import { SkerryError } from "../../errors.ts";
import { directForm } from "../direct.ts";
import { type HostImports, type HostInterface, isAtOnce, mayWait } from "../mod.ts";
import { written } from "../written.ts";
import type { HostFace } from "./faces.ts";
import type { ResolvedHost } from "./host_call.ts";
import type { HostFunc, ImportPlan, Plan } from "./plan.ts";

// deno-lint-ignore no-explicit-any -- a host function or class, of any shape
type Callable = any;

/**
 * Resolves all imports, and tells `face` the host's classes.
 *
 * @throws {SkerryError} `component-import-missing`, with all that is missing.
 */
export function resolveHost(plan: Plan, host: HostImports, face: HostFace): Map<HostFunc, ResolvedHost> {
  const resolved = new Map<HostFunc, ResolvedHost>();
  const missing: string[] = [];
  for (const wanted of plan.imports) {
    if (isEmpty(wanted)) continue;
    const found = findCompatible(wanted.name, Object.keys(host));
    if (found === undefined) {
      missing.push(`${wanted.name} (${otherVersions(wanted.name, Object.keys(host))})`);
      continue;
    }
    const offered = host[found]!;
    for (const problem of resolveImport(wanted, offered, face, resolved)) {
      missing.push(`${wanted.name}#${problem} (${found} of the host lacks it)`);
    }
  }
  if (missing.length > 0) {
    throw new SkerryError(
      "component-import-missing",
      `linking ${plan.name}: the host does not have ${missing.join(", ")}. ` +
        "Grant the capability that has it, or build the component without it.",
    );
  }
  return resolved;
}

/** An interface of types alone needs nothing of the host. */
export function isEmpty({ functions, resources, instances, parts, values }: ImportPlan): boolean {
  return functions.length + resources.size + parts.size + values.size === 0 && [...instances.values()].every(isEmpty);
}

function resolveImport(
  wanted: ImportPlan,
  offered: HostInterface,
  face: HostFace,
  resolved: Map<HostFunc, ResolvedHost>,
): string[] {
  const problems: string[] = [];
  for (const [name, type] of wanted.resources) {
    const hostClass = callable(offered[pascalCase(name)]);
    if (hostClass === undefined) problems.push(name);
    else face.classes.set(type, hostClass);
  }
  for (const [name, type] of wanted.same) {
    const hostClass = callable(offered[pascalCase(name)]);
    const same = face.classes.get(type);
    if (hostClass !== undefined && same !== undefined && hostClass !== same) problems.push(`${name} as ${type.name}`);
  }
  for (const func of wanted.functions) {
    const found = wanted.kind === "func"
      ? plain(callable(offered) ?? callable(offered["default"]))
      : resolve(offered, func.name);
    if (found === undefined) problems.push(func.name);
    else resolved.set(func, found);
  }
  for (const [name, slot] of wanted.values) {
    if (typeof offered === "object" && Object.hasOwn(offered, name)) face.values.set(slot, offered[name]);
    else problems.push(`${name}, a value,`);
  }
  for (const [name, sort] of wanted.parts) {
    if (partIn(offered, name, wanted.kind) === undefined) problems.push(`${name}, the bytes of a ${sort},`);
  }
  for (const [name, inner] of wanted.instances) {
    if (isEmpty(inner)) continue;
    const found = offered[name] as HostInterface | undefined;
    if (found === undefined || found === null) problems.push(name);
    else problems.push(...resolveImport(inner, found, face, resolved).map((problem) => `${name}#${problem}`));
  }
  return problems;
}

/** The bytes of a core module or component. */
export function partIn(offered: unknown, name: string, kind: ImportPlan["kind"]): Uint8Array | undefined {
  if (kind === "part" && offered instanceof Uint8Array) return offered;
  const found = typeof offered === "object" && offered !== null ? (offered as HostInterface)[name] : undefined;
  return found instanceof Uint8Array ? found : undefined;
}

function callable(value: unknown): Callable | undefined {
  return typeof value === "function" ? value : undefined;
}

function plain(implementation: Callable | undefined): ResolvedHost | undefined {
  if (implementation === undefined) return undefined;
  return directly(implementation) ??
    {
      invoke: (values) => implementation(...values),
      waits: mayWait(implementation),
      atOnce: isAtOnce(implementation),
    };
}

function resolve(offered: HostInterface, witName: string): ResolvedHost | undefined {
  const { kind, resource, member } = parseFunctionName(witName);
  const name = camelCase(member);
  if (kind === "function") return plain(written(offered, name));
  const hostClass = written(offered, pascalCase(resource!));
  if (hostClass === undefined) return undefined;
  switch (kind) {
    case "constructor":
      return { invoke: (values) => new hostClass(...values), waits: false, atOnce: isAtOnce(hostClass) };
    case "static": {
      const implementation = written(hostClass, name);
      if (implementation === undefined) return undefined;
      return {
        invoke: (values) => hostClass[name](...values),
        waits: mayWait(implementation),
        atOnce: isAtOnce(implementation),
      };
    }
    case "method": {
      const implementation = hostClass.prototype && written(hostClass.prototype, name);
      if (implementation === undefined) return undefined;
      return directly(implementation) ??
        (isAtOnce(implementation)
          ? { invoke: methodAtOnce(name, implementation), waits: mayWait(implementation), atOnce: true }
          : { invoke: method(name), waits: mayWait(implementation) });
    }
  }
}

/** The direct form of a host function, where it has one: bytes then stay where they are. */
function directly(implementation: Callable): ResolvedHost | undefined {
  const form = directForm(implementation);
  if (form === undefined) return undefined;
  const { before, call } = form;
  return {
    invoke: (values) => call(...values),
    waits: mayWait(implementation),
    direct: true,
    atOnce: isAtOnce(implementation),
    ...(before === undefined ? {} : { before: (values) => before(...values) }),
  };
}

/** Calls a method that is marked with `atOnce`, unless the object is of a class that overrides it. */
function methodAtOnce(name: string, implementation: Callable): (values: readonly unknown[]) => unknown {
  const call = method(name);
  return (values) => {
    if ((values[0] as Callable)[name] !== implementation) enterTask();
    return call(values);
  };
}

/** Calls a method by its name, for the object may be of a class that overrides it. */
function method(name: string): (values: readonly unknown[]) => unknown {
  return (values) => {
    const self = values[0] as Callable;
    switch (values.length) {
      case 1:
        return self[name]();
      case 2:
        return self[name](values[1]);
      default:
        return self[name](...values.slice(1));
    }
  };
}
