/**
 * `deno task schema`: writes the JSON Schema of `function.json` beside the functions, and the table of limits beside their
 * code. With `--check` it only says whether the files are fresh.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { builtinCapabilities } from "../capabilities/mod.ts";
import { SkerryError } from "../errors.ts";
import { manifestJsonSchema, SCHEMA_FILE } from "../manifest.ts";
import { grantSchemas } from "../manifest/grants.ts";
import { run } from "./_serve.ts";
import { LIMITS_URL, limitsText } from "./limits_table.ts";

/** Where the schema is: each manifest's `$schema` names it. */
export const SCHEMA_URL: URL = new URL(`../../components/${SCHEMA_FILE}`, import.meta.url);

/** The text of the schema's file. */
export function schemaText(): string {
  return `${JSON.stringify(manifestJsonSchema(grantSchemas(builtinCapabilities)), null, 2)}\n`;
}

if (import.meta.main) {
  await run(async () => {
    const { values } = parseArgs({ args: Deno.args, options: { check: { type: "boolean" } } });
    for (const [url, text] of [[SCHEMA_URL, schemaText()], [LIMITS_URL, limitsText()]] as const) {
      if (!values.check) await Deno.writeTextFile(url, text);
      else if (await Deno.readTextFile(url).catch(() => "") !== text) {
        const name = url.pathname.split("/").slice(-2).join("/");
        throw new SkerryError("internal", `checking ${name}: it is not what the code makes. Run \`deno task schema\`.`);
      }
    }
  });
}
