import { expect } from "@std/expect";
import { coreModuleShape } from "./core_module.ts";

const section = (id: number, ...content: number[]) => [id, content.length, ...content];

function shapeOf(...sections: number[][]) {
  const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
  return coreModuleShape(bytes, 0, bytes.length, "it");
}

const TYPES = section(1, 1, 0x60, 0, 0);
const FUNCTIONS = section(3, 1, 0);
const CODE = section(10, 1, 2, 0, 0x0b);

Deno.test("what is wrong with a core module's form is said, and not put right when it is rewritten", () => {
  const problems: [string, number[][]][] = [
    ["a section of a core module is out of order: id 1 at offset 0xe", [TYPES, TYPES]],
    ["a section of a core module is out of order: id 1 at offset 0xc", [FUNCTIONS, TYPES]],
    ["a section of a core module is out of order: id 5 at offset 0xd", [section(13, 1, 0, 0), section(5, 0)]],
    ["malformed section id 14 in a core module at offset 0x8", [section(14, 0)]],
    ['duplicate export name "f" at offset 0x19', [TYPES, FUNCTIONS, section(7, 2, 1, 0x66, 0, 0, 1, 0x66, 0, 0), CODE]],
  ];
  for (const [problem, sections] of problems) expect(() => shapeOf(...sections)).toThrow(`decoding it: ${problem}`);
});

Deno.test("sections of later proposals stand where they belong, and custom ones anywhere", () => {
  const custom = section(0, 1, 0x78);
  const { sections } = shapeOf(
    ...[custom, TYPES, custom, FUNCTIONS, section(4, 0), section(5, 0), section(13, 0), section(6, 0), section(7, 0)],
    ...[section(9, 0), section(12, 0), custom, CODE, section(11, 0), custom],
  );
  expect([...sections.keys()]).toEqual([1, 3, 4, 5, 13, 6, 7, 9, 12, 10, 11]);
});
