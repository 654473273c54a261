/**
 * Byte strings: text with one character for each byte, as HTTP fields are, and most short bodies.
 *
 * @module
 */

/** What a function can be called with at once, with room to spare. */
const MAX_ARGUMENTS = 4096;

/** A byte string, one character for each byte, as `Headers` holds it. */
export function latin1Text(bytes: Uint8Array): string {
  const { length } = bytes;
  if (length <= MAX_ARGUMENTS) return String.fromCharCode.apply(null, bytes as unknown as number[]);
  let text = "";
  for (let at = 0; at < length; at += MAX_ARGUMENTS) text += latin1Text(bytes.subarray(at, at + MAX_ARGUMENTS));
  return text;
}

/** The bytes of a byte string. */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const decoder = new TextDecoder();

/** From here on a decoder takes less time than a call with so many arguments. */
const DECODED_BYTES = 64;

/** `bytes` as text, if they are ASCII. */
export function asciiText(bytes: Uint8Array): string | undefined {
  let all = 0;
  for (let i = 0; i < bytes.length; i++) all |= bytes[i]!;
  if (all >= 0x80) return undefined;
  return bytes.length < DECODED_BYTES ? latin1Text(bytes) : decoder.decode(bytes);
}
