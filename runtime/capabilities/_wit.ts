/**
 * Reads just enough WIT for the tests to compare a host with it: the functions and resources of each interface.
 *
 * @module
 */

/** An interface's functions by WIT name, as in a binary: `poll`, `[method]pollable.ready`; and its resources. */
export interface WitInterface {
  readonly name: string;
  readonly functions: readonly string[];
  readonly resources: readonly string[];
}

/** The interfaces of a package text, with the package's version. */
export function readWit(text: string): WitInterface[] {
  const source = text.replace(/\/\/.*$/gm, "");
  const [, packageName, version] = /package ([^@;]+)@([^;]+);/.exec(source)!;
  return [...blocks(source, /\binterface ([a-z0-9-]+) \{/g)].map(({ name, body }) => {
    const functions: string[] = [];
    const resources: string[] = [...body.matchAll(/\bresource ([a-z0-9-]+);/g)].map((match) => match[1]!);
    let rest = body;
    for (const resource of blocks(body, /\bresource ([a-z0-9-]+) \{/g)) {
      resources.push(resource.name);
      rest = rest.replace(resource.body, "");
      if (/\bconstructor\(/.test(resource.body)) functions.push(`[constructor]${resource.name}`);
      for (const [, method, isStatic] of resource.body.matchAll(/%?([a-z0-9-]+): (static )?(?:async )?func/g)) {
        functions.push(`[${isStatic ? "static" : "method"}]${resource.name}.${method}`);
      }
    }
    for (const [, name] of rest.matchAll(/%?([a-z0-9-]+): (?:async )?func/g)) functions.push(name!);
    return { name: `${packageName}/${name}@${version}`, functions, resources };
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
