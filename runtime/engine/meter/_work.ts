/**
 * What a compiler has to do for code, of which its size says little: V8 compiles a function when it is first called, on the
 * thread that all guests share, and once more in the background when it is called often.
 *
 * Three things make small code dear, and each is counted:
 *
 * - **Values.** At each branch, block and call the first compiler goes over all that is there then: locals, and what
 *   stands on the stack. A megabyte of such code takes it half a minute.
 * - **Types.** The parameters and results of a block are compared at both of its ends and at each branch: another half.
 * - **Blocks.** The second compiler takes the square of how many there are.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import { type Body, Heights, TYPE_VALUES, VALUE_OF_INSTRUCTION } from "./_heights.ts";
import type { ModuleInfo } from "./_module.ts";

/** Four million are a tenth of a second. The largest functions that are known have a twentieth. */
export const MAX_VALUES = 2 ** 25;
/** Those of a whole module, besides so many for each byte of its code. Known ones have three. */
const VALUES_PER_BYTE = 64;
/** Below this, not even a function whose stack never empties can have more than it may: it is not looked at closely. */
const FEW_VALUES = MAX_VALUES;

/** Branches, blocks and calls of one function: the largest that are known have a quarter. */
export const MAX_BLOCKS = 2 ** 16;
/** Their squares, of a whole module, besides so many for each byte of its code: known ones have a quarter at most. */
const SQUARES = 2 ** 30;
const SQUARES_PER_BYTE = 2 ** 9;

/**
 * Of one function: a third of a second for the first compiler. The largest that are known have a tenth. With what is added
 * to so many blocks, it stays below what V8 takes.
 */
export const MAX_FUNCTION_BYTES = 2 ** 22;

/**
 * Instructions of one byte or two that a compiler writes out: a field of each new structure, a value of each call. V8 ends
 * the process when the code of a function gets too long.
 */
const MAX_WRITTEN_OUT = 2 ** 22;

/** What the scan of a function has counted. */
export interface Counted extends Body {
  /** Its place among all functions. */
  readonly index: number;
  /** Branches, the ends of blocks and calls, with those that the rewrite adds. */
  readonly blocks: number;
  /** The same without, but with each label of a table, and with all else that the code calls its runtime for. */
  readonly steps: number;
  /** Of all functions up to it. */
  readonly writtenOut: number;
}

/** Adds up what the functions of a module take, and refuses what takes too much. */
export class Work {
  readonly #module: ModuleInfo;
  readonly #heights: Heights;
  readonly #mostValues: number;
  readonly #mostSquares: number;
  /** Parameters and results of the widest type, which a block may have. */
  readonly #widest: number;
  readonly #mostResults: number;
  #values = 0;
  #squares = 0;

  constructor(module: ModuleInfo, bodyBytes: number) {
    this.#module = module;
    this.#heights = new Heights(module);
    this.#mostValues = MAX_VALUES + VALUES_PER_BYTE * bodyBytes;
    this.#mostSquares = SQUARES + SQUARES_PER_BYTE * bodyBytes;
    let widest = 0, results = 1;
    for (let i = 0; i < module.typeParams.length; i++) {
      widest = Math.max(widest, module.typeParams[i]! + module.typeResults[i]!);
      results = Math.max(results, module.typeResults[i]!);
    }
    [this.#widest, this.#mostResults] = [widest, results];
  }

  /** @throws {SkerryError} `component-over-limit` */
  add(counted: Counted): void {
    const { blocks, end, locals, start, steps, writtenOut } = counted;
    const bytes = end - start;
    if (bytes > MAX_FUNCTION_BYTES) this.#refuse(counted, "it has", bytes, "bytes", MAX_FUNCTION_BYTES);
    if (writtenOut > MAX_WRITTEN_OUT) {
      const what = "fields, parameters and results";
      this.#refuse(counted, "the structures and calls up to it have", writtenOut, what, MAX_WRITTEN_OUT);
    }
    if (blocks > MAX_BLOCKS) this.#refuse(counted, "it has", blocks, "blocks, branches and calls", MAX_BLOCKS);
    this.#squares += blocks * blocks;
    if (this.#squares > this.#mostSquares) {
      const what = "for the squares of the blocks, branches and calls of each function";
      this.#refuse(counted, "those up to it come to", this.#squares, what, this.#mostSquares);
    }
    // Whatever pushes a value takes two bytes, and a call may push several.
    const most = locals + bytes / 2 * this.#mostResults;
    const atMost = steps * (most + this.#widest * TYPE_VALUES) + bytes * most * VALUE_OF_INSTRUCTION;
    const known = locals * steps;
    const values = atMost <= FEW_VALUES ? known : Math.ceil(Math.min(atMost, this.#heights.values(counted)));
    const what = "values at its instructions, blocks, branches and calls";
    if (values > MAX_VALUES) this.#refuse(counted, "it has", values, what, MAX_VALUES);
    this.#values += values;
    if (this.#values > this.#mostValues) {
      this.#refuse(counted, "those up to it have", this.#values, what, this.#mostValues);
    }
  }

  #refuse({ index }: Counted, who: string, count: number, what: string, most: number): never {
    throw new SkerryError(
      "component-over-limit",
      `metering ${this.#module.name}: function ${index} takes too long to compile: ${who} ${count} ${what}, ` +
        `and may have ${most}. Split it.`,
    );
  }
}
