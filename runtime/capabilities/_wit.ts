/**
 * Reads just enough WIT for the tests to compare a host with it: the functions and resources of each interface.
 *
 * @module
 */
import type { HostInterface } from "../engine/mod.ts";

/** An interface's functions by WIT name, as in a binary: `poll`, `[method]pollable.ready`; and its resources. */
export interface WitInterface {
  readonly name: string;
  readonly functions: readonly string[];
  /** Those of them that are `async`; there are none before 0.3. */
  readonly asyncs: readonly string[];
  readonly resources: readonly string[];
}

/** The interfaces of a package text, with the package's version. */
export function readWit(text: string): WitInterface[] {
  const source = text.replace(/\/\/.*$/gm, "");
  const [, packageName, version] = /package ([^@;]+)@([^;]+);/.exec(source)!;
  return [...blocks(source, /\binterface ([a-z0-9-]+) \{/g)].map(({ name, body }) => {
    const functions: string[] = [];
    const asyncs: string[] = [];
    const add = (name: string, isAsync: string | undefined) => {
      functions.push(name);
      if (isAsync !== undefined) asyncs.push(name);
    };
    const resources: string[] = [...body.matchAll(/\bresource ([a-z0-9-]+);/g)].map((match) => match[1]!);
    let rest = body;
    for (const resource of blocks(body, /\bresource ([a-z0-9-]+) \{/g)) {
      resources.push(resource.name);
      rest = rest.replace(resource.body, "");
      if (/\bconstructor\(/.test(resource.body)) functions.push(`[constructor]${resource.name}`);
      for (const [, method, isStatic, isAsync] of resource.body.matchAll(/%?([a-z0-9-]+): (static )?(async )?func/g)) {
        add(`[${isStatic ? "static" : "method"}]${resource.name}.${method}`, isAsync);
      }
    }
    for (const [, name, isAsync] of rest.matchAll(/%?([a-z0-9-]+): (async )?func/g)) add(name!, isAsync);
    return { name: `${packageName}/${name}@${version}`, functions, asyncs, resources };
  });
}

function* blocks(source: string, start: RegExp): Generator<{ name: string; body: string }> {
  for (const match of source.matchAll(start)) {
    let depth = 1;
    let end = match.index + match[0].length;
    for (; depth > 0; end++) depth += source[end] === "{" ? 1 : source[end] === "}" ? -1 : 0;
    yield { name: match[1]!, body: source.slice(match.index + match[0].length, end) };
  }
}

/** `input-stream` → `InputStream`. */
export const pascal = (name: string) => name.replace(/(?:^|-)([a-z0-9])/g, (_, letter) => letter.toUpperCase());
/** `get-stdout` → `getStdout`. */
export const camel = (name: string) => name.replace(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase());

// deno-lint-ignore ban-types -- classes and functions of any shape
export type Member = Function | undefined;

/** Where jco's mapping puts a function. */
export function member(host: HostInterface, name: string): Member {
  const [, kind, resource, method] = /^(?:\[(\w+)\]([^.]+)(?:\.(.+))?)?/.exec(name)!;
  if (kind === undefined) return host[camel(name)] as Member;
  const Class = host[pascal(resource!)] as (Member & Record<string, Member>) | undefined;
  if (kind === "constructor") return Class;
  return kind === "static" ? Class?.[camel(method!)] : Class?.prototype[camel(method!)];
}
