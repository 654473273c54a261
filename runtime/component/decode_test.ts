import { expect } from "@std/expect";
import { SkerryError } from "../errors.ts";
import { decodeComponent, describeComponent } from "./mod.ts";

const SHAPES = Deno.readFileSync(
  new URL("./testdata/shapes.wasm", import.meta.url),
);
const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

function refusal(bytes: Uint8Array): SkerryError {
  try {
    describeComponent(bytes, "x.wasm");
  } catch (error) {
    if (error instanceof SkerryError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

Deno.test("a component's imports are described with functions, async and resources", () => {
  const { imports, kind, bytes } = describeComponent(SHAPES);
  expect(kind).toBe("component");
  expect(bytes).toBe(SHAPES.length);
  expect(imports).toEqual([
    {
      name: "wasi:io/poll@0.2.3",
      sort: "instance",
      functions: [
        { name: "[method]pollable.block", async: false },
        { name: "poll", async: false },
      ],
      resources: ["pollable"],
    },
    {
      name: "demo:types/all@1.0.0",
      sort: "instance",
      functions: [
        { name: "fetch", async: true },
        { name: "streams", async: false },
        { name: "bits", async: false },
      ],
      resources: [],
    },
    {
      name: "plain",
      sort: "func",
      functions: [{ name: "plain", async: true }],
      resources: [],
    },
  ]);
});

Deno.test("a component's exports are described through inline and instantiated instances", () => {
  const { exports } = describeComponent(SHAPES);
  expect(exports.map((e) => [e.name, e.sort, e.functions])).toEqual([
    ["wasi:cli/run@0.2.3", "instance", [
      { name: "run", async: false },
      { name: "run-async", async: true },
    ]],
    ["inner-face", "instance", [{ name: "g", async: false }]],
    ["mine", "type", []],
  ]);
});

Deno.test("producers are found inside core modules", () => {
  const { producers } = describeComponent(SHAPES);
  expect(producers["language"]).toEqual({ WAT: "1.0" });
  expect(producers["processed-by"]?.["hand"]).toBe("0.1");
});

Deno.test("every canonical function of the fixture is decoded, with its options", () => {
  const { definitions, name } = decodeComponent(SHAPES);
  const canons = definitions.flatMap((d) => d.kind === "canon" ? [d.canon] : []);
  expect(name).toBe("shapes");
  expect(canons.map((c) => c.kind)).toEqual([
    "resource.new",
    "resource.drop",
    "resource.rep",
    "lower",
    "lower",
    "task.return",
    "task.cancel",
    "backpressure.inc",
    "backpressure.dec",
    "context.get",
    "context.set",
    "thread.yield",
    "subtask.cancel",
    "subtask.drop",
    "stream.new",
    "stream.read",
    "stream.cancel-write",
    "stream.drop-readable",
    "future.new",
    "future.write",
    "waitable-set.new",
    "waitable-set.wait",
    "waitable-set.drop",
    "waitable.join",
    "error-context.drop",
    "lift",
    "lift",
  ]);
  expect(canons.at(-1)).toMatchObject({
    options: { async: true, callback: expect.any(Number), encoding: "utf8" },
  });
});

Deno.test("a core module is named as such", () => {
  const core = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0, 0, 0]);
  expect(describeComponent(core).kind).toBe("core-module");
  expect(() => decodeComponent(core, "x.wasm")).toThrow(
    "this is a core WebAssembly module",
  );
});

Deno.test("what is not WebAssembly is refused with the offset", () => {
  const text = refusal(new TextEncoder().encode("export default {}"));
  expect(text.code).toBe("component-malformed");
  expect(text.message).toBe(
    "decoding x.wasm: magic header not detected: this is not a WebAssembly file at offset 0x0",
  );
  expect(refusal(new Uint8Array()).code).toBe("component-malformed");
  expect(refusal(new Uint8Array(HEADER.slice(0, 5))).code).toBe(
    "component-malformed",
  );
});

Deno.test("every truncation of a component is refused or shorter", () => {
  for (let length = 0; length < SHAPES.length; length++) {
    try {
      describeComponent(SHAPES.subarray(0, length));
    } catch (error) {
      expect(error).toBeInstanceOf(SkerryError);
    }
  }
});

Deno.test("mutated components give a model or a clear refusal", () => {
  let seed = 42;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = SHAPES.slice();
    for (let i = random(4); i >= 0; i--) {
      bytes[8 + random(bytes.length - 8)] = random(256);
    }
    try {
      describeComponent(bytes);
    } catch (error) {
      if (!(error instanceof SkerryError)) throw error;
      expect(error.message).toMatch(/offset 0x[0-9a-f]+/);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(1000);
});

Deno.test("a vector that claims more items than there are bytes is refused at once", () => {
  // Section 7 (types) of five bytes, with 2^28 types.
  const bytes = new Uint8Array([...HEADER, 7, 5, 0x80, 0x80, 0x80, 0x80, 0x01]);
  expect(refusal(bytes).message).toContain("do not fit into the section");
});

Deno.test("components nested without end are refused", () => {
  let bytes = HEADER;
  for (let i = 0; i < 200; i++) {
    const size = [bytes.length & 0x7f | 0x80, bytes.length >> 7];
    bytes = [...HEADER, 4, ...size, ...bytes];
  }
  expect(refusal(new Uint8Array(bytes)).message).toContain("nesting deeper");
});

Deno.test("an outer alias past all scopes is refused without counting to it", () => {
  const alias = [0x03, 0x02, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
  const bytes = new Uint8Array([...HEADER, 6, 9, 1, ...alias]);
  expect(refusal(bytes).message).toContain("invalid outer alias count");
});

Deno.test("what is valid but not supported is told with its name and where it is", () => {
  const section = (id: number, ...content: number[]) =>
    refusal(new Uint8Array([...HEADER, id, content.length, ...content]));
  const told = [
    section(8, 1, 0x2e, 0),
    section(8, 1, 0x2f, 0),
    section(8, 1, 0x01, 0x00, 0, 1, 0x08, 0),
    section(8, 1, 0x01, 0x00, 0, 1, 0x09),
  ];
  expect(told.map(({ code, message }) => [code, message])).toEqual([
    "the canonical function stream.forward is not supported, at offset 0xb",
    "the canonical function future.forward is not supported, at offset 0xb",
    "the canonical option core-type is not supported, at offset 0xf",
    "the canonical option gc is not supported, at offset 0xf",
  ].map((what) => ["component-unsupported", `decoding x.wasm: ${what}`]));
});
