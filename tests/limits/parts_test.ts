import { expect } from "@std/expect";
import { withTask } from "../../runtime/context.ts";
import { nativeEngine } from "../../runtime/engine/native/mod.ts";
import { DEFAULT_LIMITS } from "../../runtime/limits.ts";
import { Task } from "../../runtime/task.ts";

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
async function call(name: string, n: number, hostCallBytes: number): Promise<unknown> {
  const host = {
    "test:parts/host": Object.fromEntries(
      [...Object.keys(ELEMENTS), "plain", "small"].map((name) => [name, () => {}]),
    ),
  };
  const linked = await (await nativeEngine.load(await Deno.readFile(PARTS), { name: "parts" })).link(host);
  const task = new Task({ function: "parts", limits: { ...DEFAULT_LIMITS, hostCallBytes, wallMs: 600_000 } });
  const result = await withTask(task, async () => {
    const { exports } = await linked.instantiate();
    return await exports["$root"]![name]!(n);
  }).catch(() => [...task.met.keys()].join());
  task.end();
  return result;
}

for (const [name, bytes] of Object.entries(ELEMENTS)) {
  Deno.test(`limits.hostCallBytes counts what the elements of a list are made of: ${name}`, async () => {
    const most = VALUE + 20 * bytes;
    expect(await call(name, 20, most)).toBe(undefined);
    expect(await call(name, 20, most - 1)).toBe("hostCallBytes");
  });
}

Deno.test("limits.hostCallBytes counts a parameter of many parts that is in no list", async () => {
  const bytes = Math.ceil(100 * (1 + VALUE) / VALUE) * VALUE;
  expect(await call("plain", 0, bytes)).toBe(undefined);
  expect(await call("plain", 0, bytes - 1)).toBe("hostCallBytes");
  // As few as common ones have are free.
  expect(await call("small", 0, 0)).toBe(undefined);
});

Deno.test("what goes through a stream between guests goes in pieces, so that others run in between", async () => {
  const MIB = 1024 * 1024;
  const { hostCallBytes } = DEFAULT_LIMITS;
  expect(await call("copied", MIB - 1, hostCallBytes)).toBe(MIB - 1);
  expect(await call("copied", 3 * MIB, hostCallBytes)).toBe(MIB);
  expect(await call("copied", 3 * MIB, 1000)).toBe(1000);
});
