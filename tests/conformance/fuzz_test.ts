/**
 * Mutated components, from reading to running: whatever is wrong with one, it is said clearly.
 *
 * @module
 */
import { join } from "node:path";
import { expect } from "@std/expect";
import { type ComponentModel, decodeComponent } from "../../runtime/component/mod.ts";
import { withTask } from "../../runtime/context.ts";
import type { Engine } from "../../runtime/engine/mod.ts";
import { createNativeEngine } from "../../runtime/engine/native/mod.ts";
import { SkerryError } from "../../runtime/errors.ts";
import { Task } from "../../runtime/task.ts";
import { withFolder } from "../_folder.ts";
import { scriptsUnder } from "./commands.ts";
import { echoComponent } from "./echo_component.ts";
import { trapText } from "./errors.ts";
import { scriptHost } from "./host.ts";
import { mutant, sectionsOf } from "./mutate.ts";
import { convertOwn } from "./text.ts";
import { Random, randomType } from "./wit_types.ts";

const TESTDATA = new URL("../../runtime/engine/native/testdata/", import.meta.url);

async function originals(): Promise<Uint8Array<ArrayBuffer>[]> {
  const names = ["async", "resources", "values", "rules", "transcode", "fixed_lists"];
  const found = await Promise.all(names.map((name) => Deno.readFile(new URL(`${name}.wasm`, TESTDATA))));
  const random = new Random(5);
  const types = Array.from({ length: 8 }, () => randomType(random, 3, true));
  return [...found, echoComponent(types.map((type) => ({ kind: "tuple", types: [type] })))];
}

/** The components of the scripts: many rules in few bytes. */
async function scripted(): Promise<Uint8Array<ArrayBuffer>[]> {
  return await withFolder(async (folder) => {
    const found: Uint8Array<ArrayBuffer>[] = [];
    for (const path of await scriptsUnder(join(import.meta.dirname!, "scripts"))) {
      const { commands } = await convertOwn(path, folder);
      for (const { filename } of commands) {
        if (filename !== undefined) found.push(await Deno.readFile(join(folder, filename)));
      }
    }
    return found;
  });
}

/** Where a component's own bytes are: core code that is changed could run for ever, which is another test's matter. */
function outsideCore(bytes: Uint8Array): number[] {
  const core: (readonly [start: number, end: number])[] = [];
  const walk = ({ definitions }: ComponentModel): void => {
    for (const d of definitions) {
      if (d.kind === "core-module") core.push([d.start, d.end]);
      else if (d.kind === "component") walk(d.component);
    }
  };
  walk(decodeComponent(bytes));
  return Array.from(bytes.keys()).filter((at) => at >= 8 && !core.some(([start, end]) => at >= start && at < end));
}

function mutated(original: Uint8Array<ArrayBuffer>, places: readonly number[], random: Random) {
  const bytes = original.slice();
  for (let i = random.below(3); i >= 0; i--) {
    bytes[random.one(places)] = random.below(3) === 0 ? random.below(256) : random.below(12);
  }
  return bytes;
}

/** What became of a component; throws what is no clear answer. */
async function outcome(engine: Engine, bytes: Uint8Array<ArrayBuffer>): Promise<"refused" | "ran"> {
  let component;
  try {
    component = await engine.load(bytes, { name: "mutant" });
  } catch (error) {
    if (!(error instanceof SkerryError)) throw error;
    expect(error.message).toMatch(/mutant: .* at offset 0x[0-9a-f]+|mutant: .*, in the core module at offset 0x/s);
    return "refused";
  }
  const task = new Task({ function: "mutant" });
  try {
    await withTask(task, async () => {
      const isolate = await (await component.link(scriptHost())).instantiate();
      for (const call of Object.values(isolate.exports["$root"] ?? {})) {
        await Promise.race([call(1, 2, 3), new Promise((resolve) => setTimeout(resolve, 20))]);
      }
    });
  } catch (error) {
    const isClear = error instanceof SkerryError && error.code !== "internal" || trapText(error, false) !== undefined ||
      /^TypeError: expected /.test(String(error));
    if (!isClear) throw error;
  } finally {
    task.end();
  }
  return "ran";
}

Deno.test("a mutated component is refused with the offset, or runs and traps like any other", async () => {
  const engine = createNativeEngine();
  const random = new Random(23);
  const counts = { refused: 0, ran: 0 };
  for (const original of await originals()) {
    const places = outsideCore(original);
    for (let round = 0; round < 400; round++) {
      counts[await outcome(engine, mutated(original, places, random))]++;
    }
  }
  for (const original of await scripted()) {
    const places = Array.from(original.keys()).slice(8);
    for (let round = 0; round < 60; round++) {
      counts[await outcome(engine, mutated(original, places, random))]++;
    }
  }
  expect(counts.refused).toBeGreaterThan(500);
  expect(counts.ran).toBeGreaterThan(100);
});

Deno.test("a component that is cut off, or has bytes too many, is refused with the offset", async () => {
  const engine = createNativeEngine();
  const random = new Random(29);
  for (const original of await originals()) {
    for (let round = 0; round < 150; round++) {
      const at = 8 + random.below(original.length - 8);
      const more = random.below(2) === 0 ? [] : [0xff, 0xff, 0xff, 0xff, 0x0f].slice(0, 1 + random.below(5));
      const rest = original.subarray(more.length === 0 ? original.length : at);
      await outcome(engine, new Uint8Array([...original.subarray(0, at), ...more, ...rest]));
    }
  }
});

/** How many mutants of their sections there are of all originals together. */
const MUTANTS = Number(Deno.env.get("SKERRY_FUZZ_MUTANTS") ?? 3000);

Deno.test("a component with its sections in another order, repeated, nested or miscounted gets a clear answer", async () => {
  const engine = createNativeEngine();
  const random = new Random(Number(Deno.env.get("SKERRY_FUZZ_SEED") ?? 31));
  const all = [...await originals(), ...await scripted()].map(sectionsOf);
  const sections = all.flat().filter(({ content }) => content.length < 4096);
  const counts = { refused: 0, ran: 0 };
  for (let left = MUTANTS; left > 0; left--) {
    const bytes = mutant(random.one(all), random, sections);
    try {
      counts[await outcome(engine, bytes)]++;
    } catch (error) {
      throw new Error(`mutant ${MUTANTS - left}, ${btoa(String.fromCharCode(...bytes))}`, { cause: error });
    }
  }
  expect(counts.refused).toBeGreaterThan(MUTANTS / 4);
  expect(counts.ran).toBeGreaterThan(MUTANTS / 20);
});
