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

/** What every function of a module calls; imported ones come first, and call nothing by number. */
export function callsOf(bytes: Uint8Array, shape: CoreModuleShape): Calls[] {
  const calls: Calls[] = new Array(shape.importedFunctions).fill(new Set<number>());
  const section = shape.sections.get(10);
  if (section === undefined) return calls;
  const r = new Reader(bytes, shape.name, section.start, section.end);
  r.vec("functions", () => calls.push(callsIn(body(r))));
  return calls;
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

function callsIn(r: Reader): Calls {
  const calls = new Set<number>();
  while (!r.done) {
    const opcode = r.peek();
    if (opcode === 0x10 || opcode === 0x12) {
      r.u8();
      calls.add(r.u32());
    } else if (opcode === 0x11 || opcode >= 0x13 && opcode <= 0x15 || instruction(r) === undefined) return undefined;
  }
  return calls;
}

/** Everything that `from` may call, directly or not; `undefined` for anything. */
export function reachable(calls: readonly Calls[], from: number): Calls {
  const seen = new Set([from]);
  for (const index of seen) {
    const direct = calls[index];
    if (direct === undefined) return undefined;
    for (const callee of direct) seen.add(callee);
  }
  return seen;
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
      r.s33();
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

function index(r: Reader): true {
  r.u32();
  return true;
}

function memarg(r: Reader): true {
  if (r.u32() & 0x40) r.u32();
  r.u64();
  return true;
}
