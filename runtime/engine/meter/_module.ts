/**
 * A core module's sections, read as far as a rewrite must know them.
 *
 * @module
 */
import { hex, Reader } from "../../component/reader.ts";
import { FREE_VALUES } from "./_costs.ts";
import { constantExpression, isException, skipValueType, unsupported } from "./_types.ts";

export const CUSTOM = 0;
export const TYPES = 1;
export const IMPORTS = 2;
export const FUNCTIONS = 3;
export const TABLES = 4;
export const MEMORIES = 5;
export const GLOBALS = 6;
export const EXPORTS = 7;
export const START = 8;
export const ELEMENTS = 9;
export const CODE = 10;
export const DATA = 11;
export const DATA_COUNT = 12;
export const TAGS = 13;

/** The place of each section in a module, by its id: tags and the data count came later than the rest. */
export const RANK: readonly number[] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6];

/** One section, from its id to its end. */
export interface Section {
  readonly id: number;
  /** Of the section's id. */
  readonly start: number;
  /** Of its contents; for a custom section, of what follows its name. */
  readonly body: number;
  readonly end: number;
  /** A custom section's. */
  readonly name?: string;
}

/** A memory or a table. */
export interface Limited {
  readonly imported: boolean;
  readonly is64: boolean;
  readonly shared: boolean;
  readonly min: bigint;
  readonly max: bigint | undefined;
  /** A table's element type, as bytes. */
  readonly element?: Uint8Array;
  /** Where its limits end. */
  readonly limitsEnd: number;
}

/** What is known of a module before its code is read. */
export interface ModuleInfo {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly sections: readonly Section[];
  /** Of each type: how many parameters if it is a function's, else -1, and so much less as it has fields. */
  readonly typeParams: Int32Array;
  /** Of each type: how many results if it is a function's; 1 if it is an array's of 8 or 16 bits each; else 0. */
  readonly typeResults: Int32Array;
  /** Of each type: what a call pays for its parameters and results, if any type has so many that a call does. */
  readonly typeCost: Int32Array | undefined;
  /** Of each function, imported ones first: its type. */
  readonly functionTypes: Int32Array;
  readonly importedFunctions: number;
  readonly memories: readonly Limited[];
  readonly tables: readonly Limited[];
  readonly globals: number;
  /** What the objects take at most that it begins with, in the host's heap. */
  readonly constantBytes: number;
  readonly tags: number;
  /** Of each tag: how many values its exceptions have. */
  readonly tagParams: readonly number[];
  /** Whether exceptions can be kept, more than a stack can hold: in each other, in tables, or in globals. */
  readonly keepsExceptions: boolean;
  /** Functions that can be reached other than by a call of their own module. */
  readonly exportedFunctions: readonly number[];
  readonly elementFunctions: readonly number[];
  /** Whether a table can be changed from outside. */
  readonly sharesTables: boolean;
  readonly importModules: ReadonlySet<string>;
  readonly exportNames: ReadonlySet<string>;
}

/** Cuts a module into sections and checks their order. */
export function readSections(bytes: Uint8Array, name: string): Section[] {
  const r = new Reader(bytes, name);
  const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  if (magic.some((byte, i) => bytes[i] !== byte)) r.fail("not a core WebAssembly module", 0);
  r.pos = 8;
  const sections: Section[] = [];
  let rank = 0;
  while (!r.done) {
    const start = r.pos;
    const id = r.u8();
    const size = r.u32();
    const body = r.pos;
    r.take(size, `section ${id}`);
    const end = r.pos;
    if (id === CUSTOM) {
      const inside = new Reader(bytes, name, body, end);
      const custom = inside.string("the name of a custom section");
      sections.push({ id, start, body: inside.pos, end, name: custom });
      continue;
    }
    const here = RANK[id];
    if (here === undefined) throw unsupported(name, `section ${id}`, start);
    if (here <= rank) r.fail(`section ${id} is repeated or out of order`, start);
    rank = here;
    sections.push({ id, start, body, end });
  }
  return sections;
}

/** Reads everything but the code, the data and the custom sections. */
export function readModule(bytes: Uint8Array, name: string): ModuleInfo {
  return new ModuleReader(bytes, name).read();
}

class ModuleReader {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  readonly #params: number[] = [];
  readonly #results: number[] = [];
  readonly #typeCosts: number[] = [];
  #costly = false;
  readonly #functionTypes: number[] = [];
  readonly #memories: Limited[] = [];
  readonly #tables: Limited[] = [];
  readonly #exported: number[] = [];
  readonly #elements: number[] = [];
  readonly #importModules = new Set<string>();
  readonly #exportNames = new Set<string>();
  #importedFunctions = 0;
  #globals = 0;
  #constantBytes = 0;
  readonly #tagParams: number[] = [];
  /** Types of functions that take exceptions. */
  readonly #takingExceptions = new Set<number>();
  #keepsExceptions = false;
  #sharesTables = false;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#name = name;
  }

  read(): ModuleInfo {
    const sections = readSections(this.#bytes, this.#name);
    for (const section of sections) {
      const read = this.#readers[section.id];
      if (read === undefined) continue;
      const r = new Reader(this.#bytes, this.#name, section.body, section.end);
      read(r);
      r.finish(`section ${section.id}`);
    }
    const code = sections.find(({ id }) => id === CODE);
    const bodies = code === undefined ? 0 : new Reader(this.#bytes, this.#name, code.body, code.end).u32();
    if (bodies !== this.#functionTypes.length - this.#importedFunctions) {
      const r = new Reader(this.#bytes, this.#name);
      r.fail("the numbers of functions and of bodies differ", code?.start ?? this.#bytes.length);
    }
    return {
      bytes: this.#bytes,
      name: this.#name,
      sections,
      typeParams: Int32Array.from(this.#params),
      typeResults: Int32Array.from(this.#results),
      typeCost: this.#costly ? Int32Array.from(this.#typeCosts) : undefined,
      functionTypes: Int32Array.from(this.#functionTypes),
      importedFunctions: this.#importedFunctions,
      memories: this.#memories,
      tables: this.#tables,
      globals: this.#globals,
      constantBytes: this.#constantBytes,
      tags: this.#tagParams.length,
      tagParams: this.#tagParams,
      keepsExceptions: this.#keepsExceptions,
      exportedFunctions: this.#exported,
      elementFunctions: this.#elements,
      sharesTables: this.#sharesTables,
      importModules: this.#importModules,
      exportNames: this.#exportNames,
    };
  }

  readonly #readers: Readonly<Record<number, (r: Reader) => void>> = {
    [TYPES]: (r) => this.#repeat(r, "types", () => this.#recursionGroup(r)),
    [IMPORTS]: (r) => this.#repeat(r, "imports", () => this.#import(r)),
    [FUNCTIONS]: (r) => this.#repeat(r, "functions", () => this.#functionTypes.push(this.#functionType(r))),
    [TABLES]: (r) => this.#repeat(r, "tables", () => this.#table(r)),
    [MEMORIES]: (r) => this.#repeat(r, "memories", () => this.#memories.push(this.#memory(r, false))),
    [TAGS]: (r) => this.#repeat(r, "tags", () => this.#tag(r)),
    [GLOBALS]: (r) =>
      this.#repeat(r, "globals", () => {
        this.#globalType(r);
        this.#expression(r);
        this.#globals++;
      }),
    [EXPORTS]: (r) => this.#repeat(r, "exports", () => this.#export(r)),
    [START]: (r) => void this.#functionIndex(r),
    [ELEMENTS]: (r) => this.#repeat(r, "element segments", () => this.#element(r)),
  };

  #repeat(r: Reader, what: string, item: () => void): void {
    const count = r.count(what);
    for (let i = 0; i < count; i++) item();
  }

  #recursionGroup(r: Reader): void {
    if (r.peek() !== 0x4e) return this.#subType(r);
    r.u8();
    this.#repeat(r, "types", () => this.#subType(r));
  }

  #subType(r: Reader): void {
    if (r.peek() === 0x50 || r.peek() === 0x4f) {
      r.u8();
      this.#repeat(r, "supertypes", () => r.u32());
    }
    const at = r.pos;
    const form = r.u8();
    if (form === 0x60) {
      const params = r.count("parameters");
      for (let i = 0; i < params; i++) {
        if (isException(r)) this.#takingExceptions.add(this.#params.length);
        skipValueType(r);
      }
      const results = r.count("results");
      for (let i = 0; i < results; i++) skipValueType(r);
      this.#params.push(params);
      this.#results.push(results);
      this.#typeCosts.push(Math.max(0, params + results - FREE_VALUES));
      if (params + results > FREE_VALUES) this.#costly = true;
      return;
    }
    let fields = 0, packed = 0;
    if (form === 0x5f) {
      this.#repeat(r, "fields", () => {
        this.#field(r);
        fields++;
      });
    } else if (form === 0x5e) packed = this.#field(r);
    else throw unsupported(this.#name, `the type 0x${hex(form)}`, at);
    this.#params.push(-1 - fields);
    this.#results.push(packed);
    this.#typeCosts.push(0);
  }

  /** Answers 1 if its values have 8 or 16 bits, else 0. */
  #field(r: Reader): number {
    const packed = r.peek() === 0x78 || r.peek() === 0x77 ? 1 : 0;
    if (packed) r.u8();
    else skipValueType(r);
    r.flag("a field's mutability");
    return packed;
  }

  #import(r: Reader): void {
    this.#importModules.add(r.string("an import's module"));
    r.string("an import's name");
    const at = r.pos;
    const kind = r.u8();
    if (kind === 0) {
      this.#functionTypes.push(this.#functionType(r));
      this.#importedFunctions++;
    } else if (kind === 1) {
      this.#tables.push(this.#tableType(r, true));
      this.#sharesTables = true;
    } else if (kind === 2) this.#memories.push(this.#memory(r, true));
    else if (kind === 3) {
      this.#globalType(r);
      this.#globals++;
    } else if (kind === 4) this.#tag(r);
    else throw unsupported(this.#name, `the kind of import 0x${hex(kind)}`, at);
  }

  #export(r: Reader): void {
    this.#exportNames.add(r.string("an export's name"));
    const at = r.pos;
    const kind = r.u8();
    if (kind === 0) return void this.#exported.push(this.#functionIndex(r));
    if (kind > 4) throw unsupported(this.#name, `the kind of export 0x${hex(kind)}`, at);
    const index = r.u32();
    if (kind === 1) this.#sharesTables = true;
    // A rewrite appends a global: an index that is wrong must not become right.
    if (kind === 3 && index >= this.#globals) r.fail(`there is no global ${index}`, at);
  }

  #functionType(r: Reader): number {
    const at = r.pos;
    const type = r.u32();
    if ((this.#params[type] ?? -1) < 0) r.fail(`type ${type} is not a function's`, at);
    return type;
  }

  #functionIndex(r: Reader): number {
    const at = r.pos;
    const index = r.u32();
    if (index >= this.#functionTypes.length) r.fail(`there is no function ${index}`, at);
    return index;
  }

  #tag(r: Reader): void {
    if (r.u8() !== 0) r.fail("a tag's attribute is not 0", r.pos - 1);
    const type = this.#functionType(r);
    this.#tagParams.push(this.#params[type]!);
    if (this.#takingExceptions.has(type)) this.#keepsExceptions = true;
  }

  #globalType(r: Reader): void {
    if (isException(r)) this.#keepsExceptions = true;
    this.#valueType(r);
    r.flag("a global's mutability");
  }

  #table(r: Reader): void {
    const withInit = r.peek() === 0x40;
    if (withInit) {
      r.u8();
      if (r.u8() !== 0) r.fail("malformed table", r.pos - 1);
    }
    this.#tables.push(this.#tableType(r, false));
    if (withInit) this.#foreign(r);
  }

  #tableType(r: Reader, imported: boolean): Limited {
    const start = r.pos;
    if (isException(r)) this.#keepsExceptions = true;
    this.#valueType(r);
    const element = this.#bytes.slice(start, r.pos);
    return { ...this.#limits(r, imported), element };
  }

  #memory(r: Reader, imported: boolean): Limited {
    const at = r.pos;
    const limits = this.#limits(r, imported);
    if ((limits.max ?? 0n) > (limits.is64 ? 1n << 48n : 1n << 16n)) r.fail("a maximum above all memories", at);
    return limits;
  }

  #limits(r: Reader, imported: boolean): Limited {
    const limitsStart = r.pos;
    const flags = r.u8();
    if (flags > 7) throw unsupported(this.#name, `limits of the kind 0x${hex(flags)}`, limitsStart);
    const is64 = (flags & 4) !== 0;
    const bound = () => is64 ? r.u64() : BigInt(r.u32());
    const min = bound();
    const max = flags & 1 ? bound() : undefined;
    const shared = (flags & 2) !== 0;
    // A rewrite writes a maximum, and must not make a wrong one right.
    if (shared && max === undefined) r.fail("shared without a maximum", limitsStart);
    return { imported, is64, shared, min, max, limitsEnd: r.pos };
  }

  #element(r: Reader): void {
    const at = r.pos;
    const flags = r.u32();
    if (flags > 7) throw unsupported(this.#name, `an element segment of the kind ${flags}`, at);
    if ((flags & 1) === 0) {
      if (flags & 2) r.u32();
      this.#expression(r);
    }
    const expressions = (flags & 4) !== 0;
    if (flags & 3) {
      if (expressions) this.#valueType(r);
      else if (r.u8() !== 0) r.fail("malformed element kind", r.pos - 1);
    }
    this.#repeat(r, "elements", () => {
      if (expressions) this.#foreign(r);
      else this.#elements.push(this.#functionIndex(r));
    });
  }

  /** What an element is made of: a global's value may be another module's function. */
  #foreign(r: Reader): void {
    if (r.peek() === 0x23) this.#sharesTables = true;
    this.#expression(r);
  }

  /** A value type behind the type section: a type that the rewrite appends must not be named. */
  #valueType(r: Reader): void {
    skipValueType(r, this.#params.length);
  }

  /** A constant expression, whose functions count as reachable by indirect calls. */
  #expression(r: Reader): void {
    constantExpression(r, {
      types: this.#params,
      globals: this.#globals,
      onFunction: (index, at) => {
        if (index >= this.#functionTypes.length) r.fail(`there is no function ${index}`, at);
        this.#elements.push(index);
      },
      onObject: (bytes) => this.#constantBytes += bytes,
    });
  }
}
