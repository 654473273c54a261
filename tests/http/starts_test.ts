import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { withFolder } from "../_folder.ts";
import { onEachEngine, serve } from "./_serve.ts";

/** A component that would answer requests, and does `code` as it is instantiated. */
const starting = (code: string, more = "") =>
  `(component
  (import "wasi:http/types@0.2.12" (instance $types
    (export "incoming-request" (type (sub resource))) (export "response-outparam" (type (sub resource)))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $out))
  (core module $m ${more} (func (export "handle") (param i32 i32)) (func $start ${code}) (start $start))
  (core instance $i (instantiate $m))
  (type $handle (func (param "request" (own $request)) (param "response-out" (own $out))))
  (func $f (type $handle) (canon lift (core func $i "handle")))
  (component $shell
    (import "a" (type $request (sub resource))) (import "b" (type $out (sub resource)))
    (import "f" (func $f (param "request" (own $request)) (param "response-out" (own $out))))
    (export "handle" (func $f)))
  (instance $handler (instantiate $shell (with "f" (func $f)) (with "a" (type $request)) (with "b" (type $out))))
  (export "wasi:http/incoming-handler@0.2.12" (instance $handler)))`;

const GUESTS: Readonly<Record<string, readonly [text: string, why: string]>> = {
  traps: [starting("unreachable"), "starting traps: unreachable"],
  recurs: [starting("(call $start)"), "starting recurs: Maximum call stack size exceeded"],
  throws: [starting("(throw $t)", "(tag $t)"), "starting throws: it threw an exception that it did not catch"],
};

onEachEngine("a guest that fails as it starts has failed itself, and its caller hears so", async (engine) => {
  await withFolder(async (folder) => {
    // The transpiler knows no exceptions.
    const names = Object.keys(GUESTS).filter((name) => engine.name !== "jco" || name !== "throws");
    const guests = Object.fromEntries(
      await Promise.all(names.map(async (name) => {
        const file = join(folder, `${name}.wasm`);
        await Deno.writeFile(file, new Uint8Array(await parse(GUESTS[name]![0])));
        return [name, { fixture: pathToFileURL(file) }] as const;
      })),
    );
    await using server = await serve({ engine, guests });
    for (const name of names) {
      for (let round = 0; round < 2; round++) {
        const id = `${name}-${round}`;
        const response = await server.request(`/${name}/`, { headers: { "x-request-id": id } });
        await response.body?.cancel();
        const { fields, message } = await server.outcome(id);
        expect([response.status, fields?.["code"], fields?.["culprit"]]).toEqual([500, "guest-trapped", "guest"]);
        expect(message).toContain(GUESTS[name]![1]);
      }
    }
  });
});
