/**
 * Writes modules of random programs that end: nests of loops, blocks and branches, recursion, memory and tables.
 *
 * @module
 */
import { Writer } from "../../writer.ts";

/** A repeatable source of numbers below a bound. */
export function random(seed: number): (bound: number) => number {
  let state = seed * 2654435761 >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

const FUNCTIONS = 6;
/** Functions take a depth and a value, and return a value; these locals follow. */
const VALUES = 4;
const COUNTERS = 3;
const LOCALS = 2 + VALUES + COUNTERS;

/** One module; the same seed gives the same one. It exports its functions `f0` …, its memory and a global. */
export function randomModule(seed: number): Uint8Array<ArrayBuffer> {
  const next = random(seed);
  const w = new Writer();
  w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  w.section(1, (s) => s.u8(2, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7f));
  w.section(2, (s) => {
    s.u8(1);
    s.string("host");
    s.string("mix");
    s.u8(0, 1);
  });
  w.section(3, (s) => s.u8(FUNCTIONS, ...new Array<number>(FUNCTIONS).fill(0)));
  w.section(4, (s) => s.u8(1, 0x70, 0, FUNCTIONS));
  w.section(5, (s) => s.u8(1, 1, 1, 4));
  w.section(6, (s) => s.u8(1, 0x7f, 1, 0x41, 5, 0x0b));
  w.section(7, (s) => {
    s.u8(FUNCTIONS + 2);
    for (let i = 0; i < FUNCTIONS; i++) {
      s.string(`f${i}`);
      s.u8(0, i + 1);
    }
    s.string("memory");
    s.u8(2, 0);
    s.string("global");
    s.u8(3, 0);
  });
  w.section(9, (s) => {
    s.u8(1, 0, 0x41, 0, 0x0b, FUNCTIONS);
    for (let i = 0; i < FUNCTIONS; i++) s.u8(i + 1);
  });
  w.section(10, (s) => {
    s.u8(FUNCTIONS);
    for (let i = 0; i < FUNCTIONS; i++) {
      s.sized((b) => {
        b.u8(1, LOCALS - 2, 0x7f);
        new Body(b, next, i).write();
      });
    }
  });
  return w.bytes;
}

class Body {
  readonly #w: Writer;
  readonly #next: (bound: number) => number;
  readonly #index: number;
  /** What stands open: a block, or a loop with its counter. */
  readonly #open: ("block" | "loop")[] = [];
  #loops = 0;
  #calls = 0;

  constructor(w: Writer, next: (bound: number) => number, index: number) {
    this.#w = w;
    this.#next = next;
    this.#index = index;
  }

  write(): void {
    // Without depth left there is no more to do.
    this.#w.u8(0x20, 0, 0x41, 0, 0x4c, 0x04, 0x40, 0x20, 1, 0x0f, 0x0b);
    for (let i = 2 + this.#next(5); i > 0; i--) this.#statement(3);
    this.#value(2);
    this.#w.u8(0x0b);
  }

  #local(): number {
    return 1 + this.#next(1 + VALUES);
  }

  #set(): void {
    this.#w.u8(0x21, this.#local());
  }

  #statement(room: number): void {
    const w = this.#w;
    switch (this.#next(room > 0 ? 12 : 6)) {
      case 0:
      case 1:
        this.#value(3);
        return this.#set();
      case 2: // a store
        this.#address();
        this.#value(2);
        return w.u8(0x36, 2, 0);
      case 3:
        return this.#branch();
      case 4: // bulk memory
        this.#address();
        this.#value(1);
        w.u8(0x41, this.#next(60));
        if (this.#next(2)) w.u8(0x20, this.#local(), 0x41, 15, 0x71, 0x6a);
        return this.#next(2) ? w.u8(0xfc, 0x0b, 0) : this.#copy();
      case 5:
        this.#value(2);
        w.u8(0x24, 0);
        return;
      case 6:
      case 7:
        return this.#loop(room - 1);
      case 8:
        w.u8(0x02, 0x40);
        return this.#inside("block", room - 1);
      case 9: {
        this.#value(2);
        w.u8(0x04, 0x40);
        this.#open.push("block");
        for (let i = this.#next(3); i >= 0; i--) this.#statement(room - 1);
        if (this.#next(2)) {
          w.u8(0x05);
          this.#statement(room - 1);
        }
        this.#open.pop();
        return w.u8(0x0b);
      }
      case 10:
        return this.#call();
      default:
        this.#value(2);
        w.u8(0x10, 0); // the import
        return this.#set();
    }
  }

  /** Turns a fill's value into a copy's source. */
  #copy(): void {
    this.#w.u8(0x21, 1 + VALUES, 0x41, 0x8f, 0x3f, 0x71, 0x20, 1 + VALUES, 0xfc, 0x0a, 0, 0);
  }

  #inside(kind: "block" | "loop", room: number): void {
    this.#open.push(kind);
    for (let i = this.#next(4); i >= 0; i--) this.#statement(room);
    this.#open.pop();
    this.#w.u8(0x0b);
  }

  /** A loop that leaves after some turns, however it goes on. */
  #loop(room: number): void {
    if (this.#loops >= COUNTERS) return;
    const w = this.#w;
    const counter = 2 + VALUES + this.#loops++;
    w.u8(0x41, 0, 0x21, counter, 0x02, 0x40, 0x03, 0x40);
    w.u8(0x20, counter, 0x41, 1, 0x6a, 0x22, counter, 0x41, 1 + this.#next(9), 0x4a, 0x0d, 1);
    this.#open.push("block");
    this.#open.push("loop");
    for (let i = this.#next(4); i >= 0; i--) this.#statement(room);
    if (this.#next(2)) w.u8(0x0c, 0);
    this.#open.pop();
    this.#open.pop();
    w.u8(0x0b, 0x0b);
    this.#loops--;
  }

  #branch(): void {
    const w = this.#w;
    if (this.#open.length === 0) return;
    const label = () => this.#next(this.#open.length);
    switch (this.#next(4)) {
      case 0: {
        this.#value(1);
        w.u8(0x04, 0x40);
        w.u8(0x0c, label() + 1, 0x0b);
        return;
      }
      case 1: {
        w.u8(0x02, 0x40);
        this.#value(1);
        const count = this.#next(4);
        w.u8(0x0e, count);
        for (let i = 0; i <= count; i++) w.u8(this.#next(2) ? 0 : label() + 1);
        return w.u8(0x0b);
      }
      case 2:
        this.#value(1);
        w.u8(0x04, 0x40);
        this.#value(1);
        return w.u8(0x0f, 0x0b);
      default:
        this.#value(1);
        return w.u8(0x0d, label());
    }
  }

  /** A call one less deep, of any function, directly or through the table: few, and not in a loop's loop. */
  #call(): void {
    if (this.#calls >= 2 || this.#loops > 1) return;
    this.#calls++;
    const w = this.#w;
    w.u8(0x20, 0, 0x41, 1, 0x6b);
    this.#value(1);
    const callee = this.#next(3) === 0 ? this.#index : this.#next(FUNCTIONS);
    if (this.#next(3) === 0) w.u8(0x41, callee, 0x11, 0, 0);
    else w.u8(0x10, callee + 1);
    this.#set();
  }

  #address(): void {
    this.#value(1);
    this.#w.u8(0x41, 0xfc, 0xff, 0x00, 0x71);
  }

  #value(room: number): void {
    const w = this.#w;
    switch (this.#next(room > 0 ? 6 : 3)) {
      case 0:
        w.u8(0x41);
        return w.s32(this.#next(2000) - 1000);
      case 1:
      case 2:
        return w.u8(0x20, this.#local());
      case 3:
        this.#address();
        return w.u8(0x28, 2, 0);
      default: {
        this.#value(room - 1);
        this.#value(room - 1);
        const operators = [0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x76, 0x48, 0x46];
        return w.u8(operators[this.#next(operators.length)]!);
      }
    }
  }
}
