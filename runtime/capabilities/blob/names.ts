/**
 * Names of objects as names of files and keys: what a guest calls an object never is a path.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The longest part of a path that file systems take is 255 bytes. */
const MAX_PART = 200;

/** A slash of a name in its key, and the end of a part that would be too long. */
const [SLASH, BREAK] = ["~/", "~~/"];

const escape = (byte: number): string => `~${byte.toString(16).padStart(2, "0")}`;

/**
 * `name` as parts of a path: all but the last are folders. No two names have the same, not even where the file system
 * takes `A` for `a`, or one spelling of `é` for the other; and none leads out.
 *
 * @example
 * ```ts
 * import { decodeParts, encodeParts } from "./names.ts";
 *
 * console.assert(encodeParts("photo-1.jpg").join() === "=photo-1.jpg");
 * console.assert(encodeParts("../../etc/passwd").join() === "=..~2f..~2fetc~2fpasswd");
 * console.assert(decodeParts(encodeParts("É/é")) === "É/é");
 * ```
 */
export function encodeParts(name: string): string[] {
  let encoded = "";
  for (const byte of encoder.encode(name)) {
    const character = String.fromCharCode(byte);
    encoded += /[a-z0-9_.-]/.test(character) ? character : escape(byte);
  }
  // Windows drops a dot at the end of a name.
  encoded = encoded.length > MAX_PART ? encoded.replaceAll(".", escape(46)) : encoded.replace(/\.$/, escape(46));
  const parts: string[] = [];
  for (; encoded.length > MAX_PART; encoded = encoded.slice(MAX_PART)) parts.push(`+${encoded.slice(0, MAX_PART)}`);
  return [...parts, `=${encoded}`];
}

/** The name behind parts; `undefined` if they are none of ours. */
export function decodeParts(parts: readonly string[]): string | undefined {
  return decode(parts.map((part) => part.slice(1)).join(""));
}

/**
 * `name` as a key of an object store, which reads well where it can: slashes stay, unless a client or a proxy on the way
 * could take them for a step up, or for nothing. Stores that keep objects in a file system take no part of a key that is
 * longer than a file's name, and no key that is a folder of another's: so long parts are broken, and what stands before a
 * slash ends with a mark that no whole key ends with.
 *
 * @example
 * ```ts
 * import { decodeKey, encodeKey } from "./names.ts";
 *
 * console.assert(encodeKey("2026/photo 1.jpg") === "2026~/photo~201.jpg");
 * console.assert(encodeKey("../a//b/") === "~2e.~/a~/~2fb~2f");
 * console.assert(decodeKey(encodeKey("../a//b/")) === "../a//b/");
 * ```
 */
export function encodeKey(name: string): string {
  const bytes = encoder.encode(name);
  let key = "";
  let part = 0;
  for (const [at, byte] of bytes.entries()) {
    const character = String.fromCharCode(byte);
    if (character === "/" && part > 0 && at < bytes.length - 1) {
      key += SLASH;
      part = 0;
      continue;
    }
    if (part >= MAX_PART) {
      key += BREAK;
      part = 0;
    }
    const isSafe = character === "." ? part > 0 : /[A-Za-z0-9_-]/.test(character);
    const encoded = isSafe ? character : escape(byte);
    key += encoded;
    part += encoded.length;
  }
  return key;
}

/** The name behind a key; `undefined` if it is none of ours. */
export function decodeKey(key: string): string | undefined {
  const isOurs = key.split("/").slice(0, -1).every((part) => part.endsWith("~"));
  return isOurs ? decode(key.replaceAll(BREAK, "").replaceAll(SLASH, escape(47))) : undefined;
}

function decode(encoded: string): string | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < encoded.length; at++) {
    if (encoded[at] !== "~") {
      bytes.push(encoded.charCodeAt(at));
      continue;
    }
    const hex = encoded.slice(at + 1, at + 3);
    if (!/^[0-9a-f]{2}$/.test(hex)) return undefined;
    bytes.push(parseInt(hex, 16));
    at += 2;
  }
  try {
    return decoder.decode(new Uint8Array(bytes));
  } catch {
    return undefined;
  }
}
