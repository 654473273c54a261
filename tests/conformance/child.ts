/**
 * Executes one script in a process of its own, so that what hangs or crashes takes no other script with it: a line of
 * JSON for each command.
 *
 * @module
 */
import { createJcoEngine } from "../../runtime/engine/jco/mod.ts";
import { createNativeEngine } from "../../runtime/engine/native/mod.ts";
import { execute } from "./execute.ts";

const [name, folder] = Deno.args;
const { commands } = JSON.parse(await Deno.readTextFile(`${folder}/script.json`));
// Scripts grow memories further than Skerry's limits let a guest.
const engine = name === "jco"
  ? createJcoEngine({ cacheDir: `${folder}/jco` })
  : createNativeEngine({ meter: false, strict: true });
const encoder = new TextEncoder();

// What a guest leaves behind must not end the process before the last command.
globalThis.addEventListener("unhandledrejection", (event) => {
  console.error("unhandled:", event.reason);
  event.preventDefault();
});

await execute({ folder: folder!, commands }, engine, (outcome) => {
  Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(outcome)}\n`));
});
Deno.exit(0);
