/**
 * Kinds of edit of a function's body. An edit is three numbers: where in the old module, which kind, an argument.
 *
 * @module
 */

/** Nothing. */
export const SKIP = 0;
/** A function's index has moved. Argument: the function, as an old index; clones stand behind all old functions. */
export const INDEX = 1;
/** Pay from the counter and look. Argument: the cost. */
export const CHECK = 2;
/**
 * A loop's header in a clone: add to the body's own count, and spend that when it is larger than
 * {@linkcode KEPT_COUNT}. Argument: the cost.
 */
export const TURN = 3;
/** Pay for a bulk operation. Argument: that of the event, and the cost on top above its three bits. */
export const BULK = 4;
export const GROW_MEMORY = 5;
export const GROW_TABLE = 6;
/** `memory.atomic.wait` that does not wait. */
export const NO_WAIT = 7;
/** The beginning of a small loop's body, which is repeated. Argument: the loop. */
export const REPEAT = 8;
/** A branch in a repeated loop. Argument: how many blocks are open inside the loop. */
export const BRANCH = 9;

/** The same as {@linkcode CHECK} by a call, in little code: for what is not tight. Argument: the cost. */
export const PAY = 10;

/** Hide from the compiler that a condition, or the index of a small table, is a local's value. */
export const HIDE = 11;

/** Numbers per edit. */
export const EDIT = 3;

// Which locals a body needs: its own count, a temporary, a 64-bit temporary.
export const NEEDS_COUNT = 1;
export const NEEDS_TEMP = 2;
export const NEEDS_TEMP64 = 4;

/** How many bodies a cloned function has. */
export const CLONES = 2;

/** What a body may keep of its own count when it ends; its callers pay that instead. A turn of most costs a tenth. */
export const KEPT_COUNT = 448;

// The fields of a small loop: the events between its head and its end, what its turns cost together, how many they are.
export const LOOP_FIRST = 0;
export const LOOP_LAST = 1;
export const LOOP_COST = 2;
export const LOOP_REPEATS = 3;
