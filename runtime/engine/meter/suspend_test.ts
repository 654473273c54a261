import { expect } from "@std/expect";
import { type Metered, meterModule, WAIT_FUEL, WAIT_GROW } from "./mod.ts";

const read = (path: string) => Deno.readFile(new URL(`testdata/${path}`, import.meta.url));

/** What TypeScript does not know yet. */
const { Suspending, promising } = WebAssembly as unknown as {
  Suspending: new (wait: (reason: number) => number | Promise<number>) => unknown;
  promising<A extends unknown[]>(exported: (...args: A) => unknown): (...args: A) => Promise<unknown>;
};

type Exported = (...args: unknown[]) => unknown;

/** An instance whose hooks always want to wait. */
function waiting(metered: Metered, wait: (reason: number) => number | Promise<number>): Record<string, Exported> {
  const hooks = { look: () => 0, wait: new Suspending(wait), grow: () => 2 };
  const imports = { [metered.namespace]: hooks } as WebAssembly.Imports;
  return new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), imports).exports as Record<string, Exported>;
}

const turn = () => new Promise<void>((done) => setTimeout(done, 0));

Deno.test("a guest that has used its fuel up lets another one run", async () => {
  const metered = meterModule(await read("kernels/fib.wasm"));
  const order: string[] = [];
  const guest = (name: string) => {
    const { run } = waiting(metered, async (reason) => {
      expect(reason).toBe(WAIT_FUEL);
      order.push(name);
      await turn();
      return 5000;
    });
    return promising(run!)(16);
  };
  expect(await Promise.all([guest("a"), guest("b")])).toEqual([987, 987]);
  expect(order.length).toBeGreaterThan(6);
  for (let i = 0; i < 6; i++) expect(order[i]).toBe(i % 2 === 0 ? "a" : "b");
});

Deno.test("a guest that sleeps for fuel can be ended", async () => {
  const metered = meterModule(await read("spins.wasm"));
  let waits = 0;
  const exports = waiting(metered, async () => {
    await turn();
    return waits++ < 3 ? 1000 : -1;
  });
  for (const name of ["br", "catches_the_end", "tree"]) {
    waits = 0;
    await expect(promising(exports[name]!)(60)).rejects.toThrow("unreachable");
    expect(waits).toBe(4);
  }
});

Deno.test("a guest sleeps until it may grow", async () => {
  const metered = meterModule(await read("grow.wasm"), { memory: { ask: 3 }, fuel: 1_000_000 });
  const reasons: number[] = [];
  const exports = waiting(metered, async (reason) => {
    reasons.push(reason);
    await turn();
    return reasons.length === 1 ? 1 : 0;
  });
  expect(await promising(exports.grow_a!)(4)).toBe(1);
  expect(await promising(exports.grow_a!)(4)).toBe(-1);
  expect(reasons).toEqual([WAIT_GROW, WAIT_GROW]);
});

Deno.test("the host reads and sets the counter while the guest sleeps", async () => {
  const metered = meterModule(await read("kernels/fib.wasm"), { fuel: 1_000_000 });
  const exports = waiting(metered, async () => {
    await turn();
    return 100_000_000;
  });
  const counter = exports[metered.counter!] as unknown as WebAssembly.Global;
  expect(counter.value).toBe(1_000_000);
  expect(await promising(exports.run!)(5)).toBe(5);
  expect(counter.value).toBeLessThan(1_000_000);
  expect(counter.value).toBeGreaterThan(900_000);
  counter.value = -1;
  expect(await promising(exports.run!)(16)).toBe(987);
  expect(counter.value).toBeGreaterThan(90_000_000);
  expect(counter.value).toBeLessThan(100_000_000);
});
