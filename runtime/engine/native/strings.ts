/**
 * Strings in a guest's memory: `utf8`, `utf16` and `latin1+utf16`.
 *
 * Implements `load_string_from_range` and `store_string_into_range` of CanonicalABI.md.
 *
 * @module
 */
import type { CanonOptions } from "../../component/mod.ts";
import { LIFTED_VALUE_BYTES } from "../../limits.ts";
import type { Cx } from "./context.ts";
import { trap } from "./trap.ts";

export type Encoding = CanonOptions["encoding"];

/** Longer strings of a guest trap. In another encoding they may take more. */
export const MAX_STRING_BYTES = 2 ** 28 - 1;

/** In `latin1+utf16`, this bit of the length says which of both. */
export const UTF16_TAG = 0x8000_0000;

/** Up to here, a loop over the bytes is faster than a `TextDecoder`. */
const SHORT = 24;

const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf16Decoder = new TextDecoder("utf-16le", { fatal: true, ignoreBOM: true });
const latin1Decode = (bytes: Uint8Array): string => {
  let text = "";
  // Not a TextDecoder: its "latin1" is windows-1252.
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return text;
};
const encoder = new TextEncoder();

/** Reads a string: of `units` code units, tagged in `latin1+utf16`. */
export function loadString(cx: Cx, ptr: number, units: number, encoding: Encoding): string {
  switch (encoding) {
    case "utf8":
      return decode(cx, ptr, units, 1, utf8);
    case "utf16":
      return decode(cx, ptr, units * 2, 2, utf16);
    case "latin1+utf16":
      return units >= UTF16_TAG
        ? decode(cx, ptr, (units - UTF16_TAG) * 2, 2, utf16)
        : decode(cx, ptr, units, 2, latin1Decode);
  }
}

function decode(
  cx: Cx,
  ptr: number,
  bytes: number,
  align: number,
  how: (bytes: Uint8Array) => string,
): string {
  if (bytes > MAX_STRING_BYTES) trap("string is too long");
  cx.checkRange(ptr, align, bytes, "string");
  cx.charge(bytes + LIFTED_VALUE_BYTES);
  return bytes === 0 ? "" : how(cx.u8.subarray(ptr, ptr + bytes));
}

function utf8(bytes: Uint8Array): string {
  const length = bytes.length;
  if (length <= SHORT) {
    let text = "";
    for (let i = 0; i < length; i++) {
      const byte = bytes[i]!;
      if (byte >= 0x80) return fatal(utf8Decoder, bytes);
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return fatal(utf8Decoder, bytes);
}

const utf16 = (bytes: Uint8Array) => fatal(utf16Decoder, bytes);

function fatal(decoder: TextDecoder, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes as Uint8Array<ArrayBuffer>);
  } catch {
    return trap("invalid string: malformed encoding");
  }
}

/** Where the last stored string lies. A pair as a result would cost an object for each string. */
export const stored = { ptr: 0, units: 0 };

/** Writes a string into memory of the guest's; {@linkcode stored} says where. */
export function storeString(cx: Cx, text: unknown, encoding: Encoding): void {
  if (typeof text !== "string") throw new TypeError(`expected a string, got ${typeof text}`);
  switch (encoding) {
    case "utf8":
      return storeUtf8(cx, text);
    case "utf16":
      return storeUtf16(cx, text.toWellFormed(), 0);
    case "latin1+utf16":
      return storeLatin1OrUtf16(cx, text.toWellFormed());
  }
}

function storeUtf8(cx: Cx, text: string): void {
  const length = text.length;
  if (length <= SHORT && isAscii(text)) {
    const ptr = stored.ptr = cx.allocate(1, length);
    stored.units = length;
    const { u8 } = cx;
    for (let i = 0; i < length; i++) u8[ptr + i] = text.charCodeAt(i);
    return;
  }
  const bytes = encoder.encode(text);
  stored.ptr = cx.allocate(1, bytes.length);
  stored.units = bytes.length;
  cx.u8.set(bytes, stored.ptr);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

function storeUtf16(cx: Cx, text: string, tag: number): void {
  const ptr = stored.ptr = cx.allocate(2, text.length * 2);
  stored.units = text.length + tag;
  const { dv } = cx;
  for (let i = 0; i < text.length; i++) dv.setUint16(ptr + 2 * i, text.charCodeAt(i), true);
}

function storeLatin1OrUtf16(cx: Cx, text: string): void {
  // deno-lint-ignore no-control-regex -- all of latin1
  if (!/^[\u0000-\u00ff]*$/.test(text)) return storeUtf16(cx, text, UTF16_TAG);
  const ptr = stored.ptr = cx.allocate(2, text.length);
  stored.units = text.length;
  const { u8 } = cx;
  for (let i = 0; i < text.length; i++) u8[ptr + i] = text.charCodeAt(i);
}
