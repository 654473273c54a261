/**
 * What V8 does before a module's code runs, when an instance of it is made.
 *
 * @module
 */
import { Numbers } from "../numbers.ts";
import { DATA, ELEMENTS, EXPORTS, GLOBALS, IMPORTS, type ModuleInfo, TABLES } from "./_module.ts";

/** Steps of about 25 ns for an import that is looked up, or an export that is defined. */
const STEPS_PER_NAME = 24;
/** Bytes of memory that are written in such a step. */
const DATA_BYTES_PER_STEP = 256;

/**
 * The steps that it takes to make an instance, at most: each number in the sections that say what globals, tables and
 * segments begin with takes a byte or more, and a step or less.
 */
export function startSteps({ bytes, sections }: ModuleInfo): number {
  let steps = 0;
  for (const { body, end, id } of sections) {
    if (id === IMPORTS || id === EXPORTS) steps += new Numbers(bytes, body).u32() * STEPS_PER_NAME;
    else if (id === GLOBALS || id === TABLES || id === ELEMENTS) steps += end - body;
    else if (id === DATA) steps += Math.ceil((end - body) / DATA_BYTES_PER_STEP);
  }
  return steps;
}
