/**
 * What a function asks for and was not granted.
 *
 * @module
 */
import { currentTask } from "./context.ts";

/** What was refused. */
export interface Ungranted {
  /** The function's name. */
  readonly function: string;
  /** What it may not do, such as `open the store`. */
  readonly what: string;
  /** What to add to the grants in its `function.json`. */
  readonly line: string;
}

/** Tells the operator, in the log of the running task, what was refused, and the line that allows it. */
export function tellUngranted({ function: name, what, line }: Ungranted): void {
  currentTask().log("warn", `${name} may not ${what}. To allow it, add to the grants in its function.json: ${line}`);
}
