/**
 * What metering costs: kernels run plain and metered, and the rewriting itself.
 *
 * @module
 */
import { meterModule } from "../../runtime/engine/meter/mod.ts";
import { grants, KERNELS, readKernel, type Run, warmUp } from "../../runtime/engine/meter/testdata/kernels/mod.ts";
import { again, type Worker } from "./again.ts";
import { alone, type Scenario } from "./scenario.ts";
import type { Row } from "./stats.ts";

/** A kernel, or the rewriting of a large module. */
export type MeterSpec = { readonly kernel: string; readonly metered: boolean } | { readonly rewrite: true };

const LARGE = new URL(
  "../../node_modules/@bytecodealliance/componentize-js/lib/starlingmonkey_embedding.wasm",
  import.meta.url,
);

/** Makes what runs a kernel for `ms` milliseconds, or rewrites a module again and again: then an operation is a megabyte. */
export async function meterWork(spec: MeterSpec): Promise<Worker> {
  if ("rewrite" in spec) {
    const bytes = await Deno.readFile(LARGE);
    return again(() => void meterModule(bytes), { operations: bytes.length / 1e6 });
  }
  const rounds = KERNELS.find(([name]) => name === spec.kernel)![1];
  const plain = await readKernel(spec.kernel);
  const { bytes, namespace } = spec.metered ? meterModule(plain) : { bytes: plain, namespace: "" };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { [namespace]: grants(2_000_000) });
  const run = () => (exports["run"] as Run)(rounds);
  await warmUp([run]);
  return again(() => void run());
}

/** One process that measures itself. */
function measured(name: string, spec: MeterSpec, baseline?: string): Scenario {
  return {
    name,
    concurrency: [1],
    rounds: 5,
    slow: true,
    ...(baseline === undefined ? {} : { baseline }),
    open: (_bench, _c, options) => alone({ kind: "meter", ...spec }, options),
  };
}

/** Each kernel, plain and metered, and the rewriting in megabytes a second. */
export const METERING: readonly Scenario[] = [
  ...KERNELS.flatMap(([kernel]) => {
    const plain = `meter/${kernel}/plain`;
    return [
      measured(plain, { kernel, metered: false }, plain),
      measured(`meter/${kernel}`, { kernel, metered: true }, plain),
    ];
  }),
  measured("meter/rewrite MB", { rewrite: true }),
];

/** What the kernels say together; `undefined` if none was measured. */
export function meteringSummary(rows: readonly Row[]): string | undefined {
  const costs = rows.flatMap(({ name, ratio_to_plain: ratio }) =>
    /^meter\/[^/ ]+$/.test(name) && ratio ? [{ name: name.slice("meter/".length), cost: 1 / ratio }] : []
  );
  if (costs.length === 0) return undefined;
  const mean = Math.exp(costs.reduce((sum, { cost }) => sum + Math.log(cost), 0) / costs.length);
  const worst = costs.reduce((a, b) => a.cost > b.cost ? a : b);
  return `Metering: kernels take ${mean.toFixed(3)} of their time without, in the geometric mean; ` +
    `at worst ${worst.cost.toFixed(3)} (${worst.name}).`;
}
