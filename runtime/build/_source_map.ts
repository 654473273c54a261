/**
 * Source maps (ECMA-426): from a place in a bundle to the place in a source that it was made of.
 *
 * `node:module` has this too, but only on the newest Deno.
 *
 * @module
 */

/** A place in a source; line and column count from 0. */
export interface SourcePlace {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * What stands at a line and a column of a bundle, both from 0: the last piece that begins there or before.
 * `undefined` if there is none, or if the map is none.
 *
 * @example
 * ```ts
 * import { sourcePlace } from "./_source_map.ts";
 *
 * const map = JSON.stringify({ version: 3, sources: ["app.ts"], mappings: ";AAIE" });
 * console.assert(sourcePlace(map, 1, 7)?.line === 4);
 * ```
 */
export function sourcePlace(json: string, line: number, column: number): SourcePlace | undefined {
  const map = parse(json);
  if (map === undefined) return undefined;
  // All but the columns of the bundle count on from line to line.
  let [source, sourceLine, sourceColumn] = [0, 0, 0];
  let found: SourcePlace | undefined;
  for (const [at, pieces] of map.mappings.split(";").entries()) {
    if (at > line) break;
    let begins = 0;
    for (const piece of pieces === "" ? [] : pieces.split(",")) {
      const [ahead = 0, ...rest] = numbers(piece);
      begins += ahead;
      if (at === line && begins > column) return found;
      if (rest.length < 3) continue; // Made by the bundler itself.
      source += rest[0]!;
      sourceLine += rest[1]!;
      sourceColumn += rest[2]!;
      const name = map.sources[source];
      if (name != null) found = { source: name, line: sourceLine, column: sourceColumn };
    }
  }
  return found;
}

interface SourceMap {
  readonly sources: readonly (string | null)[];
  readonly mappings: string;
}

function parse(json: string): SourceMap | undefined {
  try {
    const { sources, mappings } = (JSON.parse(json) ?? {}) as Partial<SourceMap>;
    return Array.isArray(sources) && typeof mappings === "string" ? { sources, mappings } : undefined;
  } catch {
    return undefined;
  }
}

/** Base64 VLQ: five bits a digit, the lowest first; the sign is the lowest bit of the number. */
function numbers(piece: string): number[] {
  const found: number[] = [];
  let [value, shift] = [0, 0];
  for (const character of piece) {
    const digit = DIGITS.indexOf(character);
    value |= (digit & 31) << shift;
    shift += 5;
    if ((digit & 32) !== 0) continue;
    found.push((value & 1) === 1 ? -(value >>> 1) : value >>> 1);
    [value, shift] = [0, 0];
  }
  return found;
}
