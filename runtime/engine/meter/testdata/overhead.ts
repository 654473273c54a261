/**
 * Measures what metering costs on the kernels, plain and metered in turn, the fastest of many runs each:
 *
 * ```sh
 * deno run -A runtime/engine/meter/testdata/overhead.ts
 * ```
 *
 * How V8 lays code out moves a ratio by some percent, so each is the median of several compilations.
 *
 * @module
 */
import { meterModule } from "../mod.ts";
import { grants, KERNELS, readKernel, type Run, warmUp } from "./kernels/mod.ts";

const REPLICAS = Number(Deno.args[0] ?? 5);
const RUNS = 150;

/** The module with a custom section of its own, so that V8 does not take a compilation that it has. */
function distinct(bytes: Uint8Array<ArrayBuffer>, mark: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length + 7);
  copy.set(bytes);
  copy.set([0, 5, 1, 0x78, mark & 255, mark >> 8 & 255, mark >> 16], bytes.length);
  return copy;
}

let mark = 0;
let logs = 0;
for (const [name, rounds] of KERNELS) {
  const plain = await readKernel(name);
  const metered = meterModule(plain);
  const ratios: number[] = [];
  for (let replica = 0; replica < REPLICAS; replica++) {
    const runs = [plain, metered.bytes].map((bytes) => {
      const module = new WebAssembly.Module(distinct(bytes, mark++));
      const { exports } = new WebAssembly.Instance(module, { [metered.namespace]: grants(2_000_000) });
      return () => (exports.run as Run)(rounds);
    });
    await warmUp(runs);
    const best = [Infinity, Infinity];
    for (let i = 0; i < RUNS; i++) {
      runs.forEach((run, which) => {
        const start = performance.now();
        run();
        best[which] = Math.min(best[which]!, performance.now() - start);
      });
    }
    ratios.push(best[1]! / best[0]!);
  }
  ratios.sort((a, b) => a - b);
  const median = ratios[ratios.length >> 1]!;
  logs += Math.log(median);
  console.log(`${name.padEnd(8)} ${median.toFixed(3)}   ${ratios[0]!.toFixed(3)} – ${ratios.at(-1)!.toFixed(3)}`);
}
console.log(`geometric mean ${Math.exp(logs / KERNELS.length).toFixed(3)}`);
