import { expect } from "@std/expect";
import { join } from "node:path";
import { withFolder } from "../../tests/_folder.ts";
import { importBySource } from "./imports.ts";
import { prepareWit } from "./wit.ts";

/** The world and the names of the packages when a source has these imports, and what is unknown. */
async function completed(imports: readonly string[], own: Record<string, string> = {}) {
  return await withFolder(async (dir) => {
    const wit = join(dir, "own");
    for (const [name, text] of Object.entries(own)) {
      await Deno.mkdir(join(wit, name, ".."), { recursive: true });
      await Deno.writeTextFile(join(wit, name), text);
    }
    const outDir = join(dir, "wit");
    const brings = Object.keys(own).length > 0;
    await prepareWit({ backend: "starlingmonkey", wit: brings ? wit : null, world: null, outDir });
    const unknown = await importBySource(outDir, imports);
    const texts: Record<string, string> = {};
    for await (const { name } of Deno.readDir(join(outDir, "deps"))) {
      const files = await Array.fromAsync(Deno.readDir(join(outDir, "deps", name)));
      texts[name] = files.map((file) => Deno.readTextFileSync(join(outDir, "deps", name, file.name))).join("\n");
    }
    return { world: await Deno.readTextFile(join(outDir, "world.wit")), texts, unknown };
  });
}

Deno.test("what a source imports of a capability is in its world, with the text, and nothing else is", async () => {
  const { world, texts, unknown } = await completed(["wasi:keyvalue/store@0.2.0-draft2", "npm-package", "node:path"]);
  expect(world).toMatch(/import wasi:keyvalue\/store@0\.2\.0-draft2;\n\}\n$/);
  expect(texts["skerry-wasi-keyvalue"]).toContain("resource bucket");
  expect(Object.keys(texts).filter((name) => name.startsWith("skerry"))).toEqual(["skerry-wasi-keyvalue"]);
  expect(unknown).toEqual([]);
});

Deno.test("a package of WASI is imported as it is there, and what uses one uses that", async () => {
  const { world, texts } = await completed(["wasi:filesystem/preopens@0.2.10", "wasi:blobstore/types@0.2.0-draft"]);
  expect(world).toContain("import wasi:filesystem/preopens@0.2.10;");
  expect(texts["skerry-wasi-blobstore"]).toContain("use wasi:io/streams@0.2.10.{");
  expect(texts["skerry-wasi-blobstore"]).not.toContain("0.2.2");
});

Deno.test("several texts of one package stand beside each other", async () => {
  const { texts, unknown } = await completed(["fermyon:spin/key-value@2.0.0", "fermyon:spin/sqlite@2.0.0"]);
  expect(texts["skerry-fermyon-spin"]).toContain("interface key-value");
  expect(texts["skerry-fermyon-spin"]).toContain("interface sqlite");
  expect(unknown).toEqual([]);
});

Deno.test("what a function brings is its own, and a world that has an import already is left as it is", async () => {
  const own = {
    "world.wit": "package my:app;\nworld app {\n  import wasi:keyvalue/store@0.2.0-draft2;\n}\n",
    "deps/kv/kv.wit": "package wasi:keyvalue@0.2.0-draft2;\ninterface store {}\n",
  };
  const { texts, unknown } = await completed(["wasi:keyvalue/store@0.2.0-draft2"], own);
  expect(Object.keys(texts)).not.toContain("skerry-wasi-keyvalue");
  expect(unknown).toEqual([]);
  const other = await completed(["wasi:keyvalue/atomics@0.2.0-draft2"], own);
  expect(other.unknown[0]).toContain("wasi:keyvalue/atomics");
  const bare = await completed(["wasi:http/outgoing-handler@0.2.10"]);
  expect(bare.world.match(/outgoing-handler/g)).toHaveLength(1);
});

Deno.test("an import that no WIT has is named, with what to write", async () => {
  const { unknown } = await completed(["wasi:keyvalue/store@0.2.0", "wasi:filesystem/types@0.2.2", "my:app/kv"]);
  expect(unknown).toEqual([
    'it imports "wasi:keyvalue/store@0.2.0"; write "wasi:keyvalue/store@0.2.0-draft2"',
    'it imports "wasi:filesystem/types@0.2.2"; write "wasi:filesystem/types@0.2.10"',
    'it imports "my:app/kv", which no WIT here has; give a file with it as "wit" in function.json',
  ]);
  const near = await completed(["wasi:keyvalue/stor", "wasi:messaging/produce@0.2.0"]);
  expect(near.unknown).toEqual([
    'it imports "wasi:keyvalue/stor", which no WIT here has; write "wasi:keyvalue/store@0.2.0-draft2", ' +
    'or give a file with it as "wit" in function.json',
    'it imports "wasi:messaging/produce@0.2.0", which no WIT here has; write "wasi:messaging/producer@0.2.0-draft", ' +
    'or give a file with it as "wit" in function.json',
  ]);
});
