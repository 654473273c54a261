import { expect } from "@std/expect";
import { SkerryError } from "../../errors.ts";
import { meterModule, type MeterOptions } from "./mod.ts";

const read = (path: string) => Deno.readFile(new URL(`testdata/${path}`, import.meta.url));

type Call = [what: number, index: number, current: number, delta: number];
type Grow = (...args: unknown[]) => number | bigint;

/** The exports of grow.wat. */
interface GrowExports {
  readonly a: WebAssembly.Memory;
  readonly b: WebAssembly.Memory;
  readonly t: WebAssembly.Table;
  readonly u: { get(index: bigint): unknown; grow(delta: bigint): bigint };
  readonly grow_a: Grow;
  readonly grow_b: Grow;
  readonly grow_t: Grow;
  readonly grow_u: Grow;
}

/** A host that notes what it is asked and told, and answers `answer` to what it is asked. */
async function host(options: MeterOptions, answer = 1, waited = 1) {
  const calls: Call[] = [];
  const hooks = {
    look: () => 1_000_000,
    wait: (reason: number) => {
      calls.push([-1, reason, 0, 0]);
      return waited;
    },
    grow: (...call: Call) => {
      calls.push(call);
      return answer;
    },
  };
  const metered = meterModule(await read("grow.wasm"), options);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), { "skerry:meter": hooks });
  return { calls, metered, exports: exports as unknown as GrowExports };
}

Deno.test("growing within the limits is as it was, and the host is not asked", async () => {
  const { calls, exports } = await host({ memory: { max: 100, ask: 100 }, table: { max: 100, ask: 100 } });
  expect(exports.grow_a(3)).toBe(1);
  expect(exports.grow_a(0)).toBe(4);
  expect(exports.grow_b(5n)).toBe(1n);
  expect(exports.grow_t(4)).toBe(2);
  expect(exports.grow_u("x", 2n)).toBe(1n);
  expect(exports.u.get(1n)).toBe("x");
  expect(calls).toEqual([]);
});

Deno.test("growing above a limit answers -1, and the host is told", async () => {
  const { calls, exports } = await host({ memory: { max: 10 }, table: { max: 6 } });
  // Both memories together have two pages, both tables three elements.
  expect(exports.grow_a(9)).toBe(-1);
  expect(exports.grow_b(9n)).toBe(-1n);
  expect(exports.grow_a(8)).toBe(1);
  expect(exports.grow_a(1)).toBe(-1);
  expect(exports.grow_a(-1)).toBe(-1);
  expect(exports.grow_b(-1n)).toBe(-1n);
  expect(exports.grow_t(4)).toBe(-1);
  expect(exports.grow_t(3)).toBe(2);
  expect(exports.grow_u(null, 1n)).toBe(-1n);
  expect(calls).toEqual([
    [2, 0, 2, 9],
    [2, 1, 2, 9],
    [2, 0, 10, 1],
    [2, 0, 10, 2 ** 32 - 1],
    [2, 1, 10, 2 ** 64],
    [3, 0, 3, 4],
    [3, 1, 6, 1],
  ]);
});

Deno.test("a module's own maximum holds below the limit, and the host is told", async () => {
  const { calls, exports } = await host({ table: { max: 100 } });
  expect(exports.grow_u(null, 5n)).toBe(-1n);
  expect(exports.grow_u(null, 4n)).toBe(1n);
  expect(calls).toEqual([[3, 1, 3, 5]]);
  // Without a limit on memories their growing is not touched.
  expect(exports.grow_a(1)).toBe(1);
});

Deno.test("growing above a threshold asks the host, whose no is -1", async () => {
  const no = await host({ memory: { ask: 4 }, table: { ask: 4 } }, 0);
  expect(no.exports.grow_a(2)).toBe(1);
  expect(no.exports.grow_a(1)).toBe(-1);
  expect(no.exports.grow_b(1n)).toBe(-1n);
  expect(no.exports.grow_t(2)).toBe(-1);
  expect(no.calls).toEqual([[0, 0, 4, 1], [0, 1, 4, 1], [1, 0, 3, 2]]);
  const yes = await host({ memory: { ask: 4 } }, 1);
  expect(yes.exports.grow_a(7)).toBe(1);
  expect(yes.exports.grow_a(0)).toBe(8);
  expect(yes.calls).toEqual([[0, 0, 2, 7]]);
});

Deno.test("a host that wants to think about growing is waited for", async () => {
  const yes = await host({ memory: { ask: 0 } }, 2, 1);
  expect(yes.exports.grow_a(1)).toBe(1);
  expect(yes.calls).toEqual([[0, 0, 2, 1], [-1, 1, 0, 0]]);
  const no = await host({ memory: { ask: 0 } }, 2, 0);
  expect(no.exports.grow_a(1)).toBe(-1);
  const end = await host({ memory: { ask: 0 } }, -1);
  expect(() => end.exports.grow_a(1)).toThrow("unreachable");
});

Deno.test("growing an imported memory or table asks the host too, and obeys its maximum", async () => {
  const calls: Call[] = [];
  const hooks = {
    look: () => 1_000_000,
    wait: () => 1,
    grow: (...call: Call) => {
      calls.push(call);
      return 1;
    },
  };
  const metered = meterModule(await read("grow_imported.wasm"), { memory: { ask: 2 }, table: { ask: 2 } });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 });
  const table = new WebAssembly.Table({ initial: 1, maximum: 4, element: "externref" as "anyfunc" });
  const module = new WebAssembly.Module(metered.bytes);
  const { exports } = new WebAssembly.Instance(module, { host: { memory, table }, "skerry:meter": hooks });
  const { grow, grow_table } = exports as Record<string, Grow>;
  expect(grow!(1)).toBe(1);
  expect(grow!(2)).toBe(2);
  expect(grow!(1)).toBe(-1);
  expect(grow_table!(3)).toBe(1);
  expect(calls).toEqual([[0, 0, 2, 2], [0, 0, 4, 1], [2, 0, 4, 1], [1, 0, 1, 3]]);
});

Deno.test("the maxima stand in the module, each the lower one", async () => {
  const { exports } = await host({ memory: { max: 10 }, table: { max: 6 } });
  // From outside, where no hook is called, the written maximum holds.
  expect(() => exports.a.grow(10)).toThrow();
  expect(exports.a.grow(9)).toBe(1);
  expect(() => exports.t.grow(5)).toThrow();
  expect(() => exports.u.grow(5n)).toThrow();
  expect(exports.u.grow(4n)).toBe(1n);
});

Deno.test("a module that begins with more than it may have is refused", async () => {
  const bytes = await read("grow.wasm");
  const refusal = (options: MeterOptions) => {
    try {
      meterModule(bytes, { name: "big.wasm", ...options });
    } catch (error) {
      return error;
    }
  };
  for (const options of [{ memory: { max: 1 } }, { table: { max: 2 } }]) {
    const error = refusal(options);
    expect(error).toBeInstanceOf(SkerryError);
    expect((error as SkerryError).code).toBe("component-over-limit");
    expect((error as SkerryError).message).toContain("big.wasm");
  }
  expect(refusal({ memory: { max: 2 }, table: { max: 3 } })).toBeUndefined();
});

Deno.test("a wait on shared memory looks and does not wait", async () => {
  const bytes = await read("waits.wasm");
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(meterModule(bytes).bytes));
  const { wait32, wait64, notify } = exports as Record<string, (expected?: unknown) => number>;
  expect(wait32!(1)).toBe(1);
  expect(wait32!(0)).toBe(2);
  expect(wait64!(1n)).toBe(1);
  expect(wait64!(0n)).toBe(2);
  expect(notify!()).toBe(0);
});
