import { expect } from "@std/expect";
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

for (const file of ["spins.wasm", "spins_legacy.wasm"]) {
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
