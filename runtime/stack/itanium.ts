/**
 * C++ names, as the Itanium C++ ABI mangles them: functions, classes, templates, constructors, operators. What is
 * rarer (expressions, lambdas' signatures, vendor extensions) is left mangled.
 *
 * @module
 */
import { attempt, Cursor, NotMangled } from "./_text.ts";

/** A C++ name demangled; `undefined` if it is none, or one that is not understood. */
export function demangleItanium(name: string): string | undefined {
  if (!/^_?_Z/.test(name)) return undefined;
  return attempt(() => new Itanium(new Cursor(name, name.indexOf("_Z") + 2)).encoding());
}

const BUILTIN: Readonly<Record<string, string>> = {
  v: "void",
  w: "wchar_t",
  b: "bool",
  c: "char",
  a: "signed char",
  h: "unsigned char",
  s: "short",
  t: "unsigned short",
  i: "int",
  j: "unsigned int",
  l: "long",
  m: "unsigned long",
  x: "long long",
  y: "unsigned long long",
  n: "__int128",
  o: "unsigned __int128",
  f: "float",
  d: "double",
  e: "long double",
  z: "...",
  Dn: "std::nullptr_t",
  Ds: "char16_t",
  Di: "char32_t",
  Du: "char8_t",
  Da: "auto",
};

const LITERAL_SUFFIXES: Readonly<Record<string, string>> = {
  int: "",
  "unsigned int": "u",
  long: "l",
  "unsigned long": "ul",
  "long long": "ll",
  "unsigned long long": "ull",
};

const STANDARD: Readonly<Record<string, string>> = {
  St: "std",
  Sa: "std::allocator",
  Sb: "std::basic_string",
  Ss: "std::string",
  Si: "std::istream",
  So: "std::ostream",
  Sd: "std::iostream",
};

const OPERATORS: Readonly<Record<string, string>> = {
  nw: "new",
  na: "new[]",
  dl: "delete",
  da: "delete[]",
  ng: "-",
  de: "*",
  co: "~",
  pl: "+",
  mi: "-",
  ml: "*",
  dv: "/",
  rm: "%",
  an: "&",
  or: "|",
  eo: "^",
  aS: "=",
  pL: "+=",
  mI: "-=",
  mL: "*=",
  dV: "/=",
  ls: "<<",
  rs: ">>",
  eq: "==",
  ne: "!=",
  lt: "<",
  gt: ">",
  le: "<=",
  ge: ">=",
  ss: "<=>",
  nt: "!",
  aa: "&&",
  oo: "||",
  pp: "++",
  mm: "--",
  cm: ",",
  pt: "->",
  cl: "()",
  ix: "[]",
};

class Itanium {
  readonly #cursor: Cursor;
  readonly #substitutions: string[] = [];
  #templateArgs: readonly string[] = [];

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  encoding(): string {
    const cursor = this.#cursor;
    for (const [code, what] of [["TV", "vtable"], ["TI", "typeinfo"], ["TS", "typeinfo name"]] as const) {
      if (cursor.eat(code)) return `${what} for ${this.#type()}`;
    }
    const { text, templated, special, qualifiers } = this.#name();
    if (cursor.done || cursor.peek() === ".") return text;
    // A template function's mangled name has its result type in front.
    const result = templated && !special ? `${this.#type()} ` : "";
    const parameters: string[] = [];
    while (!cursor.done && !/[.E]/.test(cursor.peek())) parameters.push(this.#type());
    const listed = parameters.length === 1 && parameters[0] === "void" ? "" : parameters.join(", ");
    return `${result}${text}(${listed})${qualifiers}`;
  }

  #name(): { text: string; templated: boolean; special: boolean; qualifiers: string } {
    const cursor = this.#cursor;
    if (cursor.eat("N")) return this.#nested();
    let text: string;
    let special = false;
    if (/S[^t]/y.test(cursor.text.slice(cursor.at, cursor.at + 2))) {
      text = this.#substitution();
    } else {
      const std = cursor.eat("St") ? "std::" : "";
      const part = this.#unqualified("");
      special = part.special;
      text = std + part.text;
      if (cursor.peek() === "I") this.#substitutions.push(text);
    }
    if (cursor.peek() !== "I") return { text, templated: false, special, qualifiers: "" };
    return { text: text + this.#arguments(), templated: true, special, qualifiers: "" };
  }

  #nested(): { text: string; templated: boolean; special: boolean; qualifiers: string } {
    const cursor = this.#cursor;
    let qualifiers = "";
    if (cursor.eat("V")) qualifiers += " volatile";
    if (cursor.eat("K")) qualifiers = ` const${qualifiers}`;
    if (cursor.eat("R")) qualifiers += " &";
    else if (cursor.eat("O")) qualifiers += " &&";
    let text = "";
    let last = "";
    let templated = false;
    let special = false;
    while (!cursor.eat("E")) {
      if (cursor.peek() === "S" && text === "") {
        text = this.#substitution();
        last = text.split("::").at(-1)!;
        continue;
      }
      if (cursor.peek() === "I") {
        text += this.#arguments();
        templated = true;
      } else {
        const part = this.#unqualified(last);
        last = part.text;
        special = part.special;
        templated = false;
        text = text === "" ? part.text : `${text}::${part.text}`;
      }
      if (cursor.peek() !== "E") this.#substitutions.push(text);
    }
    return { text, templated, special, qualifiers };
  }

  /** `special`: a constructor, a destructor or a conversion, which has no result type even as a template. */
  #unqualified(enclosing: string): { text: string; special: boolean } {
    const cursor = this.#cursor;
    cursor.eat("L");
    let text: string;
    let special = false;
    if (/[0-9]/.test(cursor.peek())) {
      text = cursor.take(cursor.decimal());
      if (text.startsWith("_GLOBAL__N")) text = "(anonymous namespace)";
    } else if (cursor.match(/C[1-5]/y)) {
      [text, special] = [enclosing.replace(/<.*$/s, ""), true];
    } else if (cursor.match(/D[0-5]/y)) {
      [text, special] = [`~${enclosing.replace(/<.*$/s, "")}`, true];
    } else if (cursor.eat("cv")) {
      [text, special] = [`operator ${this.#type()}`, true];
    } else {
      const symbol = OPERATORS[cursor.take(2)];
      if (symbol === undefined) throw new NotMangled();
      text = `operator${/^[a-z]/.test(symbol) ? " " : ""}${symbol}`;
    }
    while (cursor.eat("B")) text += `[abi:${cursor.take(cursor.decimal())}]`;
    return { text, special };
  }

  #arguments(): string {
    const cursor = this.#cursor;
    if (!cursor.eat("I")) throw new NotMangled();
    const args: string[] = [];
    while (!cursor.eat("E")) args.push(this.#argument());
    this.#templateArgs = args;
    return `<${args.filter((arg) => arg !== "").join(", ")}>`;
  }

  #argument(): string {
    const cursor = this.#cursor;
    if (cursor.eat("J")) {
      const pack: string[] = [];
      while (!cursor.eat("E")) pack.push(this.#argument());
      return pack.join(", ");
    }
    if (!cursor.eat("L")) return this.#type();
    const type = this.#type();
    const value = cursor.match(/(n?)([0-9]+)E/y);
    if (value === null) throw new NotMangled();
    if (type === "bool") return value[2] === "0" ? "false" : "true";
    const number = `${value[1] === "n" ? "-" : ""}${value[2]}`;
    const suffix = LITERAL_SUFFIXES[type];
    return suffix === undefined ? `(${type})${number}` : number + suffix;
  }

  #type(): string {
    const cursor = this.#cursor;
    return cursor.rule(() => {
      const two = BUILTIN[cursor.text.slice(cursor.at, cursor.at + 2)];
      if (two !== undefined && cursor.peek() === "D") {
        cursor.take(2);
        return two;
      }
      const one = BUILTIN[cursor.peek()];
      if (one !== undefined) {
        cursor.next();
        return one;
      }
      const type = this.#compound();
      return type;
    });
  }

  #compound(): string {
    const cursor = this.#cursor;
    const remember = (text: string): string => {
      this.#substitutions.push(text);
      return text;
    };
    switch (cursor.peek()) {
      case "P":
        cursor.next();
        return remember(pointer(this.#type(), "*"));
      case "R":
        cursor.next();
        return remember(pointer(this.#type(), "&"));
      case "O":
        cursor.next();
        return remember(pointer(this.#type(), "&&"));
      case "K":
        cursor.next();
        return remember(`${this.#type()} const`);
      case "V":
        cursor.next();
        return remember(`${this.#type()} volatile`);
      case "F": {
        cursor.next();
        cursor.eat("Y");
        const result = this.#type();
        const parameters: string[] = [];
        while (!cursor.eat("E")) parameters.push(this.#type());
        const listed = parameters.length === 1 && parameters[0] === "void" ? "" : parameters.join(", ");
        return remember(`${result} (${listed})`);
      }
      case "A": {
        cursor.next();
        const size = cursor.match(/([0-9]*)_/y);
        if (size === null) throw new NotMangled();
        return remember(`${this.#type()} [${size[1]}]`);
      }
      case "T": {
        const index = cursor.match(/T([0-9A-Z]*)_/y);
        const arg = index === null ? undefined : this.#templateArgs[sequence(index[1]!)];
        if (arg === undefined) throw new NotMangled();
        return remember(arg);
      }
      case "S": {
        if (cursor.text.startsWith("St", cursor.at)) break;
        const known = this.#substitution();
        return cursor.peek() === "I" ? remember(known + this.#arguments()) : known;
      }
      case "D":
        if (cursor.eat("Dp")) return this.#type();
        throw new NotMangled();
    }
    return remember(this.#name().text);
  }

  #substitution(): string {
    const cursor = this.#cursor;
    const standard = STANDARD[cursor.text.slice(cursor.at, cursor.at + 2)];
    if (standard !== undefined) {
      cursor.take(2);
      return standard;
    }
    const index = cursor.match(/S([0-9A-Z]*)_/y);
    const known = index === null ? undefined : this.#substitutions[sequence(index[1]!)];
    if (known === undefined) throw new NotMangled();
    return known;
  }
}

/** A pointer to a function has its star inside: `void (*)(int)`. */
function pointer(type: string, sign: string): string {
  // References collapse: only && to && stays one.
  if (sign !== "*" && type.endsWith("&")) return sign === "&" && type.endsWith("&&") ? type.slice(0, -1) : type;
  const at = type.indexOf(" (");
  return at > 0 && type.endsWith(")") ? `${type.slice(0, at)} (${sign})${type.slice(at + 1)}` : type + sign;
}

/** A number in base 36, counted from the empty one. */
function sequence(digits: string): number {
  return digits === "" ? 0 : parseInt(digits, 36) + 1;
}
