/**
 * What belongs to which task, where a request is over at once and others' code takes part in it.
 *
 * @module
 */
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { AsyncLocalStorage } from "node:async_hooks";
import { join } from "node:path";
import { withFolder } from "../tests/_folder.ts";
import { fixturePath } from "../tests/fixtures/mod.ts";
import { defineCapability } from "./capability.ts";
import { currentTask, maybeTask } from "./context.ts";
import { nativeEngine } from "./engine/native/mod.ts";
import { type ComponentOptions, ComponentRuntime } from "./single.ts";
import { z } from "./mod.ts";

/** Calls a function of the host's as often as it is called, and answers nothing. */
const NOTING = `(component
  (import "test:noting/noting" (instance $noting (export "note" (func))))
  (import "wasi:http/types@0.2.12" (instance $types
    (export "incoming-request" (type (sub resource))) (export "response-outparam" (type (sub resource)))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $out))
  (core func $note (canon lower (func $noting "note")))
  (core module $m (import "" "note" (func $note)) (func (export "handle") (param i32 i32) (call $note)))
  (core instance $m (instantiate $m (with "" (instance (export "note" (func $note))))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $out)) (canon lift (core func $m "handle")))
  (component $handler
    (import "request" (type $request (sub resource))) (import "out" (type $out (sub resource)))
    (import "handle" (func $handle (param "request" (own $request)) (param "response-out" (own $out))))
    (export $r "incoming-request" (type $request)) (export $o "response-outparam" (type $out))
    (export "handle" (func $handle) (func (param "request" (own $r)) (param "response-out" (own $o)))))
  (instance $handler (instantiate $handler
    (with "request" (type $request)) (with "out" (type $out)) (with "handle" (func $handle))))
  (export "wasi:http/incoming-handler@0.2.12" (instance $handler)))`;

async function serving(path: string, options: ComponentOptions): Promise<ComponentRuntime> {
  const runtime = new ComponentRuntime(path, { engine: nativeEngine, ...options });
  await runtime.ready();
  return runtime;
}

/** What is left to run later by `body`, which is called at once, finds these tasks. */
function laterTasks(seen: unknown[]): void {
  queueMicrotask(() => seen.push(maybeTask()?.id));
  setTimeout(() => seen.push(maybeTask()?.id));
}

const turn = () => new Promise<void>((done) => setTimeout(done, 1));

Deno.test("what a log sink leaves to run later belongs to the task that it was told of", async () => {
  const seen: unknown[] = [];
  const runtime = await serving(await fixturePath("small"), { sink: () => laterTasks(seen) });
  for (let n = 0; n < 3; n++) {
    const request = new Request("http://localhost/", { headers: { "x-request-id": `own-${n}` } });
    // At once: nothing has waited, and nobody has told the storage of the task before.
    expect(runtime.dispatch(runtime, request, () => new Response())).toBeInstanceOf(n === 0 ? Promise : Response);
    expect(maybeTask()).toBe(undefined);
    while (seen.length < 2 * (n + 1)) await turn();
  }
  expect(seen).toEqual(["own-0", "own-0", "own-1", "own-1", "own-2", "own-2"]);
});

Deno.test("what the answer to a failure leaves to run later belongs to the task that has failed", async () => {
  const seen: unknown[] = [];
  const runtime = await serving(await fixturePath("small"), { limits: { headerCount: 1 } });
  const headers = { "x-request-id": "own", "x-other": "one too many" };
  const response = await runtime.dispatch(runtime, new Request("http://localhost/", { headers }), ({ error }) => {
    laterTasks(seen);
    return new Response(error.code);
  });
  expect([await response.text(), maybeTask()]).toEqual(["headers-too-large", undefined]);
  while (seen.length < 2) await turn();
  expect(seen).toEqual(["own", "own"]);
});

Deno.test("what a capability of somebody else's sets in a storage of its own is gone when the request is", async () => {
  const storage = new AsyncLocalStorage<string>();
  const found: unknown[] = [];
  const noting = defineCapability({
    name: "noting",
    interfaces: ["test:noting/noting"],
    grant: z.strictObject({}),
    open: () => undefined,
    link: () => ({
      "test:noting/noting": {
        note() {
          found.push(storage.getStore());
          storage.enterWith(currentTask().id);
        },
      },
    }),
  });
  await withFolder(async (folder) => {
    const path = join(folder, "noting.wasm");
    await Deno.writeFile(path, new Uint8Array(await parse(NOTING)));
    const runtime = await serving(path, { capabilities: [noting], grants: { noting: {} } });
    for (const id of ["a", "b", "c"]) {
      const request = new Request("http://localhost/", { headers: { "x-request-id": id } });
      await runtime.dispatch(runtime, request, () => new Response());
      expect(storage.getStore()).toBe(undefined);
    }
  });
  expect(found).toEqual([undefined, undefined, undefined]);
});
