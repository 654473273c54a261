/**
 * What metering costs: the kernels plain and metered, rewriting itself, and a look of the host.
 *
 * ```sh
 * deno bench -A runtime/engine/meter/meter_bench.ts
 * ```
 *
 * `testdata/overhead.ts` gives the geometric mean over the kernels.
 *
 * @module
 */
import { meterModule } from "./mod.ts";
import { grants, KERNELS, readKernel, type Run, warmUp } from "./testdata/kernels/mod.ts";

const root = new URL("../../../", import.meta.url);

function start(bytes: Uint8Array<ArrayBuffer>, hooks: WebAssembly.ModuleImports): Run {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { "skerry:meter": hooks }).exports.run as Run;
}

for (const [name, rounds] of KERNELS) {
  const bytes = await readKernel(name);
  const plain = start(bytes, grants(2_000_000));
  const metered = start(meterModule(bytes).bytes, grants(2_000_000));
  await warmUp([() => plain(rounds), () => metered(rounds)]);
  Deno.bench(`${name}, plain`, { group: name, baseline: true }, () => void plain(rounds));
  Deno.bench(`${name}, metered`, { group: name }, () => void metered(rounds));
}

for (const path of ["componentize-js/lib/starlingmonkey_embedding", "jco-transpile/vendor/wasm-tools.core"]) {
  const bytes = await Deno.readFile(new URL(`node_modules/@bytecodealliance/${path}.wasm`, root));
  Deno.bench(`rewrite ${(bytes.length / 1e6).toFixed(1)} MB`, { group: "rewrite" }, () => void meterModule(bytes));
}

{
  // Each turn of fib looks when the host grants nothing: the difference is what its looks cost.
  const bytes = meterModule(await readKernel("fib")).bytes;
  let looks = 0;
  const [many, few] = [start(bytes, { ...grants(1), look: () => (looks++, 1) }), start(bytes, grants(2_000_000))];
  await warmUp([() => many(12), () => few(12)]);
  looks = 0;
  many(12);
  Deno.bench("a guest that does not look", { group: "look", baseline: true }, () => void few(12));
  Deno.bench(`the same with ${looks} looks`, { group: "look" }, () => void many(12));
}
