/**
 * Paths in a grant: a path and what is below it.
 *
 * @module
 */

/**
 * Whether `pathWithQuery`, as it is sent, is `prefix` or below it. A path that some server might take for another one is
 * not: with dot segments, encoded dots, slashes or backslashes, however often encoded, or bytes that are no UTF-8.
 *
 * @example
 * ```ts
 * import { isBelow } from "./path_rule.ts";
 *
 * console.assert(isBelow("/v1/users?page=2", "/v1") && isBelow("/v1", "/v1"));
 * console.assert(!isBelow("/v10", "/v1") && !isBelow("/v1/../admin", "/v1") && !isBelow("/v1/%2e%2e/admin", "/v1"));
 * ```
 */
export function isBelow(pathWithQuery: string, prefix: string): boolean {
  const path = pathWithQuery.replace(/\?.*$/s, "");
  if (isAmbiguous(path)) return false;
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

/** Whether servers disagree on what `path` names. `..;x` is `..` to those with path parameters. */
function isAmbiguous(path: string): boolean {
  return path.includes("\\") || /%(?:25)*(?:2e|2f|5c|3b|00)|%c[01]/i.test(path) ||
    /(?:^|\/)\.{1,2}(?:;|\/|$)/.test(path);
}

/** What is wrong with a path in a grant, and what to write; `undefined` if it may stand. */
export function pathProblem(path: string): string | undefined {
  const quoted = JSON.stringify(path);
  if (!path.startsWith("/")) return `${quoted} does not begin with a slash; write ${JSON.stringify(`/${path}`)}`;
  if (path.endsWith("*")) {
    return `${quoted}: a path stands for all below it; write ${JSON.stringify(path.replace(/\*+$/, ""))}`;
  }
  if (!/^[\x21-\x7e]*$/.test(path) || /[?#]/.test(path)) {
    return `${quoted} is more than a path, or has characters that are not sent as they are; write for example "/v1/"`;
  }
  if (isAmbiguous(path)) return `${quoted} has dot segments or encoded separators; write the path without them`;
  return undefined;
}
