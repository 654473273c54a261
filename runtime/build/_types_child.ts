/**
 * Declares what a world's guest imports, in TypeScript: JSON of texts by file on stdout. Runs in a process of its own.
 *
 * @module
 */
import { $init, generateTypes } from "@bytecodealliance/jco-transpile/component";

const [folder, world] = Deno.args;
await $init;
const files = generateTypes("function", { wit: { tag: "path", val: folder! }, world: world!, guest: true });
console.log(JSON.stringify(files.map(([name, bytes]) => [name, new TextDecoder().decode(bytes)])));
