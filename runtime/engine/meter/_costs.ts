/**
 * What instructions cost, in units of a simple one: 0.05 ns when V8 has optimised the code. The point is not to bill, but
 * that no mixture of instructions runs for long while it pays little; the dearest known one takes 2.5 ns for a unit.
 *
 * @module
 */

/** Costs of one-byte opcodes. */
export const COST: Uint8Array = new Uint8Array(256).fill(1);
for (const slow of [0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82]) COST[slow] = 12; // integer division
for (const slow of [0x91, 0x95, 0x9f, 0xa3]) COST[slow] = 12; // square roots and float division
for (const slow of [0x0e, 0x25, 0xd2]) COST[slow] = 4; // br_table, table.get, ref.func
COST[0x26] = 64; // table.set
export const COST_ATOMIC = 24;
export const COST_GC = 4;
export const COST_ALLOCATION = 32;
/** A throw unwinds with the host's help. */
export const COST_THROW = 1024;
/** Work of a length, besides that: it is a call out of the code, a tenth of a microsecond even for nothing. */
export const COST_BULK = 64;
/** Growing, besides what grows. */
export const COST_GROW = 512;
/** Of each value of an exception: it is written to the host's heap, in up to 64 bytes. */
export const COST_THROWN_VALUE = 8;
/** Exceptions of more values are objects like others: a guest that keeps them could fill that heap. */
export const MAX_SMALL_EXCEPTION = 4;
/** What the instructions between two events can cost at most, for a sum that stays exact: some ten milliseconds. */
export const MAX_COST = 1 << 25;
/** Bulk operations of a constant length below this are counted with the instructions around them. */
export const MAX_CONSTANT_BULK = 4096;

/** What a function may leave unpaid when not all of its callers know of it. Those pay as much, before they call. */
export const MAX_PENDING_AT_EXIT = 512;
/** A call, besides what its callee leaves unpaid. */
export const COST_CALL = 4;
/** The same through a table or by a reference. */
export const COST_INDIRECT = 12;
/** How many parameters and results a call has that cost it nothing. Each further one is a unit: it is copied. */
export const FREE_VALUES = 16;
/** The same for a function's parameters and locals, which are cleared when it is entered. */
export const FREE_LOCALS = 32;
/** A call of the host crosses into JavaScript and does something there: a tenth of a microsecond at least. */
export const COST_IMPORT = 2048;

/** What a path may cost before it must pay: some tenths of a microsecond. */
export const MAX_PENDING = 1024;
/** What is left of a path before a loop pays there, not again at each turn. */
export const MAX_PENDING_BEFORE_LOOP = MAX_PENDING >> 1;
/** What a path may have cost before a call, where an exception may end it there. */
export const MAX_PENDING_BEFORE_CALL = 64;
/** What a turn of a loop that is checked inside may cost besides. */
export const MAX_PENDING_OF_TURN = 16;
/** A caught exception may have been thrown anywhere in the block. */
export const PENDING_AT_CATCH = MAX_PENDING >> 1;

/** Bytes that a bulk operation moves for a unit, as a shift; fewer than 2^31 units, whatever the size of a memory. */
export const BULK_BYTES_SHIFT = 3;
export const BULK_BYTES_SHIFT_64 = 4;
/** Units for an element of a table, as a shift: entries are written one by one, and functions dearly. */
export const BULK_ELEMENTS_SHIFT = 6;

/** Blocks, branches and calls that the rewrite adds at the head of a loop, or before work of a length. */
export const ADDED_BLOCKS = 3;

/**
 * How many branches of a function may ask whether a local is zero before the question is hidden from V8's second compiler.
 * Where such branches follow each other and set what they ask for, it takes time and memory by their square: 4,000 in 64 KB
 * of code took it 3 s and 2 GB, 8,000 took 16 s and 8 GB. These take 0.2 s and 0.1 GB, and hidden, 22,000 take 1 s and
 * 0.1 GB. Only the main loops of interpreters have as many.
 */
export const MAX_CONDITIONS = 512;
/** Tables of more labels than this, the last one included, are not taken apart into branches. */
export const MAX_BRANCH_TABLE = 4;
