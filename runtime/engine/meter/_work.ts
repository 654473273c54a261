/**
 * What a compiler has to do for code, of which its size says little: V8 compiles a function when it is first called, on the
 * thread that all guests share, and once more in the background when it is called often.
 *
 * Four things make small code dear, and each is counted:
 *
 * - **Values.** At each branch, block and call the first compiler goes over all that is there then: locals, and what
 *   stands on the stack. A megabyte of such code takes it half a minute.
 * - **Types.** The parameters and results of a block are compared at both of its ends and at each branch: another half.
 * - **Loops.** The second compiler takes the square of how many there are, and of what else gets a check of its own.
 * - **Blocks.** It does the same of them where values flow through many: some kinds of code take it a thousandth of what others
 *   do. Published programs have functions of a hundred thousand, and so what is refused is only what is larger. Below that it is
 *   not bounded: a row of 22,000 `if`s, each on a value that the one before it may have changed, takes six gigabytes in the
 *   background where the machine has them, and their number does not tell it from a parser that takes half of one.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import { type Body, Heights, TYPE_VALUES, VALUE_OF_INSTRUCTION } from "./_heights.ts";
import type { ModuleInfo } from "./_module.ts";

/** Fifty million are a second at worst, and in most code a tenth. The largest functions that are known have 34 million. */
export const MAX_VALUES = 3 * 2 ** 24;
/** Those of a whole module, besides so many for each byte of its code. Known ones have three. */
const VALUES_PER_BYTE = 64;
/** Below this, not even a function whose stack never empties can have more than it may: it is not looked at closely. */
const FEW_VALUES = MAX_VALUES;

/** Loops, and work of a length, of one function: the largest that are known have a third. Nested ones take ten seconds. */
export const MAX_LOOPS = 2 ** 12;
/** Their squares, of a whole module, besides so many for each byte of its code: known ones have a quarter at most. */
const LOOP_SQUARES = 2 ** 24;
const LOOP_SQUARES_PER_BYTE = 2;

/**
 * The squares of the branches, blocks and calls of each function, of a whole module, besides so many for each byte of its code:
 * known ones have two thirds at most. The largest function that is known has 170,000, in 55 megabytes.
 */
const SQUARES = 2 ** 31;
const SQUARES_PER_BYTE = 2 ** 11;

/**
 * Of one function: half a second for the first compiler. The largest that are known have two thirds. With what is added to
 * so many loops, it stays below what V8 takes.
 */
export const MAX_FUNCTION_BYTES = 6 * 2 ** 20;

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
  /** Loops, and work of a length. */
  readonly loops: number;
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
  readonly #mostLoopSquares: number;
  /** Parameters and results of the widest type, which a block may have. */
  readonly #widest: number;
  readonly #mostResults: number;
  #values = 0;
  #squares = 0;
  #loopSquares = 0;

  constructor(module: ModuleInfo, bodyBytes: number) {
    this.#module = module;
    this.#heights = new Heights(module);
    this.#mostValues = MAX_VALUES + VALUES_PER_BYTE * bodyBytes;
    this.#mostSquares = SQUARES + SQUARES_PER_BYTE * bodyBytes;
    this.#mostLoopSquares = LOOP_SQUARES + LOOP_SQUARES_PER_BYTE * bodyBytes;
    let widest = 0, results = 1;
    for (let i = 0; i < module.typeParams.length; i++) {
      widest = Math.max(widest, module.typeParams[i]! + module.typeResults[i]!);
      results = Math.max(results, module.typeResults[i]!);
    }
    [this.#widest, this.#mostResults] = [widest, results];
  }

  /** @throws {SkerryError} `component-over-limit` */
  add(counted: Counted): void {
    const { blocks, end, locals, loops, start, steps, writtenOut } = counted;
    const bytes = end - start;
    if (bytes > MAX_FUNCTION_BYTES) this.#refuse(counted, "it has", bytes, "bytes", MAX_FUNCTION_BYTES);
    if (writtenOut > MAX_WRITTEN_OUT) {
      const what = "fields, parameters and results";
      this.#refuse(counted, "the structures and calls up to it have", writtenOut, what, MAX_WRITTEN_OUT);
    }
    if (loops > MAX_LOOPS) this.#refuse(counted, "it has", loops, "loops and bulk operations", MAX_LOOPS);
    this.#loopSquares += loops * loops;
    if (this.#loopSquares > this.#mostLoopSquares) {
      const what = "for the squares of the loops and bulk operations of each function";
      this.#refuse(counted, "those up to it come to", this.#loopSquares, what, this.#mostLoopSquares);
    }
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
