/**
 * Steps over types and constant expressions.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import { hex, type Reader } from "../../component/reader.ts";

/** Throws for what is well formed but not known. */
export function unsupported(name: string, what: string, offset: number): SkerryError {
  return new SkerryError(
    "component-unsupported",
    `metering ${name}: ${what} at offset 0x${offset.toString(16)} is not supported`,
  );
}

/** Steps over a value type; an index at or above `types` is malformed. Answers whether it is one of exceptions. */
export function skipValueType(r: Reader, types = Infinity): boolean {
  const at = r.pos;
  const code = r.u8();
  if (code === 0x63 || code === 0x64) return skipHeapType(r, types);
  const known = code >= 0x7b && code <= 0x7f || code >= 0x69 && code <= 0x74;
  if (!known) throw unsupported(r.name, `the value type 0x${hex(code)}`, at);
  return code === EXN || code === NO_EXN;
}

/** Whether a value type is that of exceptions. */
export function isException(r: Reader): boolean {
  const code = r.peek();
  return code === EXN || (code === 0x63 || code === 0x64) && r.bytes[r.pos + 1] === EXN;
}

const EXN = 0x69, NO_EXN = 0x74;

/** The same for a heap type. */
export function skipHeapType(r: Reader, types = Infinity): boolean {
  const at = r.pos;
  const type = r.s33();
  if (type >= types) r.fail(`there is no type ${type}`, at);
  if (type < 0 && (type < 0x69 - 128 || type > 0x74 - 128)) throw unsupported(r.name, `the heap type ${type}`, at);
  return type === EXN - 128 || type === NO_EXN - 128;
}

/** What an object takes of the host's heap beside its fields or elements, and what each of those takes at most. */
const OBJECT_BYTES = 24, FIELD_BYTES = 16;

/** What constant expressions may refer to, and who hears of it. */
export interface ConstantContext {
  /** Of each type: see `ModuleInfo.typeParams`. */
  readonly types: ArrayLike<number>;
  /** How many globals there are so far. */
  readonly globals: number;
  /** Hears of each function that is named, with where its index stands. */
  onFunction(index: number, at: number): void;
  /** Hears how much the objects take at most that are made; infinitely much, if that is not written there. */
  onObject(bytes: number): void;
}

/** Steps over a constant expression. */
export function constantExpression(r: Reader, context: ConstantContext): void {
  const { types: { length: types }, globals } = context;
  /** The number that was pushed last, if that is all that an array's length can be. */
  let number = Infinity;
  for (;;) {
    const at = r.pos;
    const op = r.u8();
    const length = number;
    number = Infinity;
    if (op === 0x0b) return;
    if (op === 0x41) number = r.s33() >>> 0;
    else if (op === 0x42) skipLeb(r);
    else if (op === 0x43) r.take(4, "f32.const");
    else if (op === 0x44) r.take(8, "f64.const");
    else if (op === 0x23) {
      const index = r.u32();
      if (index >= globals) r.fail(`there is no global ${index} yet`, at);
    } else if (op === 0xd0) skipHeapType(r, types);
    else if (op === 0xd2) context.onFunction(r.u32(), at + 1);
    else if (op >= 0x6a && op <= 0x6c || op >= 0x7c && op <= 0x7e) continue;
    else if (op === 0xfd && r.u32() === 0x0c) r.take(16, "v128.const");
    else if (op === 0xfb) constantGc(r, at, context, length);
    else throw unsupported(r.name, `the opcode 0x${hex(op)} in a constant expression`, at);
  }
}

function constantGc(r: Reader, at: number, { types, onObject }: ConstantContext, length: number): void {
  const op = r.u32();
  if (op === 0x00 || op === 0x01 || op === 0x06 || op === 0x07 || op === 0x08) {
    const type = r.u32();
    if (type >= types.length) r.fail(`there is no type ${type}`, at);
    const parts = op <= 0x01 ? fieldsOf(types[type]!) : op === 0x08 ? r.u32() : length;
    onObject(OBJECT_BYTES + parts * FIELD_BYTES);
  } else if (op !== 0x1a && op !== 0x1b && op !== 0x1c) {
    throw unsupported(r.name, `the opcode 0xfb ${hex(op)} in a constant expression`, at);
  }
}

/** How many fields a structure's type has, by what `ModuleInfo.typeParams` says of it. */
export function fieldsOf(params: number): number {
  return Math.max(0, -1 - params);
}

/** Steps over a signed LEB128 of at most 64 bits. */
function skipLeb(r: Reader): void {
  const at = r.pos;
  while (r.u8() & 0x80) if (r.pos - at >= 10) r.fail("integer representation too long", at);
}
