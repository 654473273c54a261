/**
 * The scripts of this repository, on the native engine: all that they say holds, and what is refused says why and where.
 *
 * @module
 */
import { basename, join } from "node:path";
import { expect } from "@std/expect";
import { createNativeEngine } from "../../runtime/engine/native/mod.ts";
import { withFolder } from "../_folder.ts";
import { scriptsUnder } from "./commands.ts";
import { execute, type Outcome } from "./execute.ts";
import { convertOwn, forms } from "./text.ts";

for (const path of await scriptsUnder(join(import.meta.dirname!, "scripts"))) {
  Deno.test(`what scripts/${basename(path)} says holds`, async () => {
    await withFolder(async (folder) => {
      const script = await convertOwn(path, folder);
      const outcomes: Outcome[] = [];
      await execute(script, createNativeEngine({ strict: true }), (outcome) => outcomes.push(outcome));
      expect(outcomes.filter(({ status }) => status !== "passed")).toEqual([]);
      expect(outcomes.length).toBe(script.commands.length);
      for (const [i, { type, text }] of script.commands.entries()) {
        if (type === "assert_return" || text === undefined) continue;
        const { line, reason } = outcomes[i]!;
        // Some other defect of the component would have been refused, too.
        const said = reason!.slice(`"${text}": `.length);
        if (!said.includes(text)) throw new Error(`${basename(path)}:${line}: expected "${text}", got "${said}"`);
        if (type === "assert_invalid") expect(said).toMatch(/ at offset 0x[0-9a-f]+/);
      }
    });
  });
}

Deno.test("a guest that cancels within its set goes on where that is over at once, unless the engine is strict", async () => {
  await withFolder(async (folder) => {
    const script = await convertOwn(join(import.meta.dirname!, "scripts/sync_cancel.wast"), folder);
    const outcomes: Outcome[] = [];
    await execute(script, createNativeEngine(), (outcome) => outcomes.push(outcome));
    // The last says that it traps.
    expect(outcomes.map(({ status }) => status)).toEqual([...script.commands.slice(1).map(() => "passed"), "failed"]);
    expect(script.commands.at(-1)!.type).toBe("assert_trap");
  });
});

Deno.test("a script is read with its comments and strings, and what is not closed is found", () => {
  const [first, second] = forms('(a "(" ;; )\n (; ( ;) (b $c))\n(d)');
  expect(first).toMatchObject({ line: 1, items: [{ text: "a" }, { kind: "string", text: "(" }, { kind: "form" }] });
  expect(second).toMatchObject({ line: 3, source: "(d)" });
  expect(() => forms("(a)\n(b (c)")).toThrow("line 2");
  expect(() => forms("(a))")).toThrow("nothing to close in line 1");
});
