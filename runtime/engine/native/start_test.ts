import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { decodeComponent } from "../../component/mod.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { call, inIsolate } from "./_testing.ts";
import { elaborate } from "./elaborate.ts";
import { prepare } from "./load.ts";
import { createNativeEngine } from "./mod.ts";
import { withoutShims } from "./shim.ts";

const read = (name: string) => Deno.readFileSync(new URL(`testdata/${name}.wasm`, import.meta.url));

function startsOnce(name: string): boolean | undefined {
  const bytes = read(name);
  const plan = withoutShims(bytes, elaborate(bytes, decodeComponent(bytes, name), name));
  return prepare(bytes, plan, { restore: true, limits: DEFAULT_LIMITS }).restoring?.startsOnce;
}

/** What each of several isolates finds, the first one made anew and each of them leaving traces. */
async function found(name: string, restore: boolean): Promise<unknown[]> {
  let number = 0;
  const host = { "test:starts/host": { number: () => ++number } };
  const linked = await (await createNativeEngine({ restore }).load(read(name), { name })).link(host);
  const states: unknown[] = [];
  for (let i = 0; i < 4; i++) {
    await inIsolate(linked, async (isolate) => {
      states.push(await call(isolate, "state"));
      await call(isolate, "leave");
      states.push(await call(isolate, "state"));
    });
  }
  return states;
}

Deno.test("what starts the same way in every isolate starts once, and is restored to the state behind that", async () => {
  expect(startsOnce("starts")).toBe(true);
  const states = await found("starts", true);
  // A global 5, a byte 7, a word 0: each has been raised by one, once.
  expect(states.filter((_, i) => i % 2 === 0)).toEqual([80106, 80106, 80106, 80106]);
  expect(states).toEqual(await found("starts", false));
  // The traces that it leaves are there to be found.
  expect(states.slice(0, 2)).toEqual([80106, 1_000_000 + 7700 + 99]);
});

Deno.test("what asks the host as it starts asks in every isolate", async () => {
  expect(startsOnce("starts_host")).toBe(false);
  const states = await found("starts_host", true);
  expect(states).toEqual(await found("starts_host", false));
  expect(new Set(states.filter((_, i) => i % 2 === 0)).size).toBe(4);
});

Deno.test("what is made only as the component starts is restored to the state behind that too", async () => {
  expect(startsOnce("starts_late")).toBe(true);
  const states = await found("starts_late", true);
  expect(states.filter((_, i) => i % 2 === 0)).toEqual([10106, 10106, 10106, 10106]);
  expect(states).toEqual(await found("starts_late", false));
});

Deno.test("modules that do the same in every isolate as they are instantiated are restored to the state behind that", async () => {
  expect(startsOnce("starts_core")).toBe(true);
  const states = await found("starts_core", true);
  // By `main` itself once, by the other module twice.
  expect(states.filter((_, i) => i % 2 === 0)).toEqual([3_100_308, 3_100_308, 3_100_308, 3_100_308]);
  expect(states).toEqual(await found("starts_core", false));
});

Deno.test("modules that ask the host as they are instantiated, through whomever, are made anew in every isolate", async () => {
  for (const name of ["starts_core_host", "starts_core_table"]) {
    expect(startsOnce(name)).toBe(undefined);
    const states = await found(name, true);
    expect(states).toEqual(await found(name, false));
    expect(new Set(states.filter((_, i) => i % 2 === 0)).size).toBe(4);
  }
});

Deno.test("what modules do to others as they are instantiated is in the first state, though one of them is made meanwhile", async () => {
  expect(startsOnce("starts_core_late")).toBe(false);
  const states = await found("starts_core_late", true);
  // 4 and 6 as the modules are instantiated, 5 and 4 in what is made then, and the number that the host gives.
  expect(states.filter((_, i) => i % 2 === 0)).toEqual([1_540_406, 2_540_406, 3_540_406, 4_540_406]);
  expect(states).toEqual(await found("starts_core_late", false));
});

Deno.test("a module that starts before what it calls is there traps, as one does that calls through an empty table", async () => {
  const bytes = new Uint8Array(
    await parse(`(component
      (core module $shim (type $t (func)) (table (export "$imports") 1 1 funcref)
        (func (export "0") (call_indirect (type $t) (i32.const 0))))
      (core module $main (import "shim" "0" (func $f)) (memory (export "memory") 1) (func (export "go") (call $f)))
      (core module $early (import "main" "go" (func $go)) (tag $t)
        (func $start (block $caught (try_table (catch_all $caught) (call $go)))) (start $start))
      (core module $adapter (import "main" "memory" (memory 1)) (data (i32.const 0) "x") (func (export "f")))
      (core module $fixup (import "" "0" (func $f)) (import "" "$imports" (table 1 1 funcref))
        (elem (i32.const 0) func $f))
      (core instance $shim (instantiate $shim))
      (core instance $main (instantiate $main (with "shim" (instance $shim))))
      (core instance (instantiate $early (with "main" (instance $main))))
      (core instance $adapter (instantiate $adapter (with "main" (instance $main))))
      (core instance (instantiate $fixup (with "" (instance
        (export "0" (func $adapter "f")) (export "$imports" (table $shim "$imports"))))))
      (func (export "go") (canon lift (core func $main "go"))))`),
  );
  const linked = await (await createNativeEngine().load(bytes, { name: "early" })).link({});
  const found = await inIsolate(linked, async () => await Promise.resolve()).catch((error) => error);
  expect(found).toBeInstanceOf(WebAssembly.RuntimeError);
  expect(found.message).toBe("a core instance is used before it is made");
});
