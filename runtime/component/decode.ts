/**
 * Decodes a component binary into a {@linkcode ComponentModel}.
 *
 * It reads what the binary says and checks its form; what the indices in it mean is for whoever links it.
 *
 * @module
 */
import { SkerryError } from "../errors.ts";
import { MAX_COMPONENT_BYTES } from "../limits.ts";
import { canon } from "./canon.ts";
import { checkNames } from "./check_names.ts";
import { coreTypeDef } from "./core_types.ts";
import type {
  ComponentModel,
  CoreInstanceDef,
  CustomSection,
  Definition,
  ExportDef,
  InstanceDef,
  StartDef,
  ValueDef,
} from "./model.ts";
import { checkWhole, cutOff, howToWrap, whatItIs } from "./foreign.ts";
import { hex, MAX_COMPONENT_ITEMS, Reader } from "./reader.ts";
import {
  alias,
  coreSort,
  externName,
  externType,
  importDef,
  MAX_NESTING,
  sort,
  sortIndex,
  typeDef,
  valType,
} from "./types.ts";

/** Definitions and custom sections in one binary, nested components included: each costs the host some hundred bytes. */
export const MAX_DEFINITIONS = 400_000;

/** What all of WebAssembly begins with. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d];

/** What the first eight bytes say. */
export function binaryKind(
  bytes: Uint8Array,
): "component" | "core-module" | "neither" {
  const magic = bytes.length >= 8 && bytes[0] === 0x00 && bytes[1] === 0x61 &&
    bytes[2] === 0x73 && bytes[3] === 0x6d;
  if (!magic) return "neither";
  if (bytes[6] === 0x01 && bytes[7] === 0x00) return "component";
  return bytes[6] === 0x00 && bytes[7] === 0x00 ? "core-module" : "neither";
}

/**
 * Decodes a component binary.
 *
 * Implements Binary.md of the Component Model. Section by section, in bounded time and memory; nesting is limited to 100.
 *
 * @param name what the bytes are called in messages
 * @param start where the component begins; it ends with the bytes
 * @throws {SkerryError} `component-malformed`, with the offset; `component-unsupported` for what no engine takes yet.
 *
 * @example
 * ```ts
 * import { decodeComponent } from "./decode.ts";
 *
 * const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
 * console.assert(decodeComponent(empty).definitions.length === 0);
 * ```
 */
export function decodeComponent(
  bytes: Uint8Array,
  name = "component",
  start = 0,
): ComponentModel {
  if (binaryKind(start === 0 ? bytes : bytes.subarray(start)) === "core-module") {
    throw new SkerryError(
      "component-malformed",
      `decoding ${name}: this is a core WebAssembly module, not a component. ${howToWrap(bytes.subarray(start))}`,
    );
  }
  const r = new Reader(bytes, name, start, bytes.length, { most: MAX_COMPONENT_ITEMS, left: MAX_COMPONENT_ITEMS });
  if (bytes.length - start > MAX_COMPONENT_BYTES) {
    r.fail(`${bytes.length - start} bytes are more than ${MAX_COMPONENT_BYTES}`, start);
  }
  if (start === 0) checkFile(bytes, name);
  const model = component(r, 0, { definitions: 0 });
  checkNames(model, name);
  return model;
}

/** Refuses a file that is none of WebAssembly, or that is not whole, and says what to do. */
function checkFile(bytes: Uint8Array, name: string): void {
  if (MAGIC.some((byte, i) => i < bytes.length && bytes[i] !== byte) || bytes.length === 0) {
    throw new SkerryError(
      "component-malformed",
      `decoding ${name}: magic header not detected: this is not a WebAssembly file, ${whatItIs(bytes)}.`,
    );
  }
  if (bytes.length < 8) throw cutOff(name, "preamble", bytes.length);
  if (binaryKind(bytes) === "component") checkWhole(bytes, name);
}

interface Counter {
  definitions: number;
}

function component(r: Reader, depth: number, counter: Counter): ComponentModel {
  if (depth > MAX_NESTING) r.fail(`nesting deeper than ${MAX_NESTING}`);
  const start = r.pos;
  preamble(r);
  const definitions: Definition[] = [];
  const customs: CustomSection[] = [];
  let componentName: string | undefined;
  while (!r.done) {
    const at = r.pos;
    const id = r.u8();
    const size = r.u32();
    const s = r.sub(size, "section");
    if (id === 0) {
      const name = s.string("name of a custom section");
      counted(s, 1, at, counter);
      customs.push({ name, start: s.pos, end: s.end });
      if (name === "component-name") componentName = readName(s);
      continue;
    }
    section(s, id, at, depth, counter, definitions);
    s.finish(`section ${id}`);
  }
  return {
    definitions,
    customs,
    start,
    end: r.pos,
    ...(componentName === undefined ? {} : { name: componentName }),
  };
}

function counted(r: Reader, more: number, at: number, counter: Counter): void {
  counter.definitions += more;
  if (counter.definitions > MAX_DEFINITIONS) r.fail(`more than ${MAX_DEFINITIONS} definitions`, at);
}

function preamble(r: Reader): void {
  const at = r.pos;
  const bytes = r.take(Math.min(8, r.end - r.pos), "preamble");
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    r.fail("magic header not detected: this is not a WebAssembly file", at);
  }
  if (bytes.length < 8) r.fail("unexpected end in preamble", at);
  const layer = bytes[6]! | bytes[7]! << 8;
  if (layer !== 1) r.fail("this is not a component", at + 6);
  const version = bytes[4]! | bytes[5]! << 8;
  if (version !== 0x0d) {
    r.fail(
      `unknown component version 0x${
        version.toString(16)
      }: it was made by old tools, or by ones that are newer than this ` +
        "server. Build it again,",
      at + 4,
    );
  }
}

function section(
  s: Reader,
  id: number,
  at: number,
  depth: number,
  counter: Counter,
  into: Definition[],
): void {
  const each = (what: string, item: (offset: number) => Definition): void => {
    const count = s.count(what);
    counted(s, count, at, counter);
    for (let i = 0; i < count; i++) into.push(item(s.pos));
  };
  if (id === 1 || id === 4 || id === 9) counted(s, 1, at, counter);
  switch (id) {
    case 1:
      coreModule(s, into);
      return;
    case 2:
      return each(
        "core instances",
        (offset) => ({ ...coreInstance(s), offset }),
      );
    case 3:
      return each(
        "core types",
        (offset) => ({ kind: "core-type", type: coreTypeDef(s), offset }),
      );
    case 4: {
      const offset = s.pos;
      into.push({
        kind: "component",
        component: component(s, depth + 1, counter),
        offset,
      });
      return;
    }
    case 5:
      return each("instances", (offset) => ({ ...instance(s), offset }));
    case 6:
      return each("aliases", (offset) => ({ ...alias(s), offset }));
    case 7:
      return each(
        "types",
        (offset) => ({ kind: "type", type: typeDef(s, depth), offset }),
      );
    case 8:
      return each(
        "canonical functions",
        (offset) => ({ kind: "canon", canon: canon(s), offset }),
      );
    case 9: {
      const offset = s.pos;
      into.push({ ...start(s), offset });
      return;
    }
    case 10:
      return each("imports", (offset) => ({ ...importDef(s), offset }));
    case 11:
      return each("exports", (offset) => ({ ...exportDef(s), offset }));
    case 12:
      return each("values", (offset) => ({ ...valueDef(s), offset }));
    default:
      s.fail(`malformed section id ${id}`, at);
  }
}

function coreModule(s: Reader, into: Definition[]): void {
  const offset = s.pos;
  if (binaryKind(s.bytes.subarray(s.pos, s.end)) !== "core-module") {
    s.fail("a core module section does not hold a core module", offset);
  }
  s.pos = s.end;
  into.push({ kind: "core-module", start: offset, end: s.end, offset });
}

function coreInstance(r: Reader): CoreInstanceDef {
  const at = r.pos;
  const code = r.u8();
  if (code === 0) {
    const module = r.u32();
    const args = r.vec("arguments", () => {
      const name = r.string();
      const sortAt = r.pos;
      if (r.u8() !== 0x12) r.fail("an argument must be an instance", sortAt);
      return { name, instance: r.u32() };
    });
    return { kind: "core-instance", module, args, exports: [] };
  }
  if (code !== 1) {
    r.fail(`invalid leading byte 0x${hex(code)} for core instance`, at);
  }
  const exports = r.vec("exports", () => ({
    name: r.string(),
    sort: `core ${coreSort(r)}` as const,
    index: r.u32(),
  }));
  return { kind: "core-instance", args: [], exports };
}

function instance(r: Reader): InstanceDef {
  const at = r.pos;
  const code = r.u8();
  if (code === 0) {
    const componentIndex = r.u32();
    const args = r.vec(
      "arguments",
      () => ({ name: r.string(), ...sortIndex(r) }),
    );
    return { kind: "instance", component: componentIndex, args, exports: [] };
  }
  if (code !== 1) {
    r.fail(`invalid leading byte 0x${hex(code)} for instance`, at);
  }
  const exports = r.vec(
    "exports",
    () => ({ name: externName(r), ...sortIndex(r) }),
  );
  return { kind: "instance", args: [], exports };
}

function start(r: Reader): StartDef {
  return {
    kind: "start",
    func: r.u32(),
    args: r.vec("arguments", () => r.u32()),
    results: r.u32(),
  };
}

function valueDef(r: Reader): ValueDef {
  const type = valType(r);
  const { pos, end } = r.sub(r.u32(), "value");
  return { kind: "value", type, start: pos, end };
}

function exportDef(r: Reader): ExportDef {
  const name = externName(r);
  const exported = sort(r);
  const index = r.u32();
  const type = r.optional("ascribed type", () => externType(r));
  return {
    kind: "export",
    name,
    sort: exported,
    index,
    ...(type === undefined ? {} : { type }),
  };
}

/** The component's own name; a broken name section is no error. */
function readName(s: Reader): string | undefined {
  try {
    if (s.done || s.u8() !== 0) return undefined;
    return s.sub(s.u32(), "name").string();
  } catch {
    return undefined;
  }
}
