/**
 * The line for throw-away processes: few run at once, and what a request waits for goes first.
 *
 * @module
 */
import { MAX_CHILDREN_AT_ONCE, MAX_URGENT_CHILDREN } from "./limits.ts";

/** Work that stands in line. */
export interface LineOptions {
  /** The function that it is for: {@linkcode hurry} knows it by this. */
  readonly for?: string | undefined;
  /** Called at once, when others are before it. */
  readonly onQueued?: (() => void) | undefined;
  /** Called when its turn has come. */
  readonly onStart?: (() => void) | undefined;
}

interface Waiting {
  readonly name: string | undefined;
  readonly start: (urgent: boolean) => void;
}

const waiting: Waiting[] = [];
let running = 0;
/** Those of them that began although the line was full. */
let extra = 0;

/** The functions that somebody waits for, and how many do; those who came first, first. */
const wanted = new Map<string, number>();

/**
 * Does `work` when its turn has come: at most {@linkcode MAX_CHILDREN_AT_ONCE} at a time, in the order in which they came,
 * but first what somebody waits for; and for that, there are {@linkcode MAX_URGENT_CHILDREN} places more.
 */
export async function inLine<T>(work: () => Promise<T>, options: LineOptions = {}): Promise<T> {
  let isExtra = false;
  const turn = new Promise<void>((begin) => {
    waiting.push({
      name: options.for,
      start(urgent) {
        isExtra = urgent;
        begin();
      },
    });
  });
  const place = waiting.at(-1);
  advance();
  if (place !== undefined && waiting.includes(place)) options.onQueued?.();
  await turn;
  options.onStart?.();
  try {
    return await work();
  } finally {
    if (isExtra) extra--;
    else running--;
    advance();
  }
}

/**
 * Has the work for a function go before all other, as long as the result is not disposed of.
 *
 * @example
 * ```ts
 * import { hurry } from "./line.ts";
 *
 * using _first = hurry("hello");
 * ```
 */
export function hurry(name: string): Disposable {
  wanted.set(name, (wanted.get(name) ?? 0) + 1);
  advance();
  let over = false;
  return {
    [Symbol.dispose]() {
      if (over) return;
      over = true;
      const left = wanted.get(name)! - 1;
      if (left > 0) wanted.set(name, left);
      else wanted.delete(name);
    },
  };
}

/** Starts whatever may start. */
function advance(): void {
  for (;;) {
    const next = firstWanted() ?? waiting[0];
    if (next === undefined) return;
    const isWanted = next.name !== undefined && wanted.has(next.name);
    const urgent = running >= MAX_CHILDREN_AT_ONCE;
    if (urgent && !(isWanted && extra < MAX_URGENT_CHILDREN)) return;
    waiting.splice(waiting.indexOf(next), 1);
    if (urgent) extra++;
    else running++;
    next.start(urgent);
  }
}

function firstWanted(): Waiting | undefined {
  for (const name of wanted.keys()) {
    const found = waiting.find((other) => other.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}
