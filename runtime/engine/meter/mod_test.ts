import { expect } from "@std/expect";
import { meterModule } from "./mod.ts";

const KERNELS = [["hash", 3], ["sort", 2], ["json", 2], ["matrix", 2], ["regex", 20], ["interp", 2], [
  "fib",
  15,
]] as const;

const read = (path: string) => Deno.readFile(new URL(`testdata/${path}`, import.meta.url));

type Run = (n: number) => number;

for (const [name, n] of KERNELS) {
  Deno.test(`the kernel ${name} computes the same when metered, and looks`, async () => {
    const bytes = await read(`kernels/${name}.wasm`);
    const metered = meterModule(bytes);
    let looks = 0;
    const look = () => {
      looks++;
      return 10_000;
    };
    const imports = { "skerry:meter": { look, wait: () => -1 } };
    const plain = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.run as Run;
    const other = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), imports).exports.run as Run;
    expect(other(n)).toBe(plain(n));
    expect(looks).toBeGreaterThan(0);
  });
}
