import { expect } from "@std/expect";
import { Reader } from "../../component/reader.ts";
import { meterModule } from "./mod.ts";

const root = new URL("../../../", import.meta.url);

/** The core modules in a file, however deep in components. */
function* coreModules(bytes: Uint8Array, start = 0, end = bytes.length): Generator<Uint8Array<ArrayBuffer>> {
  if (bytes[start + 6] === 0) {
    yield bytes.slice(start, end);
    return;
  }
  const r = new Reader(bytes, "a component", start + 8, end);
  while (!r.done) {
    const id = r.u8();
    const inside = r.sub(r.u32(), "a section");
    if (id === 1 || id === 4) yield* coreModules(bytes, inside.pos, inside.end);
  }
}

async function* wasmFiles(folder: URL): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) yield* wasmFiles(new URL(`${entry.name}/`, folder));
    else if (entry.name.endsWith(".wasm")) yield new URL(entry.name, folder);
  }
}

/** Meters each core module of some files, and has V8 validate it. */
async function meterAll(folder: string): Promise<number> {
  const options = { memory: { max: 65_536, ask: 1000 }, table: { max: 10_000_000, ask: 100_000 } };
  let modules = 0;
  for await (const file of wasmFiles(new URL(folder, root))) {
    const bytes = await Deno.readFile(file);
    for (const module of coreModules(bytes)) {
      const metered = meterModule(module, { name: file.pathname, ...options });
      expect([file.pathname, WebAssembly.validate(metered.bytes)]).toEqual([file.pathname, true]);
      // What grows too much takes too long to compile, and too much memory.
      expect(metered.bytes.length).toBeLessThan(module.length * 1.35 + 64 * 1024);
      modules++;
    }
  }
  return modules;
}

Deno.test("every module of the repository's guests can be metered", async () => {
  expect(await meterAll("tests/fixtures/")).toBeGreaterThan(5);
  expect(await meterAll("components/")).toBeGreaterThan(0);
  expect(await meterAll("runtime/component/")).toBeGreaterThan(0);
});

Deno.test("the modules that jco is made of can be metered", async () => {
  expect(await meterAll("node_modules/@bytecodealliance/jco-transpile/vendor/")).toBeGreaterThan(3);
  expect(await meterAll("node_modules/@bytecodealliance/jco/lib/")).toBeGreaterThan(1);
});

Deno.test("StarlingMonkey, ten megabytes, can be metered", async () => {
  const file = new URL("node_modules/@bytecodealliance/componentize-js/lib/starlingmonkey_embedding.wasm", root);
  const metered = meterModule(await Deno.readFile(file));
  expect(WebAssembly.validate(metered.bytes)).toBe(true);
});
