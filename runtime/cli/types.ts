/**
 * `deno task types`: writes TypeScript declarations of what functions import by the name of a WIT interface. With `--check`
 * it only says whether they are fresh.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type TypesOptions, typesText } from "../build/types.ts";
import { builtinCapabilities } from "../capabilities/mod.ts";
import { SkerryError } from "../errors.ts";
import { MANIFEST_FILE } from "../manifest.ts";
import { listFolders } from "../manifest/folder.ts";
import { run } from "./_serve.ts";

/** Where the declarations are; deno.json names the file. */
export const TYPES_URL: URL = new URL("../../components/interfaces.wit.d.ts", import.meta.url);

/** The text of the file: Skerry's own interfaces, and those of the functions in `folder`. */
export async function typesOf(folder: string): Promise<string> {
  // Time zones are unstable in the WIT: no tool lets a source import them. What stands in the place of others is imported
  // by their names.
  const interfaces = builtinCapabilities.flatMap((capability) => capability.interfaces)
    .filter((name) => !/^(?:wasi:clocks\/timezone@|skerry:http\/)/.test(name));
  const all: TypesOptions[] = [
    {
      backend: "starlingmonkey",
      interfaces: interfaces.filter((name) => !name.endsWith("@0.3.0")),
      wit: null,
      world: null,
    },
    { backend: "quickjs", interfaces: interfaces.filter((name) => name.endsWith("@0.3.0")), wit: null, world: null },
  ];
  for (const name of await listFolders(folder)) {
    // Whatever else is wrong with a manifest is told where it is served.
    const manifest = await Deno.readTextFile(join(folder, name, MANIFEST_FILE)).then(JSON.parse).catch(() => ({}));
    const { wit, world = null, backend = "starlingmonkey" } = manifest;
    if (typeof wit === "string") all.push({ backend, interfaces: [], wit: join(folder, name, wit), world });
  }
  return await typesText(all);
}

if (import.meta.main) {
  await run(async () => {
    const { values } = parseArgs({ args: Deno.args, options: { check: { type: "boolean" } } });
    const text = await typesOf(fileURLToPath(new URL(".", TYPES_URL)));
    if (!values.check) await Deno.writeTextFile(TYPES_URL, text);
    else if (await Deno.readTextFile(TYPES_URL).catch(() => "") !== text) {
      const name = "components/interfaces.wit.d.ts";
      throw new SkerryError("internal", `checking ${name}: it is not what the WIT makes. Run \`deno task types\`.`);
    }
  });
}
