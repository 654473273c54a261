import { expect } from "@std/expect";
import { atOnce } from "../steps.ts";
import { Reader } from "../../component/reader.ts";
import { customSection } from "../writer.ts";
import * as ev from "./_events.ts";
import { CODE, type ModuleInfo, readModule } from "./_module.ts";
import { scanCode, type ScannedCode } from "./_scan.ts";
import { type Metered, meterModule } from "./mod.ts";

const read = (path: string) => Deno.readFile(new URL(`testdata/${path}`, import.meta.url));

interface Module {
  readonly info: ModuleInfo;
  readonly code: ScannedCode;
  readonly names: Map<number, Uint8Array>;
}

function open(bytes: Uint8Array): Module {
  const info = readModule(bytes, "test");
  const code = atOnce(scanCode(info, info.sections.find(({ id }) => id === CODE)));
  const names = new Map<number, Uint8Array>();
  const section = info.sections.find(({ name }) => name === "name");
  if (section !== undefined) {
    const r = new Reader(bytes, "test", section.body, section.end);
    while (!r.done) names.set(r.u8(), r.take(r.u32(), "names"));
  }
  return { info, code, names };
}

function nameMap(r: Reader): Map<number, string> {
  return new Map(r.vec("names", () => [r.u32(), r.string()] as const));
}

const functionNames = ({ names }: Module) => nameMap(new Reader(names.get(1)!, "test"));

/** Names of locals or labels, by function. */
function innerNames({ names }: Module, id: number): Map<number, Map<number, string>> {
  const r = new Reader(names.get(id)!, "test");
  return new Map(r.vec("functions", () => [r.u32(), nameMap(r)] as const));
}

/** The kinds of a function's blocks in the order of their labels. */
function blocks({ info, code }: Module, index: number): string[] {
  const f = index - info.importedFunctions;
  const kinds = ["block", "loop", "if", "", "try", "", "try_table"];
  const found: string[] = [];
  for (let e = code.firstEvent[f]!; e < code.firstEvent[f + 1]!; e += ev.EVENT) {
    const kind = kinds[code.events.data[e]! & ev.KIND_MASK];
    if (kind) found.push(kind);
  }
  return found;
}

async function twins(): Promise<{ plain: Module; other: Module; metered: Metered; bytes: Uint8Array<ArrayBuffer> }> {
  const bytes = await read("names.wasm");
  const metered = meterModule(bytes);
  return { plain: open(bytes), other: open(metered.bytes), metered, bytes };
}

Deno.test("functions keep their names, clones and hooks get some", async () => {
  const { plain, other } = await twins();
  const names = functionNames(other);
  const hooks = [...names.values()].filter((name) => name.startsWith("skerry:meter."));
  expect(hooks).toEqual(["skerry:meter.look", "skerry:meter.wait"]);
  for (const [index, name] of functionNames(plain)) {
    expect([name, names.get(index < 2 ? index : index + 2)]).toEqual([name, name]);
  }
  expect([...names.values()].filter((name) => name === "recursive").length).toBe(2);
  expect([...names.keys()]).toEqual([...names.keys()].sort((a, b) => a - b));
});

Deno.test("locals, labels, globals and all else keep their names", async () => {
  const { plain, other } = await twins();
  const locals = innerNames(other, 2);
  for (const [index, names] of innerNames(plain, 2)) {
    expect(locals.get(index < 2 ? index : index + 2)).toEqual(names);
  }
  for (const [index, labels] of innerNames(plain, 3)) {
    const kinds = blocks(plain, index);
    const newKinds = blocks(other, index + 2);
    const described = [...labels].map(([label, name]) => [name, kinds[label]]);
    expect([...innerNames(other, 3).get(index + 2)!].map(([label, name]) => [name, newKinds[label]])).toEqual(
      described,
    );
    expect(described.length).toBeGreaterThan(0);
  }
  for (const id of [0, 4, 5, 6, 7, 8, 9, 10]) expect([id, other.names.get(id)]).toEqual([id, plain.names.get(id)]);
});

Deno.test("every branch hint stands at a branch, the old ones in every copy of theirs", async () => {
  const { other } = await twins();
  const section = other.info.sections.find(({ name }) => name === "metadata.code.branch_hint")!;
  const branches = new Set<number>();
  for (let e = 0; e < other.code.events.length; e += ev.EVENT) {
    const kind = other.code.events.data[e]! & ev.KIND_MASK;
    if (kind === ev.IF || kind === ev.BR_IF) branches.add(other.code.events.data[e + 1]!);
  }
  const r = new Reader(other.info.bytes, "test", section.body, section.end);
  const taken = [0, 0];
  r.vec("functions", () => {
    const f = r.u32() - other.info.importedFunctions;
    let before = -1;
    r.vec("hints", () => {
      const offset = r.u32();
      expect(offset).toBeGreaterThan(before);
      before = offset;
      expect(branches.has(other.code.bodyStart[f]! + offset)).toBe(true);
      expect(r.u8()).toBe(1);
      taken[r.u8()]!++;
    });
  });
  r.finish("hints");
  // The one that is taken stands in a loop that is there four times.
  expect(taken[1]).toBe(4);
  expect(taken[0]).toBeGreaterThan(2);
});

Deno.test("a trap's offset leads back to the old file", async () => {
  const { metered, bytes } = await twins();
  const host = { first: () => {}, second: () => {} };
  const offset = (module: Uint8Array<ArrayBuffer>): number => {
    const imports = { host, "skerry:meter": { look: () => 1000, wait: () => 1 } };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), imports);
    try {
      (exports.traps as (n: number) => void)(3);
    } catch (error) {
      const found = /wasm-function\[\d+\]:0x([0-9a-f]+)/.exec((error as Error).stack ?? "");
      return parseInt(found![1]!, 16);
    }
    return -1;
  };
  const was = offset(bytes);
  expect(bytes[was]).toBe(0x00);
  expect(offset(metered.bytes)).not.toBe(was);
  expect(metered.originalOffset(offset(metered.bytes))).toBe(was);
});

Deno.test("every instruction that is still there has come from where it was", async () => {
  for (const file of ["names.wasm", "spins.wasm", "kernels/json.wasm"]) {
    const bytes = await read(file);
    const metered = meterModule(bytes);
    const { code } = open(metered.bytes);
    const seen = new Set<number>();
    for (let e = 0; e < code.events.length; e += ev.EVENT) {
      const at = code.events.data[e + 1]!;
      const old = metered.originalOffset(at);
      if (old >= 0 && bytes[old] === metered.bytes[at]) seen.add(old);
    }
    const plain = open(bytes).code;
    for (let e = 0; e < plain.events.length; e += ev.EVENT) {
      const word = plain.events.data[e]!;
      const at = plain.events.data[e + 1]!;
      if ((word & ev.KIND_MASK) !== ev.END) expect([file, at, seen.has(at)]).toEqual([file, at, true]);
    }
  }
});

Deno.test("sections that would no longer be true go, the others stay", async () => {
  const bytes = await read("kernels/fib.wasm");
  const sections = [".debug_info", ".debug_line", "sourceMappingURL", "reloc.CODE", "metadata.code.trace_inst", "own"];
  const extra = sections.map((name) => customSection(name, (w) => w.u8(1, 2, 3)));
  const whole = new Uint8Array(bytes.length + extra.reduce((sum, { length }) => sum + length, 0));
  whole.set(bytes);
  let at = bytes.length;
  for (const section of extra) {
    whole.set(section, at);
    at += section.length;
  }
  const module = new WebAssembly.Module(meterModule(whole).bytes);
  for (const name of sections) {
    expect([name, WebAssembly.Module.customSections(module, name).length]).toEqual([name, name === "own" ? 1 : 0]);
  }
  expect(WebAssembly.Module.customSections(module, "producers").length).toBe(1);
});

Deno.test("a name section that cannot be read is left out", async () => {
  const bytes = await read("kernels/fib.wasm");
  const names = customSection("name", (w) => w.u8(1, 200, 5));
  const whole = new Uint8Array(bytes.length + names.length);
  whole.set(bytes);
  whole.set(names, bytes.length);
  const module = new WebAssembly.Module(meterModule(whole).bytes);
  expect(WebAssembly.Module.customSections(module, "name").length).toBe(0);
});

Deno.test("what has nothing to meter stays as it is, byte for byte", () => {
  const bytes = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  expect(meterModule(bytes).bytes).toEqual(bytes);
  expect(meterModule(bytes).counter).toBeUndefined();
});
