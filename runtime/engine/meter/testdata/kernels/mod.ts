/**
 * The kernels that the cost of metering is measured on, each with rounds that take about a millisecond.
 *
 * @module
 */
export const KERNELS: readonly (readonly [name: string, rounds: number])[] = [
  ["hash", 8],
  ["sort", 2],
  ["json", 10],
  ["matrix", 4],
  ["regex", 150],
  ["interp", 3],
  ["fib", 25],
];

export type Run = (rounds: number) => number;

/** Reads a kernel's module. */
export function readKernel(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return Deno.readFile(new URL(`${name}.wasm`, import.meta.url));
}

/** A host that always grants the same. */
export function grants(fuel: number): WebAssembly.ModuleImports {
  return { look: () => fuel, wait: () => fuel };
}

/** Runs each of them for a while, until V8 has optimised it. */
export async function warmUp(runs: readonly (() => unknown)[], ms = 80): Promise<void> {
  const end = performance.now() + ms * runs.length;
  while (performance.now() < end) for (const run of runs) run();
  await new Promise((done) => setTimeout(done, ms));
  for (let i = 0; i < 10; i++) for (const run of runs) run();
}
