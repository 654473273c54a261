/**
 * "Did you mean …?"
 *
 * @module
 */

/**
 * The one of `known` that `written` was most likely meant to be, if any is near: the same letters in another case, or
 * at most a third of them mistyped.
 *
 * @example
 * ```ts
 * import { suggest } from "./suggest.ts";
 *
 * console.assert(suggest("wallMS", ["wallMs", "memoryBytes"]) === "wallMs");
 * console.assert(suggest("banana", ["wallMs"]) === undefined);
 * ```
 */
export function suggest(
  written: string,
  known: readonly string[],
): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const distance = editDistance(
      written.toLowerCase(),
      candidate.toLowerCase(),
    );
    const most = Math.max(1, Math.floor(candidate.length / 3));
    if (distance <= most && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `"a", "b" or "c"`, for a message that lists what may be written. */
export function oneOf(known: readonly string[]): string {
  const quoted = known.map((name) => JSON.stringify(name));
  const last = quoted.pop();
  return quoted.length === 0 ? `${last}` : `${quoted.join(", ")} or ${last}`;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  // A long word is no typing error, and the table below is quadratic.
  if (Math.abs(a.length - b.length) > 32 || a.length > 128) return Infinity;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(
        last[j]! + 1,
        row[j - 1]! + 1,
        last[j - 1]! + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, beforeLast[j - 2]! + 1);
      }
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
