import { expect } from "@std/expect";
import { join } from "node:path";
import { withFolder } from "../../tests/_folder.ts";
import { SkerryError } from "../errors.ts";
import { prepareWit, withoutWorlds } from "./wit.ts";

async function prepared(files: Record<string, string>, world: string | null = null): Promise<string> {
  return await withFolder(async (dir) => {
    const wit = join(dir, "wit");
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(join(wit, name, ".."), { recursive: true });
      await Deno.writeTextFile(join(wit, name), text);
    }
    const outDir = join(dir, "out");
    await prepareWit({ backend: "starlingmonkey", wit: Object.keys(files).length > 0 ? wit : null, world, outDir });
    return await Deno.readTextFile(join(outDir, "world.wit"));
  });
}

Deno.test("without WIT of its own, a function's world has an HTTP handler and can call out", async () => {
  const world = await prepared({});
  expect(world).toContain("export wasi:http/incoming-handler@0.2.10;");
  expect(world).toContain("import wasi:http/outgoing-handler@0.2.10;");
  expect(world).not.toContain("include");
});

Deno.test("StarlingMonkey gets every WASI package at the one version that it takes", async () => {
  await withFolder(async (outDir) => {
    await prepareWit({ backend: "starlingmonkey", wit: null, world: null, outDir });
    const versions = new Set<string>();
    for (const { name } of await Array.fromAsync(Deno.readDir(join(outDir, "deps")))) {
      const text = await Deno.readTextFile(join(outDir, "deps", name, "package.wit"));
      for (const [, version] of text.matchAll(/wasi:[a-z]+(?:\/[a-z-]+)?@(\d+\.\d+\.\d+)/g)) versions.add(version!);
    }
    expect([...versions]).toEqual(["0.2.10"]);
  });
});

Deno.test("interfaces of WIT without a world are imported, each with its version", async () => {
  const world = await prepared({
    "a.wit": "package my:app@0.1.0;\n// interface ghost {}\ninterface one {}\n",
    "b.wit": "/* interface phantom {} */\ninterface two {}\n",
  });
  expect(world).toContain("import my:app/one@0.1.0;");
  expect(world).toContain("import my:app/two@0.1.0;");
  expect(world).not.toContain("ghost");
  expect(world).not.toContain("phantom");
});

Deno.test("a world is included, and its interfaces are not imported besides", async () => {
  const world = await prepared({ "a.wit": "package my:app;\ninterface one {}\nworld app {\n  import one;\n}\n" });
  expect(world).toContain("include my:app/app;");
  expect(world).not.toContain("import my:app/one");
});

Deno.test("of several worlds one has to be named, and it must be there", async () => {
  const files = { "a.wit": "package my:app;\nworld app {}\nworld other {}\n" };
  expect(await prepared(files, "other")).toContain("include my:app/other;");
  await expect(prepared(files)).rejects.toThrow(/worlds app and other; say in function.json/);
  await expect(prepared(files, "third")).rejects.toThrow(SkerryError);
});

Deno.test("WIT without a package is refused with the line to write", async () => {
  await expect(prepared({ "a.wit": "interface one {}\n" })).rejects.toThrow(/package my:app@0\.1\.0;/);
});

Deno.test("worlds are stripped with their braces and gates, and nothing else is", () => {
  const text = "@since(version = 0.2.0)\nworld w {\n  import i: interface { f: func(); }\n}\ninterface worldly {}\n";
  expect(withoutWorlds(text)).toBe("\ninterface worldly {}\n");
});
