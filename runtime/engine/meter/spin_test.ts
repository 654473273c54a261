import { expect } from "@std/expect";
import { Writer } from "../writer.ts";
import { meterModule } from "./mod.ts";

const read = (path: string) => Deno.readFile(new URL(`testdata/${path}`, import.meta.url));

/** Hooks that grant a little fuel some times and then end the guest. */
function strict(grants: number, grant = 1000) {
  const hooks = {
    looks: 0,
    look: () => hooks.looks++ < grants ? grant : -1,
    wait: () => -1,
    grow: () => 1,
  };
  return hooks;
}

type Exported = (...args: unknown[]) => unknown;

/** What an export of a metered file does with a host that ends it after ten looks. */
async function spin(file: string, name: string): Promise<{ looks: number; error: unknown }> {
  const module = new WebAssembly.Module(meterModule(await read(file)).bytes);
  const hooks = strict(10);
  const instance = new WebAssembly.Instance(module, { "skerry:meter": hooks });
  try {
    // Trees of calls are 60 deep: 2^60 calls.
    (instance.exports[name] as Exported)(60);
    return { looks: hooks.looks, error: undefined };
  } catch (error) {
    return { looks: hooks.looks, error };
  }
}

for (const file of ["spins.wasm", "spins_closed.wasm", "spins_legacy.wasm"]) {
  const exports = WebAssembly.Module.exports(new WebAssembly.Module(await read(file)));
  for (const { name } of exports.filter(({ kind }) => kind === "function")) {
    Deno.test(`${name} of ${file} ends when the host says so`, async () => {
      const { looks, error } = await spin(file, name);
      expect(error).toBeInstanceOf(WebAssembly.RuntimeError);
      expect(String(error)).toContain("unreachable");
      expect(looks).toBe(11);
    });
  }
}

Deno.test("a start function that spins ends when the host says so", async () => {
  const module = new WebAssembly.Module(meterModule(await read("spin_start.wasm")).bytes);
  const hooks = strict(3);
  expect(() => new WebAssembly.Instance(module, { "skerry:meter": hooks })).toThrow("unreachable");
  expect(hooks.looks).toBe(4);
});

/** A module of functions without parameters; each body is instructions without the last end. The last one has locals. */
function build(
  bodies: readonly (readonly number[])[],
  result: readonly number[] = [],
  locals = 0,
): Uint8Array<ArrayBuffer> {
  const w = new Writer();
  w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  w.section(1, (s) => s.u8(1, 0x60, 0, result.length, ...result));
  w.section(3, (s) => {
    s.u32(bodies.length);
    for (const _ of bodies) s.u8(0);
  });
  w.section(5, (s) => s.u8(1, 0, 0x80, 0x02));
  w.section(7, (s) => {
    s.u8(1);
    s.string("run");
    s.u8(0, 0);
  });
  w.section(10, (s) => {
    s.u32(bodies.length);
    for (const [i, body] of bodies.entries()) {
      s.sized((b) => {
        b.u8(1);
        b.u32(i === bodies.length - 1 ? locals : 0);
        b.u8(0x7f);
        b.raw(Uint8Array.from(body));
        b.u8(0x0b);
      });
    }
  });
  return w.bytes;
}

/** How often a metered module looks while its export runs, ended after `grants` looks. */
function looksOf(bytes: Uint8Array<ArrayBuffer>, grants: number, grant = 1000): { looks: number; ended: boolean } {
  const hooks = strict(grants, grant);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(meterModule(bytes).bytes), {
    "skerry:meter": hooks,
  });
  let ended = false;
  try {
    (instance.exports.run as Exported)();
  } catch (error) {
    expect(String(error)).toContain("unreachable");
    ended = true;
  }
  return { looks: hooks.looks, ended };
}

const call = (index: number): number[] => {
  const w = new Writer();
  w.u8(0x10);
  w.u32(index);
  return [...w.bytes];
};

Deno.test("functions that each call the next one twice end, without a loop or a recursion", () => {
  const depth = 60;
  const bodies = Array.from({ length: depth }, (_, i) => i < depth - 1 ? [...call(i + 1), ...call(i + 1)] : []);
  expect(looksOf(build(bodies), 100)).toEqual({ looks: 101, ended: true });
});

Deno.test("a long way without a loop pays for itself", () => {
  const nops = new Array<number>(50_000).fill(0x01);
  const { looks, ended } = looksOf(build([nops]), 1000);
  expect(ended).toBe(false);
  expect(looks).toBeGreaterThanOrEqual(1);
  // Each call is paid, though the function itself has no loop.
  const many = looksOf(build([new Array<number[]>(100).fill(call(1)).flat(), nops]), 1000, 10_000);
  expect(many.looks).toBeGreaterThanOrEqual(100);
});

Deno.test("a short function is paid by its callers", () => {
  const short = new Array<number>(100).fill(0x01);
  const plan = build([new Array<number[]>(1000).fill(call(1)).flat(), short]);
  expect(looksOf(plan, 1000, 1000).looks).toBeGreaterThan(50);
});

/** What a module's run takes from the counter. */
function spentBy(bytes: Uint8Array<ArrayBuffer>): number {
  const metered = meterModule(bytes, { fuel: 2_000_000_000 });
  const hooks = strict(0);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), { "skerry:meter": hooks });
  (exports.run as Exported)();
  return 2_000_000_000 - (exports[metered.counter!] as WebAssembly.Global).value;
}

Deno.test("what runs is paid, by itself or by its callers, and not many times over", () => {
  const nops = (count: number) => new Array<number>(count).fill(0x01);
  const calls = (count: number) => new Array<number[]>(count).fill(call(1)).flat();
  // A loop of four turns by a counter in memory, of some size.
  const loop = (count: number) => [
    ...[0x41, 0, 0x41, 0, 0x36, 2, 0, 0x03, 0x40],
    ...nops(count),
    ...[0x41, 0, 0x41, 0, 0x28, 2, 0, 0x41, 1, 0x6a, 0x36, 2, 0],
    ...[0x41, 0, 0x28, 2, 0, 0x41, 4, 0x49, 0x0d, 0, 0x0b],
  ];
  const cases: Readonly<Record<string, readonly [bytes: Uint8Array<ArrayBuffer>, real: number]>> = {
    "straight code": [build([nops(30_000)]), 30_000],
    "calls of straight code": [build([calls(1000), nops(30)]), 34_000],
    "a small loop": [build([calls(1000), loop(100)]), 450_000],
    "a loop too large to be repeated": [build([calls(1000), loop(600)]), 2_450_000],
    "a tiny loop": [build([calls(1000), loop(0)]), 50_000],
  };
  for (const [what, [bytes, real]] of Object.entries(cases)) {
    const spent = spentBy(bytes);
    // The last path may stay unpaid, and a repeated loop may pay for turns that it does not take.
    expect([what, spent > real - 1100, spent < real * 2.5]).toEqual([what, true, true]);
  }
});

Deno.test("what an exception unwinds has been paid before", async () => {
  // Twenty functions of ten divisions each, a hundred times.
  const metered = meterModule(await read("unwound.wasm"), { fuel: 2_000_000_000 });
  expect(metered.exceptions).toBe(true);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), { "skerry:meter": strict(0) });
  (exports.run as Exported)(100);
  const spent = 2_000_000_000 - (exports[metered.counter!] as WebAssembly.Global).value;
  expect(spent).toBeGreaterThan(100 * 20 * 10 * 12);
});

Deno.test("work behind a call that may come around is paid", async () => {
  const metered = meterModule(await read("unpaid.wasm"));
  for (const name of ["recursion", "indirect", "indirect_recursion", "tail"]) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), { "skerry:meter": strict(1) });
    const counter = exports[metered.counter!] as WebAssembly.Global;
    counter.value = 2_000_000_000;
    (exports[name] as Exported)(500);
    const real = 500 * 30 * 12;
    const spent = 2_000_000_000 - counter.value;
    expect([name, spent > real, spent < real * 3]).toEqual([name, true, true]);
  }
});

Deno.test("a row of dear instructions is paid for on the way, not behind its end", () => {
  // memory.fill of 4095 bytes, a thousand times: half a million units.
  const fill = [0x41, 0, 0x41, 1, 0x41, 0xff, 0x1f, 0xfc, 0x0b, 0];
  const fills = new Array<number[]>(1000).fill(fill).flat();
  expect(looksOf(build([fills]), 1_000_000, 10_000).looks).toBeGreaterThan(40);
  expect(looksOf(build([fills]), 5, 10_000)).toEqual({ looks: 6, ended: true });
});

Deno.test("a bulk operation costs something when its length is nothing", () => {
  const nothing: Readonly<Record<string, readonly number[]>> = {
    "memory.fill": [0x41, 0, 0x41, 1, 0x41, 0, 0xfc, 0x0b, 0],
    "memory.fill of a computed length": [0x41, 0, 0x41, 1, 0x41, 0, 0x41, 0, 0x6a, 0xfc, 0x0b, 0],
    "memory.copy": [0x41, 0, 0x41, 1, 0x41, 0, 0xfc, 0x0a, 0, 0],
  };
  for (const [what, code] of Object.entries(nothing)) {
    const spent = spentBy(build([new Array<readonly number[]>(1000).fill(code).flat()]));
    expect([what, spent > 60_000, spent < 100_000]).toEqual([what, true, true]);
  }
});

Deno.test("a function with many locals is paid for by them, for each call clears them all", () => {
  const calls = new Array<number[]>(100).fill(call(1)).flat();
  const bytes = (locals: number) => build([calls, []], [], locals);
  expect(spentBy(bytes(32))).toBeLessThan(2000);
  expect(spentBy(bytes(30_000))).toBeGreaterThan(100 * 29_000);
});

Deno.test("a call with many results is paid for by them", () => {
  const calls = (count: number) => new Array<number[]>(count).fill([...call(1), ...call(2)]).flat();
  const results = new Array<number>(500).fill(0x7f);
  // The second function makes them, the third one takes them; their own types come behind that of the others.
  const bytes = (count: number) => {
    const w = new Writer();
    w.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    w.section(1, (s) => {
      s.u8(3, 0x60, 0, 0, 0x60, 0);
      s.u32(results.length);
      s.u8(...results, 0x60);
      s.u32(results.length);
      s.u8(...results, 0);
    });
    w.section(3, (s) => s.u8(3, 0, 1, 2));
    w.section(7, (s) => {
      s.u8(1);
      s.string("run");
      s.u8(0, 0);
    });
    w.section(10, (s) => {
      s.u8(3);
      s.sized((b) => b.u8(0, ...calls(count), 0x0b));
      s.sized((b) => b.u8(0, ...results.flatMap(() => [0x41, 0]), 0x0b));
      s.sized((b) => b.u8(0, 0x0b));
    });
    return w.bytes;
  };
  // 500 constants, and 500 values that go twice through a call.
  expect(spentBy(bytes(100)) - spentBy(bytes(50))).toBeGreaterThan(50 * 1400);
});

Deno.test("a bulk operation costs as much as its length says", () => {
  // memory.fill of 8 MiB, once with a constant length and once with a computed one.
  const constant = [0x41, 0, 0x41, 1, 0x41, 0x80, 0x80, 0x80, 0x04, 0xfc, 0x0b, 0];
  const computed = [0x41, 0, 0x41, 1, 0x41, 0x80, 0x80, 0x80, 0x04, 0x41, 0, 0x6a, 0xfc, 0x0b, 0];
  for (const fill of [constant, computed]) {
    // One look pays for one fill, so the counter must have gone far below nothing: a second one looks again.
    const twice = looksOf(build([[...fill, ...fill, ...fill]]), 1000, 100_000);
    expect(twice.looks).toBe(3);
  }
  const none = [0x41, 0, 0x41, 1, 0x41, 0, 0x41, 0, 0x6a, 0xfc, 0x0b, 0];
  expect(looksOf(build([[...none, ...none, ...none]]), 1000, 100_000).looks).toBe(1);
});

Deno.test("a recursion through the host ends", async () => {
  // run(n) imports a function that calls run(n - 1), twice.
  const bytes = await read("through_host.wasm");
  const hooks = strict(100, 1000);
  const instance: WebAssembly.Instance = new WebAssembly.Instance(
    new WebAssembly.Module(meterModule(bytes).bytes),
    { host: { again: (n: number) => (instance.exports.run as Exported)(n) }, "skerry:meter": hooks },
  );
  expect(() => (instance.exports.run as Exported)(60)).toThrow("unreachable");
  expect(hooks.looks).toBe(101);
});
