/**
 * Strings of manifests that are checked by code, and say what is wrong with them.
 *
 * @module
 */
import { z } from "zod";

/**
 * A string for which `problem` finds nothing to say. What it says is told behind the string and `between`.
 *
 * @example
 * ```ts
 * import { checkedText } from "./checked_text.ts";
 *
 * const path = checkedText((text) => text.startsWith("/") ? undefined : "must begin with a slash");
 * console.assert(path.safeParse("jobs").error?.issues[0]?.message === '"jobs" must begin with a slash');
 * ```
 */
export function checkedText(problem: (text: string) => string | undefined, between = " "): z.ZodString {
  return z.string().check(({ value, issues }) => {
    const message = problem(value);
    if (message === undefined) return;
    issues.push({ code: "custom", message: `${JSON.stringify(value)}${between}${message}`, input: value });
  });
}

const NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/;

/** The name of a queue, a schedule and the like: `what` it is. It stands in keys and in the log. */
export function triggerName(what: string): z.ZodString {
  return checkedText((text) =>
    NAME.test(text)
      ? undefined
      : `is no name of a ${what}; write lower-case letters, digits, dashes, dots and underscores, at most 63`
  ).meta({ pattern: NAME.source });
}
