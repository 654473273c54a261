import { expect } from "@std/expect";
import { join } from "node:path";
import { prepare } from "../cli/build.ts";

const SMALL = new URL("../../tests/fixtures/small/small.wasm", import.meta.url);

Deno.test("what a grant names in a function's folder goes along into dist/, and nothing else of it", async () => {
  const root = await Deno.makeTempDir({ prefix: "skerry-dist-" });
  const folder = join(root, "components/site");
  try {
    await Deno.mkdir(join(folder, "public/sub"), { recursive: true });
    await Deno.copyFile(SMALL, join(folder, "site.wasm"));
    await Deno.writeTextFile(join(folder, "public/index.html"), "hello");
    await Deno.symlink("../index.html", join(folder, "public/sub/link"));
    await Deno.symlink(join(folder, "public/index.html"), join(folder, "public/absolute"));
    await Deno.writeTextFile(join(folder, "notes.txt"), "not for serving");
    const grants = { files: { assets: { "/site": "public" } } };
    const manifest = { name: "site", routes: [{ path: "/" }], source: "site.wasm", grants };
    await Deno.writeTextFile(join(folder, "function.json"), JSON.stringify(manifest));
    await prepare(join(root, "components"), join(root, "dist"));
    await Deno.rename(join(root, "components"), join(root, "elsewhere"));
    const dist = join(root, "dist/components/site");
    for (const path of ["index.html", "sub/link", "absolute"]) {
      expect([path, await Deno.readTextFile(join(dist, "public", path))]).toEqual([path, "hello"]);
    }
    const names = await Array.fromAsync(Deno.readDir(dist), ({ name }) => name);
    expect(names.sort()).toEqual(["function.json", "public", "site.wasm"]);
    // What is prepared can be prepared again, and so can be loaded.
    await prepare(join(root, "dist/components"), join(root, "again"));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
