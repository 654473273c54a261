/**
 * Says what is wrong with a WIT folder: jco keeps the cause to itself when it builds. Runs in a process of its own.
 *
 * @module
 */
import { $init, generateTypes } from "@bytecodealliance/jco-transpile/component";

const [folder, world] = Deno.args;
await $init;
try {
  generateTypes("wit", { wit: { tag: "path", val: folder! }, world: world! });
} catch (error) {
  const { payload, message } = error as { payload?: unknown; message?: string };
  // A chain of causes; the last one is the mistake, the ones before it say where.
  const causes = String(payload ?? message).split("\n").map((line) => line.replace(/^\s*\d+: /, "").trim());
  console.log(causes.filter((line) => line !== "" && line !== "Caused by:").at(-1));
}
