/**
 * Quotas: how much of what functions keep there may be, where a grant bounds it and not `limits`.
 *
 * @module
 */
import { currentTask } from "./context.ts";

/** How much of something there is: bytes, and what they are in, such as keys or messages. */
export interface Amount {
  readonly bytes: number;
  readonly entries: number;
}

/** Nothing would fit. */
export class Full extends Error {
  override readonly name = "Full";
  /** Of what there was too much. */
  readonly what: keyof Amount;
  /** How much there was. */
  readonly held: number;
  readonly most: number;

  constructor(what: keyof Amount, { held, most }: { readonly held: number; readonly most: number }) {
    super(`it holds ${held} of ${most} ${what}`);
    this.what = what;
    this.held = held;
    this.most = most;
  }
}

/** @throws {Full} when there is `held`, `more` is to come, and not more than `most` may be. What shrinks always may. */
export function checkRoom(held: Amount, more: Amount, most: Amount): void {
  for (const what of ["entries", "bytes"] as const) {
    if (more[what] > 0 && held[what] + more[what] > most[what]) {
      throw new Full(what, { held: held[what], most: most[what] });
    }
  }
}

/** Which quota was met: where it stands in `function.json`. */
export interface Quota {
  /** The capability. */
  readonly grant: string;
  /** The key in the grant. */
  readonly key: string;
  /** What the guest is told as well: what is full of what. */
  readonly message: string;
}

/**
 * Counts that the running task met a quota, in its record and in `skerry_limit_met_total` as `kv.maxBytes` and the like, and
 * tells the operator, the first time, what to write to allow more.
 */
export function meetQuota({ grant, key, message }: Quota): void {
  const task = currentTask();
  const limit = `${grant}.${key}` as const;
  if (task.countLimit(limit) > 1) return;
  const line = `To allow more, write "${key}" in the grant "${grant}" in function.json.`;
  task.log("warn", `${grant}: ${message}. ${line}`, "host", { limit });
}
