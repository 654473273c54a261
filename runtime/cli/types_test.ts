import { expect } from "@std/expect";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFolder } from "../../tests/_folder.ts";
import { TYPES_URL, typesOf } from "./types.ts";

const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

Deno.test("the committed declarations are those that the WIT makes: run `deno task types` after a change", async () => {
  const text = await typesOf(fileURLToPath(new URL(".", TYPES_URL)));
  expect(await Deno.readTextFile(TYPES_URL)).toBe(text);
});

Deno.test("a function's own interface is declared with its documentation, whatever it is built with", async () => {
  await withFolder(async (folder) => {
    for (const backend of ["starlingmonkey", "quickjs"]) {
      await Deno.mkdir(join(folder, backend));
      const manifest = { name: backend, routes: [], source: "main.ts", backend, wit: "own.wit" };
      await Deno.writeTextFile(join(folder, backend, "function.json"), JSON.stringify(manifest));
      await Deno.writeTextFile(
        join(folder, backend, "own.wit"),
        `package my:${backend};\ninterface tides {\n  /// Metres above the chart.\n  height: func(port: string) -> option<f64>;\n}\n`,
      );
    }
    await Deno.mkdir(join(folder, "broken"));
    await Deno.writeTextFile(join(folder, "broken", "function.json"), "{");
    const text = await typesOf(folder);
    for (const backend of ["starlingmonkey", "quickjs"]) {
      expect(text).toMatch(
        new RegExp(
          `declare module 'my:${backend}/tides' \\{\\s+/\\*\\*\\s+\\* Metres above the chart\\.\\s+\\*/\\s+` +
            "export function height\\(port: string\\): number \\| undefined;",
        ),
      );
    }
    expect(text).toContain("declare module 'wasi:keyvalue/store@0.2.0-draft2'");
  });
});

/** What `deno check` says to a source, in this project. */
async function check(source: string): Promise<string> {
  const file = await Deno.makeTempFile({ prefix: "skerry-types-", suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, source);
    const args = ["check", "--quiet", "--no-lock", "--config", CONFIG, file];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }).output();
    return success ? "right" : new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("an editor knows what is imported by the name of an interface, and what is wrong with its use", async () => {
  const right = `import { open } from "wasi:keyvalue/store@0.2.0-draft2";
import { increment } from "wasi:keyvalue/atomics@0.2.0-draft2";
import { Connection, type Value } from "spin:sqlite/sqlite@3.1.0";
import { get } from "wasi:config/store@0.2.0-rc.1";
import { waitFor } from "wasi:clocks/monotonic-clock@0.3.0";
import { Lap } from "example:stopwatch/stopwatch@0.1.0";
export async function visit(): Promise<string> {
  const bucket = open("default");
  const visits: bigint = increment(bucket, "visits", 1n);
  const values: Value[] = Connection.open("default").execute("SELECT 1", []).rows[0]?.values ?? [];
  await waitFor(1n);
  new Lap(get("greeting") ?? "hello").stop();
  return \`\${visits} \${values.length} \${bucket.get("a")?.byteLength}\`;
}
`;
  expect(await check(right)).toBe("right");
  expect(await check(right.replace('"visits", 1n', '"visits", 1'))).toContain("TS2345");
  expect(await check(right.replace("bucket.get(", "bucket.fetch("))).toContain("TS2339");
});
