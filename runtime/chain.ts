/**
 * What a request to a function goes through: its middleware, and theirs.
 *
 * @module
 */
import type { ServedFunction } from "./handler.ts";
import { SkerryError } from "./errors.ts";
import { MAX_CALL_DEPTH } from "./limits.ts";

/** Functions that a request goes through, the outermost first. */
export type Chain = readonly [ServedFunction, ...ServedFunction[]];

/** Finds a function by its name. */
export type FindFunction = (name: string) => Promise<ServedFunction> | undefined;

/**
 * All that a request to `served` goes through, as it is now. What stands in front of a function is never left out.
 *
 * @throws {SkerryError} `function-broken`, when one of them is not there.
 */
export async function gatherChain(served: ServedFunction, find: FindFunction | undefined): Promise<Chain> {
  const front: ServedFunction[] = [];
  await gather(served, front, 0, find);
  return [...front, served] as unknown as Chain;
}

async function gather(
  served: ServedFunction,
  front: ServedFunction[],
  depth: number,
  find: FindFunction | undefined,
): Promise<void> {
  if (depth > MAX_CALL_DEPTH || front.length > MAX_CALL_DEPTH) {
    throw new SkerryError("loop-detected", `serving ${served.name}: there is more in front of it than can be`);
  }
  for (const name of served.middleware ?? []) {
    const found = await find?.(name);
    if (found?.handsOn !== true) {
      const wrong = found === undefined ? "there is no such function" : "it hands no request on";
      throw new SkerryError("function-broken", `serving ${served.name}: it has ${name} in front of it, but ${wrong}`);
    }
    await gather(found, front, depth + 1, find);
    front.push(found);
  }
}
