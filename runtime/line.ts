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

/** The line of a process, for all functions and folders of it. */
class Line {
  readonly #waiting: Waiting[] = [];
  /** The functions that somebody waits for, and how many do; those who came first, first. */
  readonly #wanted = new Map<string, number>();
  #running = 0;
  /** Those beyond them, that began although the line was full. */
  #extra = 0;

  async run<T>(work: () => Promise<T>, options: LineOptions): Promise<T> {
    let isExtra = false;
    const turn = new Promise<void>((begin) => {
      this.#waiting.push({
        name: options.for,
        start(urgent) {
          isExtra = urgent;
          begin();
        },
      });
    });
    const place = this.#waiting.at(-1);
    this.#advance();
    if (place !== undefined && this.#waiting.includes(place)) options.onQueued?.();
    await turn;
    options.onStart?.();
    try {
      return await work();
    } finally {
      if (isExtra) this.#extra--;
      else this.#running--;
      this.#advance();
    }
  }

  want(name: string): Disposable {
    this.#wanted.set(name, (this.#wanted.get(name) ?? 0) + 1);
    this.#advance();
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        const left = this.#wanted.get(name)! - 1;
        if (left > 0) this.#wanted.set(name, left);
        else this.#wanted.delete(name);
      },
    };
  }

  /** Starts whatever may start. */
  #advance(): void {
    for (;;) {
      const next = this.#firstWanted() ?? this.#waiting[0];
      if (next === undefined) return;
      const isWanted = next.name !== undefined && this.#wanted.has(next.name);
      const urgent = this.#running >= MAX_CHILDREN_AT_ONCE;
      if (urgent && !(isWanted && this.#extra < MAX_URGENT_CHILDREN)) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      if (urgent) this.#extra++;
      else this.#running++;
      next.start(urgent);
    }
  }

  #firstWanted(): Waiting | undefined {
    for (const name of this.#wanted.keys()) {
      const found = this.#waiting.find((other) => other.name === name);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

const line = new Line();

/**
 * Does `work` when its turn has come: at most {@linkcode MAX_CHILDREN_AT_ONCE} at a time, in the order in which they came,
 * but first what somebody waits for; and for that, there are {@linkcode MAX_URGENT_CHILDREN} places more.
 */
export function inLine<T>(work: () => Promise<T>, options: LineOptions = {}): Promise<T> {
  return line.run(work, options);
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
  return line.want(name);
}
