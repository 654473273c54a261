/**
 * Binaries that are made to hang, exhaust or confuse whoever reads them: each is refused, with the reason and where.
 *
 * @module
 */
import { expect } from "@std/expect";
import { describeComponent } from "../../runtime/component/mod.ts";
import { createNativeEngine } from "../../runtime/engine/native/mod.ts";
import { SkerryError } from "../../runtime/errors.ts";
import { unsigned } from "./echo_component.ts";

type Bytes = readonly number[];

const HEADER: Bytes = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];
const MOST: Bytes = [0xff, 0xff, 0xff, 0xff, 0x0f];
const U8 = 0x7d;

const text = (string: string): Bytes => [string.length, ...new TextEncoder().encode(string)];
/** The name of an import or export. */
const name = (string: string): Bytes => [0, ...text(string)];
const vec = (items: readonly Bytes[]): Bytes => [...unsigned(items.length), ...items.flat()];
const section = (id: number, ...items: Bytes[]): Bytes => sized(id, vec(items));
const sized = (id: number, content: Bytes): Bytes => [id, ...unsigned(content.length), ...content];
const component = (...sections: Bytes[]): Bytes => [...HEADER, ...sections.flat()];
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

const TYPES = 7, IMPORTS = 10, EXPORTS = 11, INSTANCES = 5, CORE_INSTANCES = 2, COMPONENTS = 4;
const record = (...fields: Bytes[]): Bytes => [0x72, ...vec(fields)];
const tuple = (...types: Bytes[]): Bytes => [0x6f, ...vec(types)];
const func = (...params: Bytes[]): Bytes => [0x40, ...vec(params), 1, 0];
const instanceType = (...declarations: Bytes[]): Bytes => [0x42, ...vec(declarations)];
const componentType = (...declarations: Bytes[]): Bytes => [0x41, ...vec(declarations)];
const exportDecl = (string: string, type: Bytes): Bytes => [4, ...name(string), ...type];
const importDecl = (string: string, type: Bytes): Bytes => [3, ...name(string), ...type];
const typeDecl = (type: Bytes): Bytes => [1, ...type];
/** A type one scope further out. */
const outerType = (index: number): Bytes => [2, 3, 2, 1, ...unsigned(index)];
const ofInstance = (index: number): Bytes => [5, ...unsigned(index)];

/** A type where a value's type is expected: a number with a sign. */
const index = (type: number): Bytes => type < 64 ? [type] : [type & 0x7f | 0x80, type >> 7];

async function refusal(bytes: Bytes): Promise<string> {
  const binary = new Uint8Array(bytes);
  try {
    describeComponent(binary, "it");
  } catch (error) {
    // It does less: what it refuses must be clear, and what it takes is bounded.
    if (!(error instanceof SkerryError)) throw error;
  }
  const refused = await createNativeEngine().load(binary, { name: "it" }).then(() => undefined, (error) => error);
  if (refused === undefined) throw new Error("it was taken");
  if (!(refused instanceof SkerryError)) throw refused;
  expect(refused.code).toBe("component-malformed");
  return refused.message;
}

/** Where a vector of 2³² - 1 items stands. */
const VECTORS: Readonly<Record<string, Bytes>> = {
  ...Object.fromEntries(
    [2, 3, 5, 6, 7, 8, 10, 11].map((id) => [`the items of section ${id}`, [id, 6, ...MOST, 0]]),
  ),
  "the name of a custom section": sized(0, MOST),
  "arguments of a core instance": sized(CORE_INSTANCES, [1, 0, 0, ...MOST]),
  "exports of a core instance": sized(CORE_INSTANCES, [1, 1, ...MOST]),
  "arguments of an instance": sized(INSTANCES, [1, 0, 0, ...MOST]),
  "exports of an instance": sized(INSTANCES, [1, 1, ...MOST]),
  "parameters": sized(TYPES, [1, 0x40, ...MOST]),
  "fields": sized(TYPES, [1, 0x72, ...MOST]),
  "cases": sized(TYPES, [1, 0x71, ...MOST]),
  "types of a tuple": sized(TYPES, [1, 0x6f, ...MOST]),
  "flags": sized(TYPES, [1, 0x6e, ...MOST]),
  "cases of an enum": sized(TYPES, [1, 0x6d, ...MOST]),
  "declarations of a component type": sized(TYPES, [1, 0x41, ...MOST]),
  "declarations of an instance type": sized(TYPES, [1, 0x42, ...MOST]),
  "parameters of a core function": sized(3, [1, 0x60, ...MOST]),
  "declarations of a module type": sized(3, [1, 0x50, ...MOST]),
  "core types of a group": sized(3, [1, 0x4e, ...MOST]),
  "options": sized(8, [1, 1, 0, 0, ...MOST]),
  "a name": sized(IMPORTS, [1, 0, ...MOST]),
  "attributes": sized(IMPORTS, [1, 2, ...text("a"), ...MOST]),
  "arguments of a start function": sized(9, [0, ...MOST]),
};

Deno.test("a vector of 2³² - 1 items is refused at once, wherever it stands", async () => {
  for (const [what, bytes] of Object.entries(VECTORS)) {
    const message = await refusal(component(bytes));
    const isRight = /(?:4294967295 .* do not fit into the section|is too long) at offset 0x[0-9a-f]+$/.test(message);
    if (!isRight) throw new Error(`${what}: ${message}`);
  }
});

const doubled = (i: number, ...more: Bytes[]): Bytes =>
  i === 0
    ? instanceType(...more)
    : instanceType(...more, outerType(i - 1), exportDecl("a", ofInstance(0)), exportDecl("b", ofInstance(0)));

const HOSTILE: Readonly<Record<string, readonly [make: () => Bytes, reason: string]>> = {
  "more definitions than any component has": [
    () => component(sized(8, vec(times(400_001, () => [0x05])))),
    "more than 400000 definitions at offset 0x8",
  ],
  "more custom sections than any component has": [
    () => component(times(400_001, () => [0, 1, 0]).flat()),
    "more than 400000 definitions at offset 0x124f88",
  ],
  "more items than any component has": [
    () => component(section(TYPES, ...times(51, () => tuple(...times(10_000, () => [U8]))))),
    "more than 500000 items in all at offset 0x",
  ],
  "a type of too many parts": [
    () => component(section(TYPES, tuple(...times(10_001, () => [U8])))),
    "10001 types are more than 10000 at offset 0xd",
  ],
  "a function of too many parameters": [
    () => component(section(TYPES, func(...times(1001, (i) => [...text(`p${i}`), U8])))),
    "1001 parameters are more than 1000 at offset 0xd",
  ],
  "components in components without end": [
    () => times(150, () => 0).reduce<Bytes>((inner) => component(sized(COMPONENTS, inner)), component()),
    "nesting deeper than 100 at offset 0x",
  ],
  "types in types without end": [
    () => component(section(TYPES, times(150, () => 0).reduce<Bytes>((inner) => instanceType(typeDecl(inner)), [U8]))),
    "nesting deeper than 100 at offset 0x",
  ],
  "an option of an option without end": [
    () => component(section(TYPES, [U8], ...times(150, (i) => [0x6b, ...index(i)]))),
    "type nesting is too deep at offset 0x",
  ],
  "instances in instances without end": [
    () =>
      component(
        section(
          TYPES,
          ...times(20_000, (i) => i === 0 ? instanceType() : instanceType(outerType(i - 1), exportDecl("a", [5, 0]))),
        ),
        section(IMPORTS, [...name("i"), ...ofInstance(19_999)]),
      ),
    "instances are nested deeper than 100 at offset 0x",
  ],
  "exported instances made of each other without end": [
    () =>
      component(
        section(
          INSTANCES,
          ...times(20_000, (i) => [1, ...vec(i === 0 ? [] : [[...name("a"), 5, ...unsigned(i - 1)]])]),
        ),
        section(EXPORTS, [...name("i"), 5, ...unsigned(19_999), 0]),
      ),
    "instances are nested deeper than 100 at offset 0x",
  ],
  "a value of twice the last one, again and again": [
    () => component(section(TYPES, [U8], ...times(40, (i) => tuple(unsigned(i), unsigned(i))))),
    "effective type size exceeds the limit at offset 0x",
  ],
  "an instance of twice the last one, again and again": [
    () =>
      component(section(TYPES, ...times(40, (i) => doubled(i))), section(IMPORTS, [...name("i"), ...ofInstance(39)])),
    "takes more than 400000 steps at offset 0x",
  ],
  "an instance type of twice the last one, again and again": [
    () =>
      component(
        section(TYPES, ...times(40, (i) => doubled(i))),
        section(EXPORTS, [...name("i"), 3, ...unsigned(39), 0]),
      ),
    "takes more than 400000 steps at offset 0x",
  ],
  "a large type in an instance type that is imported again and again": [
    () =>
      component(
        section(TYPES, instanceType(typeDecl(tuple(...times(10_000, () => [U8]))))),
        section(IMPORTS, ...times(1000, (i) => [...name(`i${i}`), ...ofInstance(0)])),
      ),
    "takes more than 400000 steps at offset 0x",
  ],
  "a type of components that takes one of twice the last one, again and again": [
    () =>
      component(
        section(
          TYPES,
          ...times(40, (i) =>
            i === 0
              ? componentType()
              : componentType(outerType(i - 1), exportDecl("a", [4, 0]), exportDecl("b", [4, 0]))),
        ),
        sized(
          COMPONENTS,
          component(section(6, [3, 2, 1, 39]), section(IMPORTS, [...name("c"), 4, 0]), [
            // What is imported is given to a component that imports the same.
            ...sized(COMPONENTS, component(section(6, [3, 2, 2, 39]), section(IMPORTS, [...name("c"), 4, 0]))),
            ...section(INSTANCES, [0, 1, ...vec([[...text("c"), 4, 0]])]),
          ]),
        ),
      ),
    "takes more than 400000 steps at offset 0x",
  ],
  "a type of components that takes another, without end": [
    () => {
      const chain = times(
        10_000,
        (i) => i === 0 ? componentType() : componentType(outerType(i - 1), importDecl("c", [4, 0])),
      );
      const taking = (count: number) => [
        ...section(6, [3, 2, count, ...unsigned(9999)]),
        ...section(IMPORTS, [...name("c"), 4, 0]),
      ];
      const inner = component(taking(2));
      const given = section(INSTANCES, [0, 1, ...vec([[...text("c"), 4, 0]])]);
      return component(
        section(TYPES, ...chain),
        sized(COMPONENTS, component(taking(1), sized(COMPONENTS, inner), given)),
      );
    },
    "definitions are nested too deeply at offset 0x",
  ],
  ...Object.fromEntries(
    Object.entries({
      "a core instance of many exports": [
        ...section(8, [0x05]),
        ...section(CORE_INSTANCES, [1, ...vec(times(100_000, (i) => [...text(i.toString(36)), 0, 0]))]),
      ],
      "a core instance of many arguments": [
        ...section(CORE_INSTANCES, [1, 0]),
        ...sized(1, [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
        ...section(CORE_INSTANCES, [0, 0, ...vec(times(100_000, (i) => [...text(i.toString(36)), 0x12, 0]))]),
      ],
      "an instance of many exports": [
        ...section(INSTANCES, [1, 0]),
        ...section(INSTANCES, [1, ...vec(times(100_000, (i) => [...name(`i${i}`), 5, 0]))]),
      ],
      "an instance of many arguments": [
        ...sized(COMPONENTS, component()),
        ...section(INSTANCES, [1, 0]),
        ...section(INSTANCES, [0, 0, ...vec(times(100_000, (i) => [...text(i.toString(36)), 5, 0]))]),
      ],
      "a group of many core types": section(3, [0x4e, ...vec(times(100_000, () => [0x60, 0, 0]))]),
      "a module type with a group of many types": section(3, [
        0x50,
        ...vec([[1, 0x4e, ...vec(times(100_000, () => [0x60, 0, 0]))]]),
      ]),
    }).map(([what, inside]): [string, [() => Bytes, string]] => [`${what}, again and again`, [
      () => component(sized(COMPONENTS, component(inside)), section(INSTANCES, ...times(20, () => [0, 0, 0]))),
      "takes more than 400000 steps at offset 0x",
    ]]),
  ),
  "two imports of one name": [
    () => component(section(TYPES, func()), section(IMPORTS, [...name("f"), 1, 0], [...name("f"), 1, 0])),
    'import name "f" conflicts with previous name "f" at offset 0x',
  ],
  "two exports of one name": [
    () => component(section(EXPORTS, ...times(2, () => [...name("i"), 5, 0, 0]))),
    'export name "i" conflicts with previous name "i" at offset 0x',
  ],
  "two exports of one name in an instance": [
    () => component(section(INSTANCES, [1, 0], [1, ...vec(times(2, () => [...name("i"), 5, 0]))])),
    'export name "i" conflicts with previous name "i" at offset 0x',
  ],
  "two exports of one name in a core instance": [
    () => component(section(8, [0x05]), section(CORE_INSTANCES, [1, ...vec(times(2, () => [...text("f"), 0, 0]))])),
    'export name "f" already defined at offset 0x',
  ],
  "two exports of one name in an instance type": [
    () => component(section(TYPES, instanceType(typeDecl(func()), ...times(2, () => exportDecl("f", [1, 0]))))),
    'export name "f" conflicts with previous name "f" at offset 0x',
  ],
  "two arguments of one name": [
    () =>
      component(
        sized(COMPONENTS, component()),
        section(INSTANCES, [1, 0], [0, 0, ...vec(times(2, () => [...text("i"), 5, 0]))]),
      ),
    'instantiation argument "i" conflicts with previous at offset 0x',
  ],
  "two fields of one name": [
    () => component(section(TYPES, record([...text("x"), U8], [...text("X"), U8]))),
    'name "X" conflicts with previous name at offset 0x',
  ],
};

for (const [what, [make, reason]] of Object.entries(HOSTILE)) {
  Deno.test(`${what}: refused`, async () => {
    const message = await refusal(make());
    expect(message).toContain(reason);
    expect(message).toMatch(/ at offset 0x[0-9a-f]+$/);
  });
}

Deno.test("the largest parts that are allowed are taken", async () => {
  const bytes = component(
    section(
      TYPES,
      tuple(...times(10_000, () => [U8])),
      func(...times(1000, (i) => [...text(`p${i}`), U8])),
      ...times(20, (i) => doubledOnce(i)),
    ),
  );
  const { imports } = await createNativeEngine().load(new Uint8Array(bytes));
  expect(imports).toEqual([]);
});

Deno.test("types that have a name in the innermost of many instance types are looked for in each of them once", async () => {
  // Each of the types around asked for all types that are in one, for each of them, before they remembered the answers.
  const tuples = times(24, (i) => typeDecl(tuple(index(i + 1))));
  const resource = [exportDecl("r", [3, 1]), typeDecl([0x69, 0])];
  let type = instanceType(...resource, ...tuples, exportDecl("t", [3, 0, ...unsigned(25)]));
  for (let depth = 0; depth < 24; depth++) type = instanceType(typeDecl(type), exportDecl("t", [3, 0, 0]));
  const bytes = component(section(TYPES, type), section(IMPORTS, [...name("i"), 3, 0, 0]));
  const { imports } = await createNativeEngine().load(new Uint8Array(bytes));
  expect(imports).toEqual([]);
});

/** As it stands: it is twice the last one only where there is one of it. */
function doubledOnce(i: number): Bytes {
  return i === 0 ? instanceType() : instanceType(outerType(i + 1), exportDecl("a", [5, 0]), exportDecl("b", [5, 0]));
}
