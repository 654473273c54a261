import { expect } from "@std/expect";
import { decodeComponent } from "../../component/mod.ts";
import { elaborate } from "./elaborate.ts";
import { isUnobservable, withoutShims } from "./shim.ts";

const SMALL = Deno.readFileSync(new URL("../../../tests/fixtures/small/small.wasm", import.meta.url));
const RESOURCES = Deno.readFileSync(new URL("./testdata/resources.wasm", import.meta.url));

function planOf(bytes: Uint8Array) {
  return withoutShims(bytes, elaborate(bytes, decodeComponent(bytes), "test"));
}

Deno.test("of a component of a common toolchain, only its main module is made for each isolate", () => {
  const plan = planOf(SMALL);
  const made = plan.instances.filter(({ elided, module }) => !elided && !isUnobservable(plan.modules[module]!.shape));
  expect(plan.instances.length).toBe(4);
  expect(made.map(({ module }) => plan.modules[module]!.shape.exports.has("cabi_realloc"))).toEqual([true]);
  for (const fields of made[0]!.imports.values()) {
    for (const item of fields.values()) expect(item.kind).toBe("synth");
  }
});

Deno.test("functions of the adapter are found when they are called", () => {
  const late = planOf(SMALL).synths.flatMap((s) => s.kind === "late" ? [s.target.name] : []);
  expect(late.sort()).toEqual(["environ_get", "environ_sizes_get", "fd_write", "proc_exit"]);
});

Deno.test("a component without shims keeps its plan", () => {
  expect(planOf(RESOURCES).instances.some((i) => i.elided)).toBe(false);
});
