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

/** Steps over a value type; an index at or above `types` is malformed. */
export function skipValueType(r: Reader, types = Infinity): void {
  const at = r.pos;
  const code = r.u8();
  if (code === 0x63 || code === 0x64) return skipHeapType(r, types);
  const known = code >= 0x7b && code <= 0x7f || code >= 0x69 && code <= 0x74;
  if (!known) throw unsupported(r.name, `the value type 0x${hex(code)}`, at);
}

export function skipHeapType(r: Reader, types = Infinity): void {
  const at = r.pos;
  const type = r.s33();
  if (type >= types) r.fail(`there is no type ${type}`, at);
  if (type < 0 && (type < 0x69 - 128 || type > 0x74 - 128)) throw unsupported(r.name, `the heap type ${type}`, at);
}

/** Steps over a constant expression and tells of each function it names, with where its index stands. */
export function constantExpression(
  r: Reader,
  types: number,
  globals: number,
  onFunction: (index: number, at: number) => void,
): void {
  for (;;) {
    const at = r.pos;
    const op = r.u8();
    if (op === 0x0b) return;
    if (op === 0x41) r.s33();
    else if (op === 0x42) skipLeb(r);
    else if (op === 0x43) r.take(4, "f32.const");
    else if (op === 0x44) r.take(8, "f64.const");
    else if (op === 0x23) {
      const index = r.u32();
      if (index >= globals) r.fail(`there is no global ${index} yet`, at);
    } else if (op === 0xd0) skipHeapType(r, types);
    else if (op === 0xd2) onFunction(r.u32(), at + 1);
    else if (op >= 0x6a && op <= 0x6c || op >= 0x7c && op <= 0x7e) continue;
    else if (op === 0xfd && r.u32() === 0x0c) r.take(16, "v128.const");
    else if (op === 0xfb) constantGc(r, at, types);
    else throw unsupported(r.name, `the opcode 0x${hex(op)} in a constant expression`, at);
  }
}

function constantGc(r: Reader, at: number, types: number): void {
  const op = r.u32();
  if (op === 0x00 || op === 0x01 || op === 0x06 || op === 0x07 || op === 0x08) {
    const type = r.u32();
    if (type >= types) r.fail(`there is no type ${type}`, at);
    if (op === 0x08) r.u32();
  } else if (op !== 0x1a && op !== 0x1b && op !== 0x1c) {
    throw unsupported(r.name, `the opcode 0xfb ${hex(op)} in a constant expression`, at);
  }
}

/** Steps over a signed LEB128 of at most 64 bits. */
function skipLeb(r: Reader): void {
  const at = r.pos;
  while (r.u8() & 0x80) if (r.pos - at >= 10) r.fail("integer representation too long", at);
}
