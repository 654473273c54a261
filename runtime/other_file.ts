/**
 * What is often found where a component should be.
 *
 * @module
 */

const text = (pattern: RegExp) => (bytes: Uint8Array) =>
  pattern.test(new TextDecoder().decode(bytes.subarray(0, 256)).trimStart());

const begins = (...magic: number[]) => (bytes: Uint8Array) => magic.every((byte, at) => bytes[at] === byte);

const KINDS: readonly (readonly [is: (bytes: Uint8Array) => boolean, what: string])[] = [
  [begins(0x1f, 0x8b), "packed with gzip. Unpack it with gunzip."],
  [begins(0x28, 0xb5, 0x2f, 0xfd), "packed with zstd. Unpack it with unzstd."],
  [begins(0x50, 0x4b, 3, 4), "a zip archive. Unpack it, and take the .wasm that is in it."],
  [begins(0x7f, 0x45, 0x4c, 0x46), "a program for Linux. Build it for WebAssembly, target wasm32-wasip2."],
  [begins(0x4d, 0x5a), "a program for Windows. Build it for WebAssembly, target wasm32-wasip2."],
  [text(/^version https:\/\/git-lfs/), 'a note of Git LFS in its place. Get the file itself with "git lfs pull".'],
  [text(/^<(?:!doctype|html|\?xml)/i), "a web page, perhaps of a download that failed. Download it again."],
  [text(/^(?:;;|\(;|\((?:component|module)\b)/), 'WebAssembly\'s text. Make a file of it with "wasm-tools parse".'],
];

/**
 * What a file is that is no WebAssembly, and what to do; `undefined` where that is not known.
 *
 * @example
 * ```ts
 * import { otherFile } from "./other_file.ts";
 *
 * console.assert(otherFile(new Uint8Array([0x1f, 0x8b, 8]))?.startsWith("packed with gzip"));
 * console.assert(otherFile(new Uint8Array([0, 0x61, 0x73, 0x6d])) === undefined);
 * ```
 */
export function otherFile(bytes: Uint8Array): string | undefined {
  return KINDS.find(([is]) => is(bytes))?.[1];
}
