/**
 * What is valid and not supported is refused as a component is loaded, by its name and where it stands: so whoever falls
 * back on another engine can say why.
 *
 * @module
 */
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { Writer } from "../writer.ts";
import { nativeEngine } from "./mod.ts";

const section = (id: number, ...content: number[]) => [id, content.length, ...content];
const component = (...sections: number[][]) => [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, ...sections.flat()];

const REFUSED: Readonly<Record<string, string | readonly number[]>> = {
  "the canonical function stream.forward": component(section(7, 1, 0x66, 0), section(8, 1, 0x2e, 0)),
  "the canonical function future.forward": component(section(7, 1, 0x65, 0), section(8, 1, 0x2f, 0)),
  "the canonical function thread.spawn-ref": component(section(3, 1, 0x60, 1, 0x7f, 0), section(8, 1, 0x40, 0, 0)),
  "the canonical function thread.available-parallelism": component(section(8, 1, 0x42, 0)),
  "the canonical option gc": component(section(7, 1, 0x40, 0, 1, 0), section(8, 1, 0, 0, 0, 1, 0x09, 0)),
  "the canonical option core-type": component(section(7, 1, 0x40, 0, 1, 0), section(8, 1, 0, 0, 0, 1, 0x08, 0, 0)),
  "a shared memory": `(component
    (core module $m (memory (export "m") 1 1 shared)) (core instance $i (instantiate $m))
    (core func (canon error-context.new (memory (core memory $i "m")))))`,
};

for (const [what, source] of Object.entries(REFUSED)) {
  Deno.test(`not supported and refused by name: ${what}`, async () => {
    const bytes = new Uint8Array(typeof source === "string" ? await parse(source) : source);
    const refused = await nativeEngine.load(bytes, { name: "it" }).then(() => undefined, (error) => error);
    expect(refused?.code).toBe("component-unsupported");
    expect(refused.message).toContain(what);
    expect(refused.message).toMatch(/ it: .* not supported.*, at offset 0x[0-9a-f]+$/);
  });
}

Deno.test("a module that is valid and more than V8 takes is over a limit, not malformed", async () => {
  const segments = new Uint8Array(2 * 100_001);
  for (let i = 0; i < segments.length; i += 2) segments[i] = 1;
  const w = new Writer();
  w.u8(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
  w.section(1, (module) => {
    module.u8(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    module.section(11, (data) => {
      data.u32(segments.length / 2);
      data.raw(segments);
    });
  });
  w.section(2, (instances) => instances.u8(1, 0, 0, 0));
  const refused = await nativeEngine.load(w.bytes, { name: "it" }).then(() => undefined, (error) => error);
  expect([refused?.code, refused?.message]).toEqual([
    "component-over-limit",
    expect.stringMatching(/^compiling it: .*data segments count of 100001 exceeds internal limit/),
  ]);
});

Deno.test("a module of which nothing is made is read all the same before V8 sees it", async () => {
  // A `try` in one function, a `try_table` in another: which of them V8 sees is by chance, and by chance it ends the process.
  const code = [2, 6, 0, 0x06, 0x40, 0x19, 0x0b, 0x0b, 6, 0, 0x1f, 0x40, 0, 0x0b, 0x0b];
  const module = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(3, 2, 0, 0),
    ...section(10, ...code),
  ];
  const bytes = new Uint8Array(component(section(1, ...module)));
  const refused = await nativeEngine.load(bytes, { name: "it" }).then(() => undefined, (error) => error);
  expect([refused?.code, refused?.message]).toEqual([
    "component-malformed",
    expect.stringContaining("a mix of try and try_table"),
  ]);
});
