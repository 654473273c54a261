/**
 * Files that are no component: what they are, and what to do.
 *
 * @module
 */
import { SkerryError } from "../errors.ts";
import { coreExternType } from "./core_types.ts";
import { Reader } from "./reader.ts";

/** What files begin with that are often in a component's place. */
const KINDS: readonly (readonly [begins: readonly number[], what: string])[] = [
  [[0x1f, 0x8b], "but one that is compressed with gzip. Unpack it first, with gunzip"],
  [[0x28, 0xb5, 0x2f, 0xfd], "but one that is compressed with zstd. Unpack it first, with unzstd"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "but one that is compressed with xz. Unpack it first, with unxz"],
  [[0x50, 0x4b, 0x03, 0x04], "but a ZIP archive. Unpack it first, and name the .wasm file in it"],
  [
    [0x7f, 0x45, 0x4c, 0x46],
    "but a program for this kind of machine. Build for wasm32-wasip2 or another target of WASI",
  ],
  [[0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e], "but a library of object files. Link it to a module first"],
];

/** The same of text. */
const TEXTS: readonly (readonly [begins: RegExp, what: string])[] = [
  [
    /^version https:\/\/git-lfs\.github\.com\//,
    "but the pointer that Git LFS leaves in its place. Get the file itself, with git lfs pull",
  ],
  [/^<(!doctype\s+html|html|head|\?xml)/i, "but a page of HTML or XML: perhaps a download that failed. Get it again"],
  [/^\((component|module)\b/, "but WebAssembly's text format. Make a binary of it, with wasm-tools parse"],
  [/^[{[]/, "but JSON: perhaps the answer of a download that failed. Get it again"],
  [/^#!/, "but a script. Name the component that it makes"],
];

/** How much of a file is looked at. */
const LOOKED_AT = 512;

/** What a file is that does not begin as WebAssembly does: the rest of "this is not a WebAssembly file". */
export function whatItIs(bytes: Uint8Array): string {
  if (bytes.length === 0) {
    return "but an empty one. Is the copy or the build that writes it still running? If not, make it again";
  }
  const start = bytes.subarray(0, LOOKED_AT);
  for (const [begins, what] of KINDS) if (begins.every((byte, i) => start[i] === byte)) return what;
  const text = asText(start);
  if (text === undefined) return "and no kind of file that is known. Name the .wasm file that your build makes";
  for (const [begins, what] of TEXTS) if (begins.test(text)) return what;
  const line = text.split("\n", 1)[0]!.slice(0, 40);
  return `but text that begins with ${JSON.stringify(line)}. Name the .wasm file that your build makes`;
}

/** Text without the blanks before it; `undefined` for what is none. */
function asText(bytes: Uint8Array): string | undefined {
  // What is cut off in the middle of a character is text all the same.
  const text = new TextDecoder("utf-8").decode(bytes, { stream: true });
  // deno-lint-ignore no-control-regex -- these are what text does not have
  return /[\u0000-\u0008\u000e-\u001a\ufffd]/.test(text) ? undefined : text.trimStart();
}

/** Refuses what is cut off: a section that is longer than the file. */
export function checkWhole(bytes: Uint8Array, name: string): void {
  const r = new Reader(bytes, name, 8);
  while (!r.done) {
    const at = r.pos;
    r.pos++;
    let size: number;
    try {
      size = r.u32();
    } catch (error) {
      // A number may also be no number.
      if (bytes.length - at > 6) throw error;
      throw cutOff(name, "a section without its size", at);
    }
    const left = bytes.length - r.pos;
    if (size > left) throw cutOff(name, `section: ${size} bytes needed, and there are ${left}`, r.pos);
    r.pos += size;
  }
}

/** A file that ends too early. */
export function cutOff(name: string, what: string, offset: number): SkerryError {
  return new SkerryError(
    "component-malformed",
    `decoding ${name}: unexpected end in ${what}, at offset 0x${
      offset.toString(16)
    }. The file is cut off: is the copy or ` +
      "the build that writes it still running? If not, make it again.",
  );
}

/** What to do with a core module, by what it imports. */
export function howToWrap(bytes: Uint8Array): string {
  const imports = importedModules(bytes);
  const has = (pattern: RegExp) => imports.some((module) => pattern.test(module));
  if (has(/^(__wbindgen|wbg$)/)) {
    return "It was made for JavaScript by wasm-bindgen: build for the target wasm32-wasip2 instead.";
  }
  if (has(/^(env|a)$/) && !has(/:/)) {
    return "It needs functions that a page's JavaScript would give it: build for a target of WASI, such as wasm32-wasip2.";
  }
  if (has(/^wasi_(snapshot_preview1|unstable)$/)) {
    return "It is for WASI 0.1: build for wasm32-wasip2, or wrap it with `wasm-tools component new --adapt " +
      "wasi_snapshot_preview1.wasm`.";
  }
  return "Wrap it with `wasm-tools component new`.";
}

/** The names of the modules that a core module imports from, as far as it can be read. */
function importedModules(bytes: Uint8Array): string[] {
  const found = new Set<string>();
  try {
    const r = new Reader(bytes, "", 8);
    while (!r.done) {
      const id = r.u8();
      const s = r.sub(r.u32(), "section");
      if (id !== 2) continue;
      s.vec("imports", () => {
        found.add(s.string());
        s.string();
        coreExternType(s);
      });
      break;
    }
  } catch {
    // What could be read of it will do.
  }
  return [...found];
}
