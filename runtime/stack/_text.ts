/**
 * Reading a mangled name: a cursor with bounds, for a hostile guest may call its functions what it likes.
 *
 * @module
 */

/** A name that is not mangled as it says, or not in a way that is understood. The name is then shown as it is. */
export class NotMangled extends Error {}

/** Back references can make a short name endlessly long or deep. */
const MAX_DEPTH = 100;
const MAX_STEPS = 5_000;
const MAX_TEXT = 4_000;

export class Cursor {
  readonly text: string;
  at = 0;
  #depth = 0;
  #steps = 0;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  peek(): string {
    return this.text[this.at] ?? "";
  }

  next(): string {
    if (this.done) throw new NotMangled();
    return this.text[this.at++]!;
  }

  /** Steps over `expected` if it is next. */
  eat(expected: string): boolean {
    if (!this.text.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  /** What `pattern`, a sticky expression, matches here; steps over it. */
  match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match !== null) this.at += match[0].length;
    return match;
  }

  decimal(): number {
    const digits = this.match(/[0-9]+/y);
    if (digits === null) throw new NotMangled();
    return Number(digits[0]);
  }

  take(length: number): string {
    const taken = this.text.slice(this.at, this.at + length);
    if (taken.length !== length) throw new NotMangled();
    this.at += length;
    return taken;
  }

  /** Runs one rule of a grammar, within the bounds. */
  rule(body: () => string): string {
    if (++this.#depth > MAX_DEPTH || ++this.#steps > MAX_STEPS) throw new NotMangled();
    const text = body();
    this.#depth--;
    if (text.length > MAX_TEXT) throw new NotMangled();
    return text;
  }
}

/** What `read` returns, or `undefined` if the name turned out not to be mangled. */
export function attempt(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotMangled) return undefined;
    throw error;
  }
}
