/**
 * The parameters of a statement, and where it ends: as much of SQL as has to be read before SQLite reads it.
 *
 * @module
 */

// Strings, quoted names, comments and words are passed over, so that what looks like a parameter in them is none.
const TOKEN =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[^]*?(?:\*\/|$)|\?(\d*)|([:@#$](?:[\w$\u0080-\uffff]|::)+(?:\([^)]*\))?)|[\w$\u0080-\uffff]+/g;

/**
 * The names of the parameters by their index, the first one at 0: `undefined` for `?`, for `?3` and for a number that
 * none has. Two of one name are one parameter.
 *
 * @example
 * ```ts
 * import { parameterNames } from "./parameters.ts";
 *
 * const names = parameterNames("SELECT ?, :a, '?', :a, ?5 -- ?");
 * console.assert(names.length === 5 && names[1] === ":a" && names[4] === undefined);
 * ```
 */
export function parameterNames(sql: string): (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (const [, number, name] of sql.matchAll(TOKEN)) {
    if (name !== undefined) {
      if (!names.includes(name)) names.push(name);
    } else if (number === "") {
      names.push(undefined);
    } else if (number !== undefined) {
      const wanted = Math.min(Number(number), MAX_PARAMETERS + 1);
      while (names.length < wanted) names.push(undefined);
    }
  }
  return names;
}

/**
 * The same statement with numbers for the names of its parameters: a server takes either values by index or values by name.
 *
 * @example
 * ```ts
 * import { numbered } from "./parameters.ts";
 *
 * console.assert(numbered("SELECT :a, ':a', ?, $b, :a") === "SELECT ?1, ':a', ?, ?3, ?1");
 * ```
 */
export function numbered(sql: string): string {
  const names = parameterNames(sql);
  return sql.replaceAll(
    TOKEN,
    (token, _number, name?: string) => name === undefined ? token : `?${names.indexOf(name) + 1}`,
  );
}

/** SQLite's own limit. */
const MAX_PARAMETERS = 32_766;

/** Whether nothing follows a statement: space, semicolons and comments. */
export function isBlank(rest: string): boolean {
  return /^(?:[\s;]|--[^\n]*(?:\n|$)|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$))*$/.test(rest);
}
