import { expect } from "@std/expect";
import { withTask } from "../../runtime/context.ts";
import { createJcoEngine } from "../../runtime/engine/jco/mod.ts";
import type { Engine } from "../../runtime/engine/mod.ts";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import { DEFAULT_LIMITS, FUNCTION_LIMITS } from "../../runtime/limits.ts";
import { Task } from "../../runtime/task.ts";

const ENGINES: readonly Engine[] = [
  nativeEngine,
  createJcoEngine({ cacheDir: new URL("../../.skerry/jco/", import.meta.url) }),
];

const PARTS = new URL("testdata/parts.wasm", import.meta.url);

/** What each takes beside its bytes. */
const VALUE = 64;

/** What one more element of a list counts. */
const ELEMENTS: Readonly<Record<string, number>> = {
  // 32 flags in four bytes.
  flags: 4 + VALUE * (1 + 32),
  // Ten fields of a byte.
  records: 10 + VALUE * (1 + 10),
  // Two bytes and a list of eight, which has 8 × 65 bytes.
  tuples: 10 + VALUE * (1 + 3 + Math.ceil(8 * (1 + VALUE) / VALUE)),
  // Its payload is two records of ten.
  variants: 21 + VALUE * (1 + 1 + 2 * (1 + 10)),
  options: 2 + VALUE,
  numbers: 2,
};

/** Calls `name` with `n` where so many bytes may be lifted; answers with its result, or which limit it met. */
async function call(engine: Engine, name: string, n: number, hostCallBytes: number): Promise<unknown> {
  const host = {
    "test:parts/host": Object.fromEntries(
      [...Object.keys(ELEMENTS), "plain", "small"].map((name) => [name, () => {}]),
    ),
  };
  const linked = await (await engine.load(await Deno.readFile(PARTS), { name: "parts" })).link(host);
  const task = new Task({ function: "parts", limits: { ...DEFAULT_LIMITS, hostCallBytes, wallMs: 600_000 } });
  const result = await withTask(task, async () => {
    const { exports } = await linked.instantiate();
    return await exports["$root"]![name]!(n);
  }).catch((error) => [...task.met.keys()].join() || error);
  task.end();
  return result;
}

for (const engine of ENGINES) {
  const test = (what: string, body: () => Promise<void>) => Deno.test(`${engine.name}: ${what}`, body);

  for (const [name, bytes] of Object.entries(ELEMENTS)) {
    test(`limits.hostCallBytes counts what the elements of a list are made of: ${name}`, async () => {
      const most = VALUE + 20 * bytes;
      expect(await call(engine, name, 20, most)).toBe(undefined);
      expect(await call(engine, name, 20, most - 1)).toBe("hostCallBytes");
    });
  }

  test("limits.hostCallBytes counts parameters and results of many parts that are in no list", async () => {
    const bytes = Math.ceil(100 * (1 + VALUE) / VALUE) * VALUE;
    expect(await call(engine, "plain", 0, bytes)).toBe(undefined);
    const bools = Array(100).fill(false);
    for (const name of ["answered", "returnedPlain"]) expect(await call(engine, name, 0, bytes)).toEqual(bools);
    for (const name of ["plain", "answered", "returnedPlain"]) {
      expect(await call(engine, name, 0, bytes - 1)).toBe("hostCallBytes");
    }
    // As few as common ones have are free.
    expect(await call(engine, "small", 0, 0)).toBe(undefined);
  });

  test("limits.hostCallBytes counts what an asynchronous function returns", async () => {
    const most = VALUE + 20 * (3 + VALUE * (1 + 3));
    expect(await call(engine, "returnedTuples", 20, most)).toEqual(Array(20).fill([false, false, false]));
    expect(await call(engine, "returnedTuples", 20, most - 1)).toBe("hostCallBytes");
    expect(await call(engine, "returnedNumbers", 3, VALUE + 6)).toEqual(new Uint16Array([1, 2, 3]));
    expect(await call(engine, "returnedNumbers", 3, VALUE + 5)).toBe("hostCallBytes");
  });

  test("limits.hostCallBytes is not given back for a list of more than 2^31 elements", async () => {
    for (const name of ["records", "numbers", "returnedTuples", "returnedNumbers"]) {
      expect(String(await call(engine, name, 2 ** 31 + 1, 1000))).toMatch(/hostCallBytes|list is too long/);
    }
  });

  test("what goes through a stream between guests goes in pieces, so that others run in between", async () => {
    const MIB = 1024 * 1024;
    const { hostCallBytes } = DEFAULT_LIMITS;
    for (const name of ["copied", "written"]) {
      expect(await call(engine, name, MIB - 1, hostCallBytes)).toBe(MIB - 1);
      expect(await call(engine, name, 3 * MIB, hostCallBytes)).toBe(MIB);
      expect(await call(engine, name, 3 * MIB, 1000)).toBe(1000);
    }
    expect(await call(engine, "carried", 0, hostCallBytes)).toBe(0x03_00_02_00);
    // Generated code makes a list of them, where otherwise nothing is copied.
    expect(await call(engine, "nothings", MIB, hostCallBytes)).toBe(engine.name === "jco" ? MIB / 8 : MIB);
    const tuple = 2 + VALUE * (1 + 2);
    expect(await call(engine, "sent", 100, 10 * tuple)).toBe(10);
    expect(await call(engine, "sent", 100_000, hostCallBytes)).toBe(Math.floor(MIB / tuple));
    expect(await call(engine, "sent", 10, tuple - 1)).toBe("hostCallBytes");
  });
}

Deno.test("no manifest may ask for calls that others would wait 300 ms for", () => {
  // Of all values, lists of short lists are the dearest: each takes a microsecond.
  const list = 8 + VALUE + VALUE;
  expect(FUNCTION_LIMITS.hostCallBytes.most / list).toBeLessThan(300_000);
  // A mebibyte of random bytes takes 1.4 ms.
  expect(FUNCTION_LIMITS.randomBytes.most / 2 ** 20 * 1.4).toBeLessThan(300);
});
