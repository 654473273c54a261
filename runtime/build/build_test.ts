import { expect } from "@std/expect";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFolder } from "../../tests/_folder.ts";
import { describeComponent } from "../component/describe.ts";
import { createNativeEngine } from "../engine/native/mod.ts";
import { SkerryError } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { buildFunction, type BuildOptions, type BuildProgress } from "./build.ts";
import { buildDist } from "./dist.ts";
import { distLayout } from "./layout.ts";

/** A function on QuickJS, which builds in the shortest time. */
const HANDLER = `
import { Fields, Response } from "wasi:http/types@0.3.0";
import { greeting } from "./lib/greeting.ts";
import { now } from "test:app/clock";
export const handler = {
  async handle(request: unknown) {
    const headers = Fields.fromList([["x-greeting", greeting(now())]]);
    return Response.new(headers, undefined, Promise.resolve({ tag: "ok", val: null }))[0];
  },
};
`;
const GREETING = `export const greeting = (time: number): Uint8Array => Uint8Array.of(time);\n`;
const WIT = `package test:app;\ninterface clock {\n  now: func() -> u32;\n}\n`;

class Workshop {
  readonly dir: string;
  readonly cacheDir: string;
  readonly progress: BuildProgress[] = [];

  constructor(root: string) {
    this.dir = join(root, "greet");
    this.cacheDir = join(root, "cache");
  }

  async write(name: string, text: string): Promise<void> {
    const path = join(this.dir, name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, text);
    // A file that changes while it is built is not remembered, and the build starts right now.
    const past = new Date(Date.now() - 10_000);
    await Deno.utime(path, past, past);
  }

  build(options: Partial<BuildOptions> = {}) {
    this.progress.length = 0;
    const { dir, cacheDir } = this;
    const onProgress = (progress: BuildProgress) => this.progress.push(progress);
    return buildFunction({ dir, source: "main.ts", backend: "quickjs", wit: "wit", cacheDir, onProgress, ...options });
  }

  async failure(): Promise<SkerryError> {
    const error = await this.build().then(() => undefined, (error: unknown) => error);
    expect(error).toBeInstanceOf(SkerryError);
    expect((error as SkerryError).code).toBe("build-failed");
    return error as SkerryError;
  }

  async kept(): Promise<string[]> {
    const entries = await Array.fromAsync(Deno.readDir(this.cacheDir));
    return entries.map((entry) => entry.name).sort();
  }
}

async function inWorkshop(body: (shop: Workshop) => Promise<void>): Promise<void> {
  await withFolder(async (root) => {
    const shop = new Workshop(root);
    await shop.write("main.ts", HANDLER);
    await shop.write("lib/greeting.ts", GREETING);
    await shop.write("wit/app.wit", WIT);
    await body(shop);
  });
}

Deno.test("a source becomes a component with the function's own imports, once for the same inputs", async () => {
  await inWorkshop(async (shop) => {
    const first = await shop.build();
    expect([first.fromCache, ...shop.progress.map(({ step }) => step)]).toEqual([false, "building", "built"]);
    expect(first.inputs.map((path) => path.slice(shop.dir.length + 1))).toEqual([
      "lib/greeting.ts",
      "main.ts",
      "wit/app.wit",
    ]);
    const { imports, exports } = describeComponent(await Deno.readFile(first.wasm));
    expect(exports.map(({ name }) => name)).toContain("wasi:http/handler@0.3.0");
    expect(imports.map(({ name }) => name)).toContain("test:app/clock");

    // A stack is to name places in the sources, wherever they were built; and what is in them is not needed for that.
    const { file, sources, sourcesContent } = JSON.parse(await Deno.readTextFile(first.map!));
    expect([file, sourcesContent]).toEqual(["main.js", undefined]);
    expect(sources.filter((source: string) => !source.startsWith("node_modules/"))).toEqual([
      "lib/greeting.ts",
      "main.ts",
    ]);

    const second = await shop.build();
    expect([second.fromCache, second.wasm, shop.progress.length]).toEqual([true, first.wasm, 0]);

    await shop.write("lib/greeting.ts", GREETING.replace("time)", "time + 1)"));
    const changed = await shop.build();
    expect([changed.fromCache, changed.wasm === first.wasm]).toEqual([false, false]);

    await shop.write("lib/greeting.ts", GREETING);
    const undone = await shop.build();
    expect([undone.fromCache, undone.wasm]).toEqual([true, first.wasm]);

    await shop.write("wit/app.wit", WIT.replace("}", "  later: func();\n}"));
    expect((await shop.build()).fromCache).toBe(false);
    expect((await shop.kept()).filter((name) => name.startsWith("tmp-"))).toEqual([]);

    // As builds leave them whose process was ended: of these the one may still go on.
    for (const [name, ageMs] of [["tmp-old", 2 * 3_600_000], ["tmp-new", 60_000]] as const) {
      await Deno.mkdir(join(shop.cacheDir, name));
      const began = new Date(Date.now() - ageMs);
      await Deno.utime(join(shop.cacheDir, name), began, began);
    }
    await shop.write("lib/greeting.ts", GREETING.replace("time)", "time + 2)"));
    await shop.build();
    expect((await shop.kept()).filter((name) => name.startsWith("tmp-"))).toEqual(["tmp-new"]);
  });
});

Deno.test("a source imports what a capability has without any WIT, and what nobody has is named", async () => {
  await inWorkshop(async (shop) => {
    await shop.write(
      "main.ts",
      HANDLER.replace("test:app/clock", "wasi:config/store@0.2.0-rc.1").replace("{ now }", "{ get }")
        .replace("now()", 'get("time") === undefined ? 0 : 1'),
    );
    const { imports } = describeComponent(await Deno.readFile((await shop.build({ wit: null })).wasm));
    expect(imports.map(({ name }) => name)).toContain("wasi:config/store@0.2.0-rc.1");

    await shop.write("main.ts", HANDLER.replace("test:app/clock", "wasi:config/store@0.2.0"));
    expect((await shop.failure()).message).toMatch(
      /building .*main\.ts: it imports "wasi:config\/store@0\.2\.0"; write "wasi:config\/store@0\.2\.0-rc\.1"$/,
    );
  });
});

Deno.test("a build that fails says file, line and cause, and leaves the cache as it was", async () => {
  await inWorkshop(async (shop) => {
    await Deno.mkdir(shop.cacheDir);
    await shop.write("lib/greeting.ts", "\nexport const greeting = (time: number) => time +;\n");
    expect((await shop.failure()).message).toMatch(/main\.ts: lib\/greeting\.ts:2:\d+: /);
    expect(shop.progress.map(({ step }) => step)).toEqual(["building", "failed"]);

    await shop.write("lib/greeting.ts", `import { gone } from "./gone.ts";\nexport const greeting = gone;\n`);
    expect((await shop.failure()).message).toMatch(/lib\/greeting\.ts:1:\d+: .*\.\/gone\.ts/);

    await shop.write("lib/greeting.ts", `${GREETING}\nnull!.boom;\n`);
    const thrown = (await shop.failure()).message;
    expect(thrown).toMatch(/greeting\.ts:3:\d+: /);
    expect(thrown).toMatch(/boom/);
    expect(thrown).not.toContain("\x1b");

    await shop.write("wit/app.wit", "package test:app;\ninterface clock {\n");
    expect((await shop.failure()).message).toMatch(/the WIT in .*wit: expected .* found eof/);
    expect(await shop.kept()).toEqual([]);
  });
});

Deno.test("what was there stays when a folder for production cannot be made whole", async () => {
  await inWorkshop(async (shop) => {
    const outDir = join(shop.dir, "..", "dist");
    const cacheDir = join(shop.dir, "..", "jco");
    const { wasm, map } = await shop.build();
    const manifest = { $schema: "x", name: "greet", routes: [], source: "main.ts", backend: "quickjs", wit: "wit" };
    await buildDist([{ folder: "greet", manifest, wasm, map }], outDir, { cacheDir, jco: "all" });
    const { components, jco } = distLayout(outDir);
    expect(await Deno.readTextFile(join(components, "greet", "greet.wasm.map"))).toBe(await Deno.readTextFile(map!));
    const written = JSON.parse(await Deno.readTextFile(join(components, "greet", "function.json")));
    expect(written).toEqual({ name: "greet", routes: [], source: "greet.wasm" });
    expect((await Array.fromAsync(Deno.readDir(jco))).length).toBe(1);

    const broken = join(shop.dir, "broken.wasm");
    await Deno.writeFile(broken, new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    const both = [{ folder: "greet", manifest, wasm }, { folder: "broken", manifest, wasm: broken }];
    await expect(buildDist(both, outDir, { cacheDir, jco: "all" })).rejects.toThrow(/core WebAssembly module/);
    const left = await Array.fromAsync(Deno.readDir(components));
    expect(left.map(({ name }) => name)).toEqual(["greet"]);
    const around = await Array.fromAsync(Deno.readDir(join(outDir, "..")));
    expect(around.map(({ name }) => name).filter((name) => name.startsWith("dist"))).toEqual(["dist"]);
  });
});

Deno.test("a folder for production has the modules of its components as its server's engine would rewrite them", async () => {
  const outDir = await Deno.makeTempDir({ prefix: "skerry-dist-" });
  const wasm = fileURLToPath(new URL("../../tests/fixtures/small/small.wasm", import.meta.url));
  const limits = { memoryMb: 32 };
  try {
    const { native } = await buildDist(
      [{ folder: "small", manifest: { name: "small", routes: [], source: "small.wasm", limits }, wasm }],
      outDir,
    );
    const files = async () => (await Array.fromAsync(Deno.readDir(native))).map(({ name }) => name);
    const before = await files();
    expect(before.length).toBe(1);
    // It would write what it does not find.
    const load = (memoryMb: number) =>
      createNativeEngine({ cacheDir: native }).load(Deno.readFileSync(wasm), {
        limits: { ...DEFAULT_LIMITS, memoryMb },
      });
    await load(32);
    expect(await files()).toEqual(before);
    await load(33);
    expect((await files()).length).toBe(2);
  } finally {
    await Deno.remove(outDir, { recursive: true });
  }
});
