import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
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

Deno.test("shims are done without while that takes no long search, and stay where it would", async () => {
  const imports = 40_000;
  const pairs = 60;
  const list = (make: (i: number) => string, count: number) =>
    Array.from({ length: count }, (_, i) => make(i)).join("\n");
  const bytes = new Uint8Array(
    await parse(`(component
      (core module $from (func $f) ${list((i) => `(export "f${i}" (func $f))`, imports)})
      (core module $to ${list((i) => `(import "m" "f${i}" (func))`, imports)})
      (core module $shim
        (type $t (func)) (table (export "$imports") 1 funcref)
        (func (export "0") (call_indirect (type $t) (i32.const 0))))
      (core module $fixup
        (import "" "0" (func $f)) (import "" "$imports" (table 1 funcref))
        (elem (i32.const 0) func $f))
      (core instance $from (instantiate $from))
      (core instance (instantiate $to (with "m" (instance $from))))
      ${
      list((i) => `
        (core instance $shim${i} (instantiate $shim))
        (alias core export $shim${i} "$imports" (core table $table${i}))
        (alias core export $from "f0" (core func $f${i}))
        (core instance $given${i} (export "0" (func $f${i})) (export "$imports" (table $table${i})))
        (core instance (instantiate $fixup (with "" (instance $given${i}))))`, pairs)
    })`),
  );
  const elided = planOf(bytes).instances.filter((i) => i.elided).length;
  // A shim and a fixup each.
  expect(elided % 2).toBe(0);
  expect(elided).toBeGreaterThan(20);
  expect(elided).toBeLessThan(2 * pairs);
});
