import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { createJcoEngine } from "./mod.ts";

Deno.test("one component may hand the end of a future to another", async () => {
  const bytes = new Uint8Array(
    await parse(`(component
      (component $taker
        (type $future (future))
        (canon future.drop-readable $future (core func $drop))
        (core module $m (import "" "drop" (func $drop (param i32)))
          (func (export "take") (param i32) (result i32) (call $drop (local.get 0)) i32.const 7))
        (core instance $i (instantiate $m (with "" (instance (export "drop" (func $drop))))))
        (func (export "take") (param "x" $future) (result u32) (canon lift (core func $i "take"))))
      (component $giver
        (type $future (future))
        (import "take" (func $take (param "x" $future) (result u32)))
        (canon future.new $future (core func $new))
        (canon lower (func $take) (core func $take))
        (core module $m (import "" "new" (func $new (result i64))) (import "" "take" (func $take (param i32) (result i32)))
          (func (export "give") (result i32) (call $take (i32.wrap_i64 (call $new)))))
        (core instance $i (instantiate $m (with "" (instance (export "new" (func $new)) (export "take" (func $take))))))
        (func (export "give") (result u32) (canon lift (core func $i "give"))))
      (instance $taker (instantiate $taker))
      (instance $giver (instantiate $giver (with "take" (func $taker "take"))))
      (export "give" (func $giver "give")))`),
  );
  // What was generated before would not be patched again.
  const cacheDir = await Deno.makeTempDir();
  const linked = await (await createJcoEngine({ cacheDir }).load(bytes, { name: "transfers" })).link({});
  const task = new Task({ function: "test" });
  try {
    const isolate = await withTask(task, async () => await linked.instantiate());
    expect(await withTask(task, () => isolate.exports["$root"]!.give!())).toBe(7);
  } finally {
    task.end();
    await Deno.remove(cacheDir, { recursive: true });
  }
});
