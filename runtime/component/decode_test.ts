import { expect } from "@std/expect";
import { SkerryError } from "../errors.ts";
import { Writer } from "../engine/writer.ts";
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

/** Files that are often in a component's place, and what is said of each. */
const FOREIGN: Readonly<Record<string, readonly [bytes: Uint8Array | string | readonly number[], said: string]>> = {
  "an empty file": [
    "",
    "but an empty one. Is the copy or the build that writes it still running? If not, make it again.",
  ],
  "a page of an error": [
    "\n<!DOCTYPE html><title>404</title>",
    "but a page of HTML or XML: perhaps a download that failed.",
  ],
  "an error in XML": ['<?xml version="1.0"?><Error/>', "but a page of HTML or XML"],
  "an error in JSON": [
    '{"message":"Not Found"}',
    "but JSON: perhaps the answer of a download that failed. Get it again.",
  ],
  "a pointer of Git LFS": [
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "but the pointer that Git LFS leaves in its place. Get the file itself, with git lfs pull.",
  ],
  "WebAssembly's text": [
    "(component (core module))",
    "but WebAssembly's text format. Make a binary of it, with wasm-tools parse.",
  ],
  "a script": ["#!/bin/sh\necho", "but a script. Name the component that it makes."],
  "a source": [
    "export default {}",
    'but text that begins with "export default {}". Name the .wasm file that your build makes.',
  ],
  "a compressed file": [
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0],
    "but one that is compressed with gzip. Unpack it first, with gunzip.",
  ],
  "an archive": [[0x50, 0x4b, 3, 4, 0, 0, 0, 0], "but a ZIP archive. Unpack it first, and name the .wasm file in it."],
  "a program": [
    [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0],
    "but a program for this kind of machine. Build for wasm32-wasip2",
  ],
  "nothing that is known": [[0, 1, 2, 3, 4, 5, 6, 7, 8], "and no kind of file that is known. Name the .wasm file"],
};

for (const [what, [content, said]] of Object.entries(FOREIGN)) {
  Deno.test(`${what} in a component's place is called what it is, and what to do is told`, () => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : Uint8Array.from(content);
    const { code, message } = refusal(bytes);
    expect(code).toBe("component-malformed");
    expect(message).toContain(`decoding x.wasm: magic header not detected: this is not a WebAssembly file, ${said}`);
  });
}

Deno.test("a file that is cut off, wherever that is, is called cut off", () => {
  const isCut =
    /^decoding x\.wasm: unexpected end in .*, at offset 0x[0-9a-f]+\. The file is cut off: is the copy or the build/;
  // Where a section ends there is nothing to see.
  const ends = new Set<number>([8]);
  for (let at = 8; at < SHAPES.length; ends.add(at)) {
    let [size, shift] = [0, 0];
    for (at++;; shift += 7) {
      const byte = SHAPES[at++]!;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    at += size;
  }
  expect(ends.has(SHAPES.length)).toBe(true);
  for (let length = 1; length < SHAPES.length; length++) {
    const cut = SHAPES.slice(0, length);
    if (ends.has(length)) continue;
    expect([length, refusal(cut).message]).toEqual([length, expect.stringMatching(isCut)]);
  }
  expect(refusal(SHAPES.slice(0, SHAPES.length - 5)).message).toMatch(
    /section: \d+ bytes needed, and there are \d+, at offset/,
  );
});

Deno.test("a core module is told to be built for another target, or to be wrapped, by what it imports", () => {
  const importing = (module: string) => {
    const name = new TextEncoder().encode(module);
    const type = [1, 4, 1, 0x60, 0, 0];
    const imports = [1, name.length, ...name, 1, 0x66, 0, 0];
    return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...type, 2, imports.length, ...imports]);
  };
  const said = (bytes: Uint8Array<ArrayBuffer>) => {
    try {
      decodeComponent(bytes, "x.wasm");
    } catch (error) {
      return (error as Error).message.replace(
        /^decoding x\.wasm: this is a core WebAssembly module, not a component\. /,
        "",
      );
    }
    return "taken";
  };
  expect(WebAssembly.validate(importing("wasi_snapshot_preview1"))).toBe(true);
  expect(said(importing("wasi_snapshot_preview1"))).toMatch(
    /^It is for WASI 0\.1: build for wasm32-wasip2, or wrap it with/,
  );
  expect(said(importing("__wbindgen_placeholder__"))).toMatch(/^It was made for JavaScript by wasm-bindgen/);
  expect(said(importing("env"))).toMatch(/^It needs functions that a page's JavaScript would give it/);
  expect(said(importing("wasi:http/types@0.2.0"))).toBe("Wrap it with `wasm-tools component new`.");
  expect(said(importing("x").slice(0, 20))).toBe("Wrap it with `wasm-tools component new`.");
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

Deno.test("names of tens of megabytes count as so many items, for each letter of them is looked at", () => {
  const records = (count: number) => {
    const w = new Writer();
    w.u8(...HEADER);
    w.section(7, (s) => {
      s.u32(count);
      for (let i = 0; i < count; i++) {
        s.u8(0x72, 1);
        s.string("a".repeat(90_000));
        s.u8(0x7d);
      }
    });
    return w.bytes;
  };
  expect(decodeComponent(records(20)).definitions.length).toBe(20);
  // 1406 for each name, and three more.
  expect(() => decodeComponent(records(360), "x.wasm")).toThrow(
    "decoding x.wasm: more than 500000 items in all at offset 0x",
  );
});
