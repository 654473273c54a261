/**
 * Rules of the Component Model that are easily broken.
 *
 * @module
 */
import { expect } from "@std/expect";
import { decodeComponent } from "../../component/mod.ts";
import { call, inIsolate, linkFixture } from "./_testing.ts";
import { nativeEngine } from "./mod.ts";
import { MAX_STEPS } from "./types.ts";

Deno.test("a call that is waited for traps in a function that is not async, whether the callee blocks or not", async () => {
  const linked = await linkFixture("rules", {});
  await inIsolate(linked, async (isolate) => {
    expect(await call(isolate, "askAsync")).toBe(43);
    await expect(call(isolate, "ask")).rejects.toThrow("cannot block a synchronous task before returning");
  });
});

Deno.test("a function that traps after it has answered, in its post-return, has trapped", async () => {
  const linked = await linkFixture("rules", {});
  await inIsolate(linked, async (isolate) => {
    await expect(call(isolate, "trapAfter")).rejects.toThrow("cannot leave component instance");
  });
});

Deno.test("a start function that waits traps", async () => {
  const linked = await linkFixture("start_waits", {});
  await expect(inIsolate(linked, () => Promise.resolve())).rejects.toThrow(
    "cannot block a synchronous task before returning",
  );
});

Deno.test("lists of a fixed length go there and back, also inside each other", async () => {
  const linked = await linkFixture("fixed_lists", {});
  await inIsolate(linked, async (isolate) => {
    const grid = [new Uint32Array([1, 2]), new Uint32Array([3, 0xffff_ffff])];
    expect(await call(isolate, "grid", grid)).toEqual(grid);
    const bits = Array.from({ length: 40 }, (_, i) => i % 3 === 0);
    expect(await call(isolate, "bits", bits)).toEqual(bits);
  });
});

Deno.test("a small memory cannot describe a value that fills the host's", async () => {
  const linked = await linkFixture("amplify", {});
  await inIsolate(linked, async (isolate) => {
    await expect(call(isolate, "lists")).rejects.toThrow("bytes of lists and strings at once");
  });
});

Deno.test("a string from another component asks the allocator for what its encodings ask for, step by step", async () => {
  const linked = await linkFixture("transcode", {});
  const sizes: Record<string, number> = {
    // "é": two bytes of UTF-8 could be two units of UTF-16.
    utf8ToUtf16: 42,
    utf8ToLatin1: 21,
    // "中": begun as latin1, it needs twice the room, and then less.
    utf8ToLatin1Wide: 362,
    utf16ToUtf8: 132,
    utf16ToLatin1: 12,
    latin1ToUtf8: 12,
  };
  await inIsolate(linked, async (isolate) => {
    for (const [name, wanted] of Object.entries(sizes)) {
      expect([name, await call(isolate, name)]).toEqual([name, wanted]);
    }
  });
});

/** Loads each component that is inside of one; all must be refused. */
async function refusals(name: string): Promise<string[]> {
  const bytes = await Deno.readFile(new URL(`./testdata/${name}.wasm`, import.meta.url));
  const found: string[] = [];
  for (const definition of decodeComponent(bytes).definitions) {
    if (definition.kind !== "component") continue;
    const { start, end } = definition.component;
    found.push(await nativeEngine.load(bytes.slice(start, end)).then(() => "taken", String));
  }
  return found;
}

Deno.test("canonical functions given as callback, allocator or destructor must have the type of one", async () => {
  expect(await refusals("wrong_types")).toEqual([
    expect.stringContaining("`callback` requires"),
    expect.stringContaining("`realloc` uses"),
    expect.stringContaining("wrong signature for a destructor"),
  ]);
});

Deno.test("types of components and instances are checked, used or not", async () => {
  expect(await refusals("wrong_declarations")).toEqual([
    expect.stringContaining("is not a function type"),
    expect.stringContaining("is not an instance type"),
    expect.stringContaining("is not a module type"),
    expect.stringContaining("within a concrete component"),
    expect.stringContaining("may only refer to types or instances"),
  ]);
});

Deno.test("garbage-collected values may be what globals and tables begin with", async () => {
  const linked = await linkFixture("gc_constants", {});
  await inIsolate(linked, async (isolate) => {
    expect(await call(isolate, "f")).toBe(7);
  });
});

Deno.test("a small component that stands for a huge one is refused, or costs no more than it is", async () => {
  await expect(linkFixture("doubling", {})).rejects.toThrow(`more than ${MAX_STEPS} steps at offset 0x`);
  await inIsolate(await linkFixture("doubling_export", {}), (isolate) => {
    expect(Object.keys(isolate.exports)).toEqual(["x"]);
    return Promise.resolve();
  });
});

Deno.test("a destructor may look for events, and traps when it asks for its task", async () => {
  const linked = await linkFixture("no_task", {});
  await inIsolate(linked, async (isolate) => {
    await call(isolate, "run", 0);
    await expect(call(isolate, "run", 1)).rejects.toThrow("where there is no task");
  });
});
