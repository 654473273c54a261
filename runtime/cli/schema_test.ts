import { expect } from "@std/expect";
import { LIMITS_URL, limitsText } from "./limits_table.ts";
import { SCHEMA_URL, schemaText } from "./schema.ts";

Deno.test("the committed JSON Schema is the one that the code makes: run `deno task schema` after a change", async () => {
  expect(await Deno.readTextFile(SCHEMA_URL)).toBe(schemaText());
});

Deno.test("the committed table of limits is the one that the code makes: run `deno task schema` after a change", async () => {
  expect(await Deno.readTextFile(LIMITS_URL)).toBe(limitsText());
});

Deno.test("every example's manifest names the schema", async () => {
  const folders = new URL("./", SCHEMA_URL);
  for await (const entry of Deno.readDir(folders)) {
    if (!entry.isDirectory || entry.name.startsWith(".")) continue;
    const manifest = JSON.parse(await Deno.readTextFile(new URL(`${entry.name}/function.json`, folders)));
    expect([entry.name, manifest.$schema]).toEqual([entry.name, "../function.schema.json"]);
  }
});
