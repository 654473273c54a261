/**
 * A module of our own beside SQLite's: what SQLite calls has to be a function of WebAssembly, and whoever steps through a
 * statement must leave no JavaScript on the stack, or the statement could not be suspended.
 *
 * @module
 */
import { ROW } from "./codes.ts";

/** What SQLite calls, by name, with its parameters: `i` for an `i32`, `l` for an `i64`, which JavaScript gets as a number. */
const CALLBACKS = {
  xOpen: "iiiii",
  xDelete: "iii",
  xAccess: "iiii",
  xFullPathname: "iiii",
  xRandomness: "iii",
  xSleep: "ii",
  xCurrentTime: "ii",
  xGetLastError: "iii",
  xCurrentTimeInt64: "ii",
  xClose: "i",
  xRead: "iiil",
  xWrite: "iiil",
  xTruncate: "il",
  xSync: "ii",
  xFileSize: "ii",
  xLock: "ii",
  xUnlock: "ii",
  xCheckReservedLock: "ii",
  xFileControl: "iii",
  xSectorSize: "i",
  xDeviceCharacteristics: "i",
  authorize: "iiiiii",
} as const;

export type CallbackName = keyof typeof CALLBACKS;

/** All of them answer with a number of SQLite's. */
export type Callbacks = Readonly<Record<CallbackName, (...args: number[]) => number>>;

/** What the shim exports beside the callbacks. */
export interface ShimExports extends Readonly<Record<CallbackName, () => number>> {
  /** What `prepare` or `run` came to; negative until they are over. */
  readonly code: WebAssembly.Global;
  /** `sqlite3_prepare_v3`. */
  prepare(db: number, sql: number, bytes: number, flags: number, statement: number, tail: number): void;
  /** `sqlite3_step`, until it says something other than `SQLITE_ROW`, or `row` answers 0. */
  run(statement: number): void;
}

const I32 = 0x7f, I64 = 0x7e, F64 = 0x7c;

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push(value & 0x7f | 0x80);
  return [...bytes, value];
}

const list = (items: readonly number[][]): number[] => [...leb(items.length), ...items.flat()];
const section = (id: number, body: number[]): number[] => [id, ...leb(body.length), ...body];
const name = (text: string): number[] => [...leb(text.length), ...new TextEncoder().encode(text)];
const body = (locals: number[], code: number[]): number[] => {
  const all = [...locals, ...code, 0x0b];
  return [...leb(all.length), ...all];
};

/** The module's bytes. */
export function shimBytes(): Uint8Array<ArrayBuffer> {
  const types: number[][] = [];
  const type = (params: number[], results: number[]): number =>
    types.push([0x60, ...list(params.map((p) => [p])), ...list(results.map((r) => [r]))]) - 1;
  const imports: number[][] = [], functions: number[][] = [], exports: number[][] = [], code: number[][] = [];
  const imported = (module: string, what: string, of: number): number =>
    imports.push([...name(module), ...name(what), 0, ...leb(of)]) - 1;
  const step = imported("sqlite", "sqlite3_step", type([I32], [I32]));
  const prepare = imported("sqlite", "sqlite3_prepare_v3", type([I32, I32, I32, I32, I32, I32], [I32]));
  const row = imported("host", "row", type([], [I32]));
  const callbacks = Object.entries(CALLBACKS);
  for (const [what, params] of callbacks) {
    imported("host", what, type([...params].map((p) => p === "l" ? F64 : I32), [I32]));
  }
  const exported = (what: string, of: number, locals: number[], instructions: number[]): void => {
    exports.push([...name(what), 0, ...leb(imports.length + functions.length)]);
    functions.push(leb(of));
    code.push(body(locals, instructions));
  };
  for (const [at, [what, params]] of callbacks.entries()) {
    // local.get; f64.convert_i64_s where it is an i64; call
    const args = [...params].flatMap((p, i) => [0x20, i, ...p === "l" ? [0xb9] : []]);
    exported(what, type([...params].map((p) => p === "l" ? I64 : I32), [I32]), [0], [
      ...args,
      0x10,
      ...leb(row + 1 + at),
    ]);
  }
  const unset = [0x41, 0x7f, 0x24, 0];
  exported("prepare", type([I32, I32, I32, I32, I32, I32], []), [0], [
    ...unset,
    ...[0, 1, 2, 3, 4, 5].flatMap((i) => [0x20, i]),
    ...[0x10, prepare, 0x24, 0],
  ]);
  exported("run", type([I32], []), [1, 1, I32], [
    ...unset,
    ...[0x03, 0x40], // loop
    ...[0x20, 0, 0x10, step, 0x22, 1], // step, kept in a local
    ...[0x41, ROW | 0x80, 0x00], // ROW, with a byte for its sign
    ...[0x46, 0x04, 0x40], // is it that? if
    ...[0x10, row, 0x0d, 1], // row, and again if it says so
    ...[0x0b, 0x0b],
    ...[0x20, 1, 0x24, 0],
  ]);
  exports.push([...name("code"), 3, 0]);
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...section(2, list(imports)),
    ...section(3, list(functions)),
    ...section(6, list([[I32, 1, 0x41, 0x7f, 0x0b]])),
    ...section(7, list(exports)),
    ...section(10, list(code)),
  ]);
}
