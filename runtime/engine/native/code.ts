/**
 * Reads the code of core functions, as far as is needed to know which functions they call.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import { coreValType } from "../../component/core_types.ts";
import type { CoreModuleShape } from "./core_module.ts";

/** What a function calls by number. `undefined` stands for anything: calls through tables, or code that is not understood. */
export type Calls = ReadonlySet<number> | undefined;

const NOTHING: ReadonlySet<number> = new Set();

/** Which functions of a module call which, each read when it is asked for. */
export class CallGraph {
  readonly #bytes: Uint8Array;
  readonly #shape: CoreModuleShape;
  /** Where the bodies' sizes stand. */
  readonly #bodies: readonly number[];
  readonly #calls = new Map<number, Calls>();
  readonly #growing = new Set<number>();

  constructor(bytes: Uint8Array, shape: CoreModuleShape) {
    this.#bytes = bytes;
    this.#shape = shape;
    const section = shape.sections.get(10);
    const bodies: number[] = [];
    if (section !== undefined) {
      const r = new Reader(bytes, shape.name, section.start, section.end);
      for (let left = r.count("functions"); left > 0; left--) {
        bodies.push(r.pos);
        r.take(r.u32(), "function");
      }
    }
    this.#bodies = bodies;
  }

  /** Everything that `from` may call, directly or not, itself too; `undefined` for anything. */
  reachable(from: number): Calls {
    const seen = new Set([from]);
    for (const index of seen) {
      const direct = this.#of(index);
      if (direct === undefined) return undefined;
      for (const callee of direct) seen.add(callee);
    }
    return seen;
  }

  /**
   * The imported functions that a function may reach, if they are all that it does beyond its instance: `undefined` where
   * that is not known, or where a memory may grow.
   */
  importsOf(func: number): readonly number[] | undefined {
    const reached = this.reachable(func);
    if (reached === undefined) return undefined;
    const imports: number[] = [];
    for (const index of reached) {
      if (this.#growing.has(index)) return undefined;
      if (index < this.#shape.importedFunctions) imports.push(index);
    }
    return imports;
  }

  /** What one function calls; imported ones call nothing by number. */
  #of(index: number): Calls {
    const at = this.#bodies[index - this.#shape.importedFunctions];
    if (at === undefined) return NOTHING;
    if (!this.#calls.has(index)) this.#calls.set(index, this.#read(index, at));
    return this.#calls.get(index);
  }

  #read(index: number, at: number): Calls {
    const r = body(new Reader(this.#bytes, this.#shape.name, at, this.#shape.sections.get(10)!.end));
    const calls = new Set<number>();
    while (!r.done) {
      const opcode = r.peek();
      if (opcode === 0x10 || opcode === 0x12) {
        r.u8();
        calls.add(r.u32());
      } else if (opcode === 0x11 || opcode >= 0x13 && opcode <= 0x15 || instruction(r) === undefined) return undefined;
      else if (opcode === 0x40) this.#growing.add(index);
    }
    return calls;
  }
}

/** A reader for a function's instructions. */
export function body(r: Reader): Reader {
  const b = r.sub(r.u32(), "function");
  b.vec("locals", () => {
    b.u32();
    coreValType(b);
  });
  return b;
}

/**
 * Reads one instruction. Answers its opcode, that of a prefixed one with the prefix before it (`0xfc0a`), or `undefined`
 * when it is not known.
 */
export function instruction(r: Reader): number | undefined {
  const opcode = r.u8();
  if (opcode === 0xfc || opcode === 0xfd) {
    const second = r.u32();
    const known = opcode === 0xfc ? skipBulk(r, second) : skipVector(r, second);
    return known ? opcode << 8 | second : undefined;
  }
  return skip(r, opcode) ? opcode : undefined;
}

/** Reads an instruction's operands; answers whether it is known. */
function skip(r: Reader, opcode: number): boolean {
  if (opcode >= 0x45 && opcode <= 0xc4) return true;
  if (opcode >= 0x28 && opcode <= 0x3e) return memarg(r);
  if (opcode >= 0x20 && opcode <= 0x26) return index(r);
  switch (opcode) {
    case 0x00:
    case 0x01:
    case 0x05:
    case 0x0a:
    case 0x0b:
    case 0x0f:
    case 0x19:
    case 0x1a:
    case 0x1b:
    case 0xd1:
      return true;
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x06:
      return blockType(r);
    case 0xd0:
      r.s33();
      return true;
    case 0x07:
    case 0x08:
    case 0x09:
    case 0x0c:
    case 0x0d:
    case 0x10:
    case 0x12:
    case 0x14:
    case 0x15:
    case 0x18:
    case 0x3f:
    case 0x40:
    case 0xd2:
      return index(r);
    case 0x11:
    case 0x13:
      return index(r) && index(r);
    case 0x0e:
      r.vec("labels", () => r.u32());
      return index(r);
    case 0x1c:
      r.vec("types", () => coreValType(r));
      return true;
    case 0x1f:
      blockType(r);
      r.vec("catches", () => r.u8() < 2 ? index(r) && index(r) : index(r));
      return true;
    case 0x41:
    case 0x42:
      while (r.u8() & 0x80);
      return true;
    case 0x43:
      r.take(4, "f32");
      return true;
    case 0x44:
      r.take(8, "f64");
      return true;
    default:
      return false;
  }
}

function skipBulk(r: Reader, opcode: number): boolean {
  if (opcode <= 7) return true;
  if (opcode === 8 || opcode === 10 || opcode === 12 || opcode === 14) return index(r) && index(r);
  return opcode <= 17 && index(r);
}

function skipVector(r: Reader, opcode: number): boolean {
  if (opcode <= 11 || opcode === 92 || opcode === 93) return memarg(r);
  if (opcode === 12 || opcode === 13) r.take(16, "v128");
  else if (opcode >= 21 && opcode <= 34) r.u8();
  else if (opcode >= 84 && opcode <= 91) {
    memarg(r);
    r.u8();
  }
  return opcode <= 0x113;
}

/** Nothing, a value type, of which references are several numbers, or a type's index. */
function blockType(r: Reader): true {
  const code = r.peek();
  if (code === 0x63 || code === 0x64) r.u8();
  r.s33();
  return true;
}

function index(r: Reader): true {
  r.u32();
  return true;
}

function memarg(r: Reader): true {
  if (r.u32() & 0x40) r.u32();
  r.u64();
  return true;
}
