import { expect } from "@std/expect";
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { decodeComponent } from "../../component/mod.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { elaborate } from "./elaborate.ts";
import { prepare } from "./load.ts";
import type { Restoring } from "./restorable.ts";
import { withoutShims } from "./shim.ts";

function restoring(bytes: Uint8Array<ArrayBuffer>, name: string): Restoring | undefined {
  const plan = withoutShims(bytes, elaborate(bytes, decodeComponent(bytes, name), name));
  return prepare(bytes, plan, { restore: true, limits: DEFAULT_LIMITS }).restoring;
}

const FIXTURES = new URL("../../../tests/fixtures/", import.meta.url);

for (
  const name of ["small", "c-http", "c-caps", "c-files", "c-mw", "c-p3", "c-queue", "rust-http", "rust-p3", "rust-spin"]
) {
  Deno.test(`isolates of ${name} are restored`, async () => {
    expect(restoring(await Deno.readFile(new URL(`${name}/${name}.wasm`, FIXTURES)), name)).toBeDefined();
  });
}

Deno.test("a guest that exports something under a name of ours is made anew in every isolate", async () => {
  const exporting = async (name: string) =>
    restoring(
      await parse(`(component
        (core module $m (memory 1) (func (export "f")) (func (export "${name}")))
        (core instance $i (instantiate $m))
        (func (export "f") (canon lift (core func $i "f"))))`) as Uint8Array<ArrayBuffer>,
      name,
    );
  expect(await exporting("skerry:queue/consumer#handle")).toBeDefined();
  for (const name of ["skerry:memory-0", "skerry:global-7", "skerry:lowest", "skerry:notes", "skerry:pages"]) {
    expect([name, await exporting(name)]).toEqual([name, undefined]);
  }
});
