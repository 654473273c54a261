/**
 * Rust's names: v0 (RFC 2603) and legacy.
 *
 * @module
 */
import { attempt, Cursor, NotMangled } from "./_text.ts";

/** A Rust name demangled without its hashes; `undefined` if it is none. */
export function demangleRust(name: string): string | undefined {
  const bare = name.replace(/\.llvm\.[0-9A-F]+$/i, "");
  if (/^_?_R[A-Z]/.test(bare)) return attempt(() => new V0(new Cursor(bare, bare.indexOf("_R") + 2)).symbol());
  return /^_?_ZN/.test(bare) ? attempt(() => legacy(new Cursor(bare, bare.indexOf("_ZN") + 3))) : undefined;
}

/** `_ZN` and parts with their lengths, the last a hash: what tells it from C++. */
function legacy(cursor: Cursor): string {
  const parts: string[] = [];
  while (!cursor.eat("E")) parts.push(cursor.take(cursor.decimal()));
  const hash = parts.pop();
  if (hash === undefined || !/^h[0-9a-f]{16}$/.test(hash) || parts.length === 0) throw new NotMangled();
  return parts.map(unescapeLegacy).join("::");
}

const LEGACY_ESCAPES: Readonly<Record<string, string>> = {
  SP: "@",
  BP: "*",
  RF: "&",
  LT: "<",
  GT: ">",
  LP: "(",
  RP: ")",
  C: ",",
};

function unescapeLegacy(part: string): string {
  const bare = part.startsWith("_$") ? part.slice(1) : part;
  return bare.replace(/\$(?:u([0-9a-f]{1,6})|([A-Z]{1,2}))\$|\.\./g, (whole, hex?: string, code?: string) => {
    if (whole === "..") return "::";
    if (code !== undefined) return LEGACY_ESCAPES[code] ?? whole;
    const point = parseInt(hex!, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

const BASIC_TYPES: Readonly<Record<string, string>> = {
  a: "i8",
  b: "bool",
  c: "char",
  d: "f64",
  e: "str",
  f: "f32",
  h: "u8",
  i: "isize",
  j: "usize",
  l: "i32",
  m: "u32",
  n: "i128",
  o: "u128",
  p: "_",
  s: "i16",
  t: "u16",
  u: "()",
  v: "...",
  x: "i64",
  y: "u64",
  z: "!",
};

class V0 {
  readonly #cursor: Cursor;
  readonly #start: number;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
    this.#start = cursor.at;
  }

  symbol(): string {
    const path = this.#path();
    // The crate that made this copy of a generic function says nothing about where it failed.
    if (!this.#cursor.done && /[A-Z]/.test(this.#cursor.peek())) this.#path();
    if (!this.#cursor.done && !/[.$]/.test(this.#cursor.peek())) throw new NotMangled();
    return path;
  }

  #path(inType = false): string {
    const cursor = this.#cursor;
    return cursor.rule(() => {
      switch (cursor.next()) {
        case "C":
          return this.#identifier().name;
        case "M": {
          this.#implPath();
          return `<${this.#type()}>`;
        }
        case "X": {
          this.#implPath();
          return this.#asTrait();
        }
        case "Y":
          return this.#asTrait();
        case "N": {
          const namespace = cursor.next();
          const path = this.#path(inType);
          const { name, disambiguator } = this.#identifier();
          if (/[a-z]/.test(namespace)) return name === "" ? path : `${path}::${name}`;
          const kind = namespace === "C" ? "closure" : namespace === "S" ? "shim" : namespace;
          return `${path}::{${kind}${name === "" ? "" : `:${name}`}#${disambiguator}}`;
        }
        case "I": {
          const path = this.#path(inType);
          const args = this.#until(() => this.#genericArg());
          return `${path}${inType ? "" : "::"}<${args.filter((arg) => arg !== "").join(", ")}>`;
        }
        case "B":
          return this.#back(() => this.#path(inType));
        default:
          throw new NotMangled();
      }
    });
  }

  #asTrait(): string {
    const type = this.#type();
    return `<${type} as ${this.#path(true)}>`;
  }

  #implPath(): void {
    this.#disambiguator();
    this.#path();
  }

  #genericArg(): string {
    if (this.#cursor.eat("L")) {
      this.#base62();
      return "";
    }
    return this.#cursor.eat("K") ? this.#const() : this.#type();
  }

  #type(): string {
    const cursor = this.#cursor;
    return cursor.rule(() => {
      const basic = BASIC_TYPES[cursor.peek()];
      if (basic !== undefined) {
        cursor.next();
        return basic;
      }
      switch (cursor.peek()) {
        case "A": {
          cursor.next();
          const type = this.#type();
          return `[${type}; ${this.#const()}]`;
        }
        case "S":
          cursor.next();
          return `[${this.#type()}]`;
        case "T": {
          cursor.next();
          const types = this.#until(() => this.#type());
          return types.length === 1 ? `(${types[0]},)` : `(${types.join(", ")})`;
        }
        case "R":
        case "Q": {
          const mut = cursor.next() === "Q" ? "mut " : "";
          if (cursor.eat("L")) this.#base62();
          return `&${mut}${this.#type()}`;
        }
        case "P":
          cursor.next();
          return `*const ${this.#type()}`;
        case "O":
          cursor.next();
          return `*mut ${this.#type()}`;
        case "F":
          cursor.next();
          return this.#function();
        case "D":
          cursor.next();
          return this.#dyn();
        case "B":
          cursor.next();
          return this.#back(() => this.#type());
        default:
          return this.#path(true);
      }
    });
  }

  #function(): string {
    const cursor = this.#cursor;
    if (cursor.eat("G")) this.#base62();
    const unsafe = cursor.eat("U") ? "unsafe " : "";
    let abi = "";
    if (cursor.eat("K")) abi = `extern "${cursor.eat("C") ? "C" : this.#undisambiguated().replaceAll("_", "-")}" `;
    const parameters = this.#until(() => this.#type()).join(", ");
    const result = this.#type();
    return `${unsafe}${abi}fn(${parameters})${result === "()" ? "" : ` -> ${result}`}`;
  }

  #dyn(): string {
    const cursor = this.#cursor;
    if (cursor.eat("G")) this.#base62();
    const traits = this.#until(() => {
      const trait = this.#path(true);
      const bindings: string[] = [];
      while (cursor.eat("p")) {
        const name = this.#undisambiguated();
        bindings.push(`${name} = ${this.#type()}`);
      }
      if (bindings.length === 0) return trait;
      return trait.endsWith(">")
        ? `${trait.slice(0, -1)}, ${bindings.join(", ")}>`
        : `${trait}<${bindings.join(", ")}>`;
    });
    if (!cursor.eat("L")) throw new NotMangled();
    this.#base62();
    return `dyn ${traits.join(" + ")}`;
  }

  /** Numbers, booleans and characters; a constant of another type leaves the name as it is. */
  #const(): string {
    const cursor = this.#cursor;
    return cursor.rule(() => {
      if (cursor.eat("p")) return "_";
      if (cursor.eat("B")) return this.#back(() => this.#const());
      const type = cursor.next();
      const digits = /[abchijlmnostxy]/.test(type) ? cursor.match(/(n?)([0-9a-f]*)_/y) : null;
      if (digits === null) throw new NotMangled();
      const value = BigInt(`0x${digits[2] || "0"}`);
      if (type === "b") return value === 0n ? "false" : "true";
      if (type === "c") return value <= 0x10ffffn ? `'${String.fromCodePoint(Number(value))}'` : "'?'";
      return `${digits[1] === "n" ? "-" : ""}${value}`;
    });
  }

  #identifier(): { name: string; disambiguator: number } {
    const disambiguator = this.#disambiguator();
    return { name: this.#undisambiguated(), disambiguator };
  }

  #disambiguator(): number {
    return this.#cursor.eat("s") ? this.#base62() + 1 : 0;
  }

  #undisambiguated(): string {
    const punycode = this.#cursor.eat("u");
    const length = this.#cursor.decimal();
    this.#cursor.eat("_");
    const bytes = this.#cursor.take(length);
    return punycode ? `punycode{${bytes.replace(/_(?=[^_]*$)/, "-")}}` : bytes;
  }

  #base62(): number {
    const digits = this.#cursor.match(/([0-9a-zA-Z]{0,24})_/y);
    if (digits === null) throw new NotMangled();
    if (digits[1] === "") return 0;
    let value = 0;
    for (const digit of digits[1]!) {
      value = value * 62 + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".indexOf(digit);
    }
    return value + 1;
  }

  /** Reads again what stands earlier in the name. */
  #back(read: () => string): string {
    const here = this.#cursor.at - 1;
    const target = this.#start + this.#base62();
    // Only backwards, or it would never end.
    if (target >= here) throw new NotMangled();
    const after = this.#cursor.at;
    this.#cursor.at = target;
    const text = read();
    this.#cursor.at = after;
    return text;
  }

  #until(read: () => string): string[] {
    const items: string[] = [];
    while (!this.#cursor.eat("E")) items.push(read());
    return items;
  }
}
