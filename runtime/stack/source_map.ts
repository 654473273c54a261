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

/** Of each base64 digit its value, by character code; -1 for what is none. */
const DIGITS = new Int8Array(128).fill(-1);
for (const [value, digit] of [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].entries()) {
  DIGITS[digit.charCodeAt(0)] = value;
}
const COMMA = 44;
const SEMICOLON = 59;

/** How many numbers a piece takes in a line: its column in the bundle, the source, its line, its column. */
const PIECE = 4;

/**
 * A source map, decoded once.
 *
 * @example
 * ```ts
 * import { SourceMap } from "./source_map.ts";
 *
 * const map = SourceMap.parse(JSON.stringify({ version: 3, sources: ["app.ts"], mappings: ";AAIE" }));
 * console.assert(map?.place(1, 7)?.line === 4);
 * ```
 */
export class SourceMap {
  /** What the bundle is called. */
  readonly file: string | undefined;
  readonly #sources: readonly unknown[];
  readonly #lines: Lines;

  private constructor(file: string | undefined, sources: readonly unknown[], mappings: string) {
    this.file = file;
    this.#sources = sources;
    this.#lines = decoded(mappings);
  }

  /** `undefined` if the text is no source map. */
  static parse(json: string): SourceMap | undefined {
    try {
      const { file, sources, mappings } = (JSON.parse(json) ?? {}) as Record<string, unknown>;
      if (!Array.isArray(sources) || typeof mappings !== "string") return undefined;
      return new SourceMap(typeof file === "string" ? file : undefined, sources, mappings);
    } catch {
      return undefined;
    }
  }

  /**
   * What stands at a line and a column of the bundle, both from 0: the last piece of that line that begins there or
   * before; without a column, its first piece with a source. `undefined` where there is none, or what is there is of no
   * source.
   */
  place(line: number, column?: number): SourcePlace | undefined {
    const { pieces, starts } = this.#lines;
    const [first, end] = [starts[line], starts[line + 1]];
    if (first === undefined || end === undefined) return undefined;
    let at = first * PIECE;
    if (column === undefined) {
      while (at < end * PIECE && pieces[at + 1]! < 0) at += PIECE;
      if (at === end * PIECE) return undefined;
    } else {
      let [low, high] = [first, end];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (pieces[middle * PIECE]! <= column) low = middle + 1;
        else high = middle;
      }
      if (low === first) return undefined;
      at = (low - 1) * PIECE;
    }
    const source = this.#sources[pieces[at + 1]!];
    if (typeof source !== "string") return undefined;
    return { source, line: pieces[at + 2]!, column: pieces[at + 3]! };
  }
}

/** The pieces of all lines, and of each line and one more where its first one stands among them. */
interface Lines {
  readonly pieces: Int32Array;
  readonly starts: Int32Array;
}

/**
 * The pieces of each line. All numbers but the columns of the bundle count on from line to line. Lists of their own would
 * take a hundred times the memory of a map that is all lines.
 */
function decoded(mappings: string): Lines {
  let [most, lines] = [1, 1];
  for (let i = 0; i < mappings.length; i++) {
    const code = mappings.charCodeAt(i);
    if (code === SEMICOLON) lines++;
    else if (code === COMMA) most++;
  }
  const pieces = new Int32Array((most + lines) * PIECE);
  const starts = new Int32Array(lines + 1);
  let [piece, line] = [0, 0];
  const counts = [0, 0, 0, 0];
  /** Base64 VLQ: five bits a digit, the lowest first; the sign is the lowest bit of the number. */
  let [value, shift, field] = [0, 0, 0];
  const endPiece = () => {
    // A piece of one number is the bundler's own.
    if (field === 1) {
      pieces[piece * PIECE] = counts[0]!;
      pieces[piece++ * PIECE + 1] = -1;
    } else if (field >= PIECE) pieces.set(counts, piece++ * PIECE);
    field = 0;
  };
  for (let i = 0; i <= mappings.length; i++) {
    const code = i === mappings.length ? SEMICOLON : mappings.charCodeAt(i);
    if (code === COMMA) endPiece();
    else if (code === SEMICOLON) {
      endPiece();
      starts[++line] = piece;
      counts[0] = 0;
    } else {
      const digit = DIGITS[code] ?? -1;
      if (digit < 0) throw new SyntaxError(`a source map has ${JSON.stringify(mappings[i])} in its mappings`);
      value |= (digit & 31) << shift;
      shift += 5;
      if ((digit & 32) !== 0) continue;
      // The fifth number of a piece is a name.
      if (field < PIECE) counts[field]! += (value & 1) === 1 ? -(value >>> 1) : value >>> 1;
      field++;
      [value, shift] = [0, 0];
    }
  }
  return { pieces, starts };
}
