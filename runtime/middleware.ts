/**
 * Middleware: functions in front of others. A function names those in front of it, outermost first; what is in front of
 * one of those is in front of it too.
 *
 * @module
 */
import type { InterfaceName } from "./engine/mod.ts";
import { MAX_CALL_DEPTH } from "./limits.ts";
import { suggest } from "./manifest/suggest.ts";

/** What a component imports that can stand in front of others: `wasi:http/handler`, which is then the next in the chain. */
export function handsOn(imports: readonly { readonly name: InterfaceName }[]): boolean {
  return imports.some(({ name }) => /^(?:wasi:http\/handler@0\.3\.|skerry:http\/handler@0\.1\.)/.test(name));
}

/** A function as it stands in a chain. */
export interface Link {
  readonly name: string;
  /** What is in front of it, outermost first. */
  readonly middleware: readonly string[];
}

/** What is wrong with a chain, and which of a function's `middleware` it is. */
export interface ChainProblem {
  readonly index: number;
  readonly message: string;
}

/**
 * The names of all that a request goes through before it comes to `link`, outermost first; or why there can be no such
 * chain.
 *
 * @example
 * ```ts
 * import { chainOf } from "./middleware.ts";
 *
 * const functions = [
 *   { name: "api", middleware: ["auth", "compress"] },
 *   { name: "auth", middleware: ["trace"] },
 *   { name: "trace", middleware: [] },
 *   { name: "compress", middleware: [] },
 * ];
 * console.assert(chainOf(functions[0]!, functions).toString() === "trace,auth,compress");
 * ```
 */
export function chainOf(link: Link, links: readonly Link[]): readonly string[] | ChainProblem {
  const names: string[] = [];
  for (const [index, first] of link.middleware.entries()) {
    const problem = append(first, [link.name], links, names);
    if (problem !== undefined) return { index, message: problem };
  }
  if (names.length < MAX_CALL_DEPTH) return names;
  const message = `makes a chain of ${names.length} (${names.join(", ")}), and at most ${
    MAX_CALL_DEPTH - 1
  } functions can stand in front of one; take some out`;
  return { index: link.middleware.length - 1, message };
}

function append(name: string, behind: readonly string[], links: readonly Link[], to: string[]): string | undefined {
  if (behind.includes(name)) return `goes round in a circle, ${[...behind, name].join(" → ")}; take one of them out`;
  const found = links.find((other) => other.name === name);
  if (found === undefined) {
    const near = suggest(name, links.map((other) => other.name));
    const instead = near === undefined ? "make one, or take it out" : `write ${JSON.stringify(near)}`;
    return `there is no function ${JSON.stringify(name)}; ${instead}`;
  }
  // No longer than a chain may be, whatever stands in front of what stands in front.
  if (to.length > MAX_CALL_DEPTH) return undefined;
  for (const first of found.middleware) {
    const problem = append(first, [...behind, name], links, to);
    if (problem !== undefined) return problem;
  }
  to.push(name);
}
