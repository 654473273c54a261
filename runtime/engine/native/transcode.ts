/**
 * Strings on their way from one component to another.
 *
 * Implements `store_string_into_range` of CanonicalABI.md step by step: what a guest's allocator is asked for depends on
 * the encoding that the string comes from. A string of the host's has none, and is stored in one piece.
 *
 * @module
 */
import type { Cx } from "./context.ts";
import { type Encoding, loadString, stored, UTF16_TAG } from "./strings.ts";

/** A string of another component, with how it was stored there. */
export class ForeignString {
  readonly text: string;
  readonly encoding: Encoding;
  /** Its length in units of that encoding; with `latin1+utf16`, tagged. */
  readonly units: number;

  constructor(text: string, encoding: Encoding, units: number) {
    this.text = text;
    this.encoding = encoding;
    this.units = units;
  }
}

/** Reads a string for another component. */
export function loadForeignString(cx: Cx, ptr: number, units: number, encoding: Encoding): ForeignString {
  return new ForeignString(loadString(cx, ptr, units, encoding), encoding, units);
}

const encoder = new TextEncoder();

/** Writes a {@linkcode ForeignString} into memory of the guest's; `stored` says where. */
export function storeForeignString(cx: Cx, value: unknown, into: Encoding): void {
  const { text, encoding, units } = value as ForeignString;
  const isTagged = encoding === "latin1+utf16" && units >= UTF16_TAG;
  const count = isTagged ? units - UTF16_TAG : units;
  const from = encoding === "latin1+utf16" ? isTagged ? "utf16" : "latin1" : encoding;
  switch (into) {
    case "utf8":
      if (from === "utf8") return put(cx, cx.allocate(1, count), encoder.encode(text), count);
      return toUtf8(cx, text, count, count * (from === "utf16" ? 3 : 2));
    case "utf16":
      if (from !== "utf8") return put(cx, cx.allocate(2, count * 2), utf16(text), count);
      return shrink(cx, cx.allocate(2, count * 2), utf16(text), { was: count * 2, tag: 0 });
    case "latin1+utf16":
      if (encoding !== "latin1+utf16") return toLatin1OrUtf16(cx, text, count);
      if (from === "latin1") return put(cx, cx.allocate(2, count), latin1(text), count);
      return utf16ToLatin1(cx, text, count);
  }
}

/** Where the string is, once its bytes are in place. */
function put(cx: Cx, ptr: number, bytes: Uint8Array, units: number): void {
  cx.u8.set(bytes, ptr);
  stored.ptr = ptr;
  stored.units = units;
}

/** Fills an allocation for the worst case with UTF-16, and gives back what is left of it. */
function shrink(cx: Cx, ptr: number, bytes: Uint8Array, { was, tag }: { was: number; tag: number }): void {
  put(cx, ptr, bytes, bytes.length / 2 + tag);
  if (bytes.length < was) stored.ptr = cx.reallocate(ptr, was, 2, bytes.length);
}

function toUtf8(cx: Cx, text: string, count: number, worst: number): void {
  const bytes = encoder.encode(text);
  const ptr = cx.allocate(1, count);
  if (bytes.length === count) return put(cx, ptr, bytes, count);
  cx.u8.set(bytes.subarray(0, bytes.findIndex((byte) => byte >= 0x80)), ptr);
  const grown = cx.reallocate(ptr, count, 1, worst);
  put(cx, grown, bytes, bytes.length);
  if (worst > bytes.length) stored.ptr = cx.reallocate(grown, worst, 1, bytes.length);
}

function toLatin1OrUtf16(cx: Cx, text: string, count: number): void {
  const ptr = cx.allocate(2, count);
  const wide = firstWide(text);
  put(cx, ptr, latin1(text.slice(0, wide)), wide);
  if (wide < text.length) {
    return shrink(cx, cx.reallocate(ptr, count, 2, count * 2), utf16(text), { was: count * 2, tag: UTF16_TAG });
  }
  if (wide < count) stored.ptr = cx.reallocate(ptr, count, 2, wide);
}

/** What was tagged as UTF-16 need not have been. */
function utf16ToLatin1(cx: Cx, text: string, count: number): void {
  const ptr = cx.allocate(2, count * 2);
  if (firstWide(text) < text.length) return put(cx, ptr, utf16(text), count + UTF16_TAG);
  put(cx, ptr, latin1(text), count);
  stored.ptr = cx.reallocate(ptr, count * 2, 1, count);
}

/** How many characters come before the first that latin1 does not have. */
function firstWide(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return i;
  return text.length;
}

function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function utf16(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), true);
  return bytes;
}
