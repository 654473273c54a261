import { expect } from "@std/expect";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gatherCapabilities } from "./own.ts";

const SOURCE = `
export const notebook = { name: "notebook", interfaces: ["example:notebook/notes@0.1.0"], grant: {}, link: () => ({}) };
export const other = { name: "other" };
export function help() {}
`;

Deno.test("capabilities are found in modules, and a module whose folder is gone is passed over", async () => {
  const directory = await Deno.makeTempDir({ prefix: "skerry-own-" });
  const write = async (name: string, source: string) => {
    await Deno.mkdir(join(directory, name));
    await Deno.writeTextFile(join(directory, name, "capability.js"), source);
  };
  const load = (name: string) => () => import(pathToFileURL(join(directory, name, "capability.js")).href);
  try {
    await write("notebook", SOURCE);
    await write("wrong", "throw new Error('no database')");
    await write("half", 'import "./missing.js";');
    const warnings: string[] = [];
    const found = await gatherCapabilities([load("deleted"), load("notebook")], (message) => warnings.push(message));
    expect(found.map(({ name }) => name)).toEqual(["notebook"]);
    expect(warnings).toEqual([
      `loading capabilities: ${
        join(directory, "deleted", "capability.js")
      } is gone with its folder. Take its line out of components/capabilities.ts.`,
    ]);
    await expect(gatherCapabilities([load("wrong")])).rejects.toThrow("no database");
    await expect(gatherCapabilities([load("half")])).rejects.toThrow("Module not found");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the server starts without the folder of any example", async () => {
  const directory = await Deno.makeTempDir({ prefix: "skerry-own-" });
  const root = new URL("../", import.meta.url);
  try {
    await Deno.mkdir(join(directory, "components"));
    await Deno.copyFile(new URL("components/capabilities.ts", root), join(directory, "components/capabilities.ts"));
    await Deno.symlink(new URL("runtime", root), join(directory, "runtime"));
    for (const file of ["deno.json", "package.json", "node_modules"]) {
      await Deno.symlink(new URL(file, root), join(directory, file));
    }
    const code = 'import { capabilities } from "./components/capabilities.ts"; console.log(capabilities.length);';
    await Deno.writeTextFile(join(directory, "main.ts"), code);
    const args = ["run", "--quiet", "--no-lock", "--no-prompt", "--allow-read", "--allow-env", "main.ts"];
    const { code: status, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: directory }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    expect([status, text(stdout)]).toEqual([0, "0"]);
    expect(text(stderr)).toMatch(/stopwatch\/capability\.ts is gone with its folder/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
