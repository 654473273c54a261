/**
 * Compares programs that wasm-tools' generator makes with their metered twins, as many as one likes:
 *
 * ```sh
 * deno run -A runtime/engine/meter/testdata/smith.ts 1 1000
 * ```
 *
 * With `--keep` the modules of these seeds become the ones of `smith/`, which `same_test.ts` runs. Needs wasm-tools
 * 1.263.0 (`cargo install wasm-tools@1.263.0`).
 *
 * @module
 */
import { difference } from "./compare.ts";
import { random } from "./random_module.ts";
import { smithHost } from "./smith_host.ts";

const here = new URL("./", import.meta.url);

const ON = ["simd", "relaxed-simd", "gc", "exceptions", "memory64", "tail-call", "threads", "extended-const"];
const OFF = [
  ...["shared-everything-threads", "custom-page-sizes", "wide-arithmetic", "compact-imports", "custom-descriptors"],
  ...["acquire-release-atomics", "multibyte-array-access"],
];
const FLAGS = [
  ...ON.flatMap((feature) => [`--${feature}-enabled`, "true"]),
  ...OFF.flatMap((feature) => [`--${feature}-enabled`, "false"]),
  ...["--ensure-termination", "--export-everything", "true", "--canonicalize-nans", "true"],
  ...["--generate-custom-sections", "true", "--allow-start-export", "true"],
  ...["--min-funcs", "3", "--max-instructions", "400", "--max-memories", "3", "--max-tables", "4"],
  ...["--max-memory32-bytes", "655360", "--max-memory64-bytes", "655360", "--max-table-elements", "100"],
  ...["--memory-max-size-required", "true"],
];

async function wasmTools(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("wasm-tools", { args, cwd: here }).output();
  if (!success) throw new Error(`wasm-tools ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}

const [from = 1, to = 100] = Deno.args.filter((arg) => /^\d+$/.test(arg)).map(Number);
const keep = Deno.args.includes("--keep");
const scratch = await Deno.makeTempDir();
await wasmTools("parse", "smith/host.wat", "-o", `${scratch}/host.wasm`);
let bad = 0;
for (let seed = from; seed <= to; seed++) {
  const next = random(seed);
  const input = Uint8Array.from({ length: 2000 + next(6000) }, () => next(256));
  await Deno.writeFile(`${scratch}/seed`, input);
  const imports = seed % 2 === 0 ? ["--max-imports", "0"] : ["--available-imports", `${scratch}/host.wasm`];
  const output = `${scratch}/module.wasm`;
  await wasmTools("smith", ...FLAGS, ...imports, `${scratch}/seed`, "-o", output);
  const bytes = await Deno.readFile(output);
  for (const [options, grant] of [[{}, 100_000], [{ memory: { max: 60, ask: 2 }, table: { max: 1000 } }, 1]] as const) {
    const found = difference(bytes, smithHost, options, grant);
    if (found === undefined) continue;
    bad++;
    console.log(`seed ${seed}: ${found}`);
  }
  if (keep) await Deno.copyFile(output, new URL(`smith/${seed}.wasm`, here));
}
await Deno.remove(scratch, { recursive: true });
console.log(`${to - from + 1} modules, ${bad} differ`);
if (bad > 0) Deno.exit(1);
