import { expect } from "@std/expect";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { withFolder } from "../../../tests/_folder.ts";
import { fixture } from "../../../tests/fixtures/mod.ts";
import { runChild } from "../../child.ts";
import { SkerryError } from "../../errors.ts";
import { createJcoEngine } from "./mod.ts";
import { HOOKS_IMPORT, patch } from "./patch.ts";
import { TRANSPILER } from "./transpile.ts";

const THINGS = new URL("../../../tests/fixtures/wat/things.wasm", import.meta.url);

function testdata(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return Deno.readFile(new URL(`testdata/${name}.wasm`, import.meta.url));
}

async function failure(promise: Promise<unknown>): Promise<SkerryError> {
  const error = await promise.then(() => undefined, (error: unknown) => error);
  expect(error).toBeInstanceOf(SkerryError);
  return error as SkerryError;
}

Deno.test("a component with nothing in it loads", async () => {
  await withFolder(async (cacheDir) => {
    const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
    const component = await createJcoEngine({ cacheDir }).load(empty);
    expect([component.imports, component.exports]).toEqual([[], []]);
    await component.link({});
  });
});

Deno.test("a component that breaks the transpiler is refused by name, and the next one loads", async () => {
  await withFolder(async (cacheDir) => {
    const engine = createJcoEngine({ cacheDir });
    const error = await failure(engine.load(await testdata("core_import"), { name: "breaker" }));
    expect(error.code).toBe("component-unsupported");
    expect(error.message).toMatch(/loading breaker: jco's transpiler broke down on it/);
    expect(error.message).not.toContain("\n");
    const things = await engine.load(await Deno.readFile(THINGS), { name: "things" });
    expect(things.exports).toEqual(["test:things/guest@1.0.0"]);
  });
});

Deno.test("what every object of JavaScript has is nothing that a host offers", async () => {
  await withFolder(async (cacheDir) => {
    const component = await createJcoEngine({ cacheDir }).load(await testdata("inherited"), { name: "inherited" });
    const error = await failure(component.link({ "wasi:random/random@0.2.12": { getRandomU64: () => 1n } }));
    expect(error.code).toBe("component-import-missing");
    for (const name of ["constructor", "to-string", "value-of"]) expect(error.message).toContain(`#${name} (`);
  });
});

Deno.test("what was transpiled is taken from the folder, which holds nothing half-written", async () => {
  await withFolder(async (cacheDir) => {
    const bytes = await Deno.readFile(THINGS);
    // Two engines do the same at once; one of them comes second.
    await Promise.all([createJcoEngine({ cacheDir }).load(bytes), createJcoEngine({ cacheDir }).load(bytes)]);
    const folders = await Array.fromAsync(Deno.readDir(cacheDir));
    expect(folders.length).toBe(1);
    const code = join(cacheDir, folders[0]!.name, "component.js");
    const written = (await Deno.stat(code)).mtime;
    const again = await createJcoEngine({ cacheDir, readOnly: true }).load(bytes);
    expect(again.exports.length).toBe(1);
    expect((await Deno.stat(code)).mtime).toEqual(written);
  });
});

Deno.test("a read-only engine refuses what was not prepared, and says how to prepare it", async () => {
  await withFolder(async (cacheDir) => {
    const engine = createJcoEngine({ cacheDir, readOnly: true });
    const error = await failure(engine.load(await Deno.readFile(THINGS), { name: "things" }));
    expect(error.code).toBe("function-broken");
    expect(error.message).toMatch(/loading things: .*deno task build/);
    expect(await Array.fromAsync(Deno.readDir(cacheDir))).toEqual([]);
  });
});

Deno.test("a prepared component loads and runs with leave to read, and with no other", async () => {
  await withFolder(async (cacheDir) => {
    await createJcoEngine({ cacheDir }).load(await Deno.readFile(THINGS));
    const here = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
    const script = join(cacheDir, "serve.ts");
    await Deno.writeTextFile(
      script,
      `
      import { createJcoEngine } from ${here("./mod.ts")};
      import { Task } from ${here("../../task.ts")};
      import { withTask } from ${here("../../context.ts")};
      const engine = createJcoEngine({ cacheDir: new URL(".", import.meta.url), readOnly: true });
      const component = await engine.load(await Deno.readFile(new URL(${JSON.stringify(THINGS.href)})));
      class Thing { get() { return 20; } slowGet() {} static make() { return new Thing(); } static merge() {} }
      const none = () => {};
      const rest = { who: none, slowWho: none, fail: none, slowFail: none, explode: none, take: none, things: none };
      const linked = await component.link({ "test:things/host@1.0.0": { Thing, ...rest } });
      await withTask(new Task({ function: "things" }), async () => {
        const { exports } = await linked.instantiate();
        console.log(await exports["test:things/guest@1.0.0"].sum(1, 2));
        Deno.exit();
      });
      `,
    );
    // The configuration is found beside the script that runs.
    const config = new URL("../../../deno.json", import.meta.url).pathname;
    const { code, stdout, stderr } = await runChild({
      script,
      flags: ["--allow-read", "--no-check", `--config=${config}`],
    });
    expect(stderr).toBe("");
    expect([code, new TextDecoder().decode(stdout)]).toEqual([0, "40\n"]);
  });
});

Deno.test("a host function that waits where the guest cannot is refused when linking", async () => {
  await withFolder(async (cacheDir) => {
    // wasi:random never waits, so code for it does not either.
    const component = await createJcoEngine({ cacheDir }).load(
      await testdata("random"),
      { name: "random" },
    );
    const host = (getRandomU64: unknown) => ({ "wasi:random/random@0.2.12": { getRandomU64 } });
    await component.link(host(() => 4n));
    // deno-lint-ignore require-await -- that is the mistake
    const error = await failure(component.link(host(async () => 4n)));
    expect(error.code).toBe("component-unsupported");
    expect(error.message).toContain("wasi:random/random@0.2.0#get-random-u64");
  });
});

Deno.test("the transpiler that the cache names is the one that is installed", async () => {
  const main = createRequire(import.meta.url).resolve("@bytecodealliance/jco-transpile/component");
  const folder = pathToFileURL(main.replace(/vendor[\\/][^\\/]*$/, ""));
  const { version } = JSON.parse(await Deno.readTextFile(new URL("package.json", folder)));
  expect(TRANSPILER.split("+")[0]).toBe(`jco-transpile@${version}`);
});

Deno.test("generated code of another shape is refused, not run without hooks", async () => {
  await withFolder(async (cacheDir) => {
    await createJcoEngine({ cacheDir }).load(await Deno.readFile(THINGS));
    const [folder] = await Array.fromAsync(Deno.readDir(cacheDir));
    const patched = await Deno.readTextFile(join(cacheDir, folder!.name, "component.js"));
    expect(patched).toContain("return function instantiate(_skerry, instantiateCore) {");
    // Each host call has its name.
    expect(patched.match(/_trackHostOperation\.call\("test:things\/host#/g)?.length).toBe(12);
    expect(() => patch("export function instantiate(other) {}", "odd")).toThrow(
      /jco generated is not of the expected shape/,
    );
    expect(() => patch(patched, "twice")).toThrow(SkerryError);
    await createJcoEngine({ cacheDir }).load(await fixture("c-p3"));
    const code = await Array.fromAsync(
      Deno.readDir(cacheDir),
      ({ name }) => Deno.readTextFile(join(cacheDir, name, "component.js")),
    );
    expect(code.filter((one) => one.includes(`_skerry = imports['${HOOKS_IMPORT}'];`)).length).toBe(1);
  });
});

Deno.test("generated code keeps no buffer of a stream that it has read or written", async () => {
  const kept = `export function instantiate(getCoreModule, imports, instantiateCore = WebAssembly.instantiate) {
  class BufferManager { create() { instanceBuffers.set(nextBufID, buffer); return buffer; } }
  }`;
  expect(patch(kept, "kept")).not.toContain("instanceBuffers.set(");
  expect(() => patch(kept.replace("nextBufID", "id"), "kept")).toThrow(/not of the expected shape at instanceBuffers/);
  await withFolder(async (cacheDir) => {
    await createJcoEngine({ cacheDir }).load(await fixture("c-p3"));
    const [{ name }] = await Array.fromAsync(Deno.readDir(cacheDir)) as [Deno.DirEntry];
    const code = await Deno.readTextFile(join(cacheDir, name, "component.js"));
    expect([code.includes("class BufferManager "), code.includes("instanceBuffers.set(")]).toEqual([true, false]);
    // Nobody looks for one by its id: what is here are its definition and the log of its calls.
    expect(code.match(/\bgetBuffer\b/g)?.length).toBe(2);
  });
});
