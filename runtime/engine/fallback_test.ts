import { expect } from "@std/expect";
import { SkerryError } from "../errors.ts";
import { withFallback } from "./fallback.ts";
import type { Engine, LoadedComponent } from "./mod.ts";

const component: LoadedComponent = {
  imports: [],
  exports: [],
  link: () => Promise.reject(new Error("not in this test")),
};
const loads = (): Engine => ({ name: "loads", load: () => Promise.resolve(component) });
const refuses = (code: "component-unsupported" | "component-malformed"): Engine => ({
  name: "refuses",
  load: () => Promise.reject(new SkerryError(code, `it is ${code}`)),
});

Deno.test("what the first engine does not support is loaded by the second, and said", async () => {
  const said: string[] = [];
  const engine = withFallback(
    refuses("component-unsupported"),
    loads(),
    (name, why) => said.push(`${name}: ${why.message}`),
  );
  expect(await engine.load(new Uint8Array(), { name: "f" })).toBe(component);
  expect(said).toEqual(["f: it is component-unsupported"]);
});

Deno.test("a malformed component is refused by the first engine for both", async () => {
  const engine = withFallback(refuses("component-malformed"), loads(), () => {});
  await expect(engine.load(new Uint8Array())).rejects.toThrow("it is component-malformed");
});

Deno.test("what neither supports is refused with the second engine's reason", async () => {
  const said: unknown[] = [];
  const engine = withFallback(
    refuses("component-unsupported"),
    refuses("component-unsupported"),
    (name) => said.push(name),
  );
  await expect(engine.load(new Uint8Array())).rejects.toThrow("it is component-unsupported");
  expect(said).toEqual([]);
});
