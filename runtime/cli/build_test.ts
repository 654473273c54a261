import { expect } from "@std/expect";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFolder } from "../../tests/_folder.ts";

const SMALL = new URL("../../tests/fixtures/small/small.wasm", import.meta.url);
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const BUILD = fileURLToPath(new URL("./build.ts", import.meta.url));

/** A folder of functions, by name: what stands in the manifest beside the name, and whether there is a component. */
async function withFunctions(
  functions: Readonly<Record<string, { readonly manifest?: object; readonly component: boolean }>>,
  body: (root: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (root) => {
    for (const [name, { manifest, component }] of Object.entries(functions)) {
      const folder = join(root, "components", name);
      await Deno.mkdir(folder, { recursive: true });
      if (component) await Deno.copyFile(SMALL, join(folder, "main.wasm"));
      else await Deno.writeTextFile(join(folder, "main.wasm"), "no component");
      const written = { name, routes: [{ path: `/${name}` }], source: "main.wasm", ...manifest };
      await Deno.writeTextFile(join(folder, "function.json"), JSON.stringify(written));
    }
    await body(root);
  });
}

/** Runs the command where `root` is, and says what it printed and ended with. */
async function build(root: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", CONFIG, BUILD, ...args],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

const builtIn = async (root: string) =>
  (await Array.fromAsync(Deno.readDir(join(root, "dist/components")), ({ name }) => name)).sort();

const MIXED = {
  good: { component: true },
  torn: { component: false },
  misspelt: { component: true, manifest: { rotues: [] } },
  // What stands in front of it is broken, so nothing may be served behind it.
  guarded: { component: true, manifest: { middleware: ["torn"] } },
};

Deno.test("deno task build lists what is broken, ends with 1, and leaves dist/ as it was", () =>
  withFunctions(MIXED, async (root) => {
    await Deno.mkdir(join(root, "dist/components/earlier"), { recursive: true });
    const { code, err } = await build(root);
    expect(code).toBe(1);
    for (
      const line of [
        /decoding torn: magic header not detected/,
        /misspelt.*rotues/s,
        /guarded.*"torn" could not be loaded/s,
      ]
    ) {
      expect(err).toMatch(line);
    }
    expect(err).toContain(
      "building dist: 3 of 4 functions are broken (guarded, misspelt, torn), and dist is as it was. Mend them, or leave " +
        "them out with --skip-broken.",
    );
    expect(await builtIn(root)).toEqual(["earlier"]);
  }));

Deno.test("deno task build --skip-broken fills dist/ with the others, and says what it left out", () =>
  withFunctions(MIXED, async (root) => {
    const { code, out, err } = await build(root, "--skip-broken");
    expect([code, await builtIn(root)]).toEqual([0, ["good"]]);
    expect(err).toContain("warning: 3 of 4 functions are broken, and left out: guarded, misspelt, torn");
    expect(err).toMatch(/misspelt.*rotues/s);
    expect(out).toMatch(/^1 function is ready in dist\/ after /m);
  }));

Deno.test("deno task build --skip-broken does not empty dist/ when nothing is good", () =>
  withFunctions({ torn: { component: false } }, async (root) => {
    await Deno.mkdir(join(root, "dist/components/earlier"), { recursive: true });
    const { code, err } = await build(root, "--skip-broken");
    expect([code, await builtIn(root)]).toEqual([1, ["earlier"]]);
    expect(err).toContain("1 of 1 functions is broken (torn), and dist is as it was.");
  }));
