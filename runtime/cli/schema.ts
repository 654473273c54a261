/**
 * `deno task schema`: writes the JSON Schema of `function.json` beside the functions. With `--check` it only says whether
 * the file is fresh.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { builtinCapabilities } from "../capabilities/mod.ts";
import { SkerryError } from "../errors.ts";
import { manifestJsonSchema, SCHEMA_FILE } from "../manifest.ts";
import { grantSchemas } from "../manifest/grants.ts";
import { run } from "./_serve.ts";

/** Where the schema is: each manifest's `$schema` names it. */
export const SCHEMA_URL: URL = new URL(`../../components/${SCHEMA_FILE}`, import.meta.url);

/** The text of the schema's file. */
export function schemaText(): string {
  return `${JSON.stringify(manifestJsonSchema(grantSchemas(builtinCapabilities)), null, 2)}\n`;
}

if (import.meta.main) {
  await run(async () => {
    const { values } = parseArgs({ args: Deno.args, options: { check: { type: "boolean" } } });
    if (!values.check) return await Deno.writeTextFile(SCHEMA_URL, schemaText());
    const written = await Deno.readTextFile(SCHEMA_URL).catch(() => "");
    if (written !== schemaText()) {
      throw new SkerryError(
        "internal",
        `checking components/${SCHEMA_FILE}: it is not what runtime/manifest makes. Run \`deno task schema\`.`,
      );
    }
  });
}
