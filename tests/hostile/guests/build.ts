#!/usr/bin/env -S deno run -A
/**
 * Makes components of the core modules in this folder. The results are committed, so only who changes one needs this,
 * and wasm-tools on PATH (written with 1.263.0):
 *
 * ```sh
 * deno run -A tests/hostile/guests/build.ts
 * ```
 */
import { join } from "node:path";

const folder = import.meta.dirname!;
const builtin = join(folder, "../../../node_modules/@bytecodealliance/jco/lib/wit/builtin/0.2.12");

/** The guests whose world is not `handler`. */
const WORLDS: Readonly<Record<string, string>> = { destructor: "with-things" };

async function wasmTools(...args: string[]): Promise<void> {
  const { success } = await new Deno.Command("wasm-tools", { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`wasm-tools ${args.join(" ")}: it failed; its message is above`);
}

const wit = await Deno.makeTempDir();
await Deno.copyFile(join(folder, "world.wit"), join(wit, "world.wit"));
for await (const { name } of Deno.readDir(builtin)) {
  await Deno.mkdir(join(wit, "deps", name), { recursive: true });
  await Deno.copyFile(join(builtin, name, "package.wit"), join(wit, "deps", name, "package.wit"));
}
const embedded = join(wit, "embedded.wasm");
for await (const { name: file } of Deno.readDir(folder)) {
  if (!file.endsWith(".wat")) continue;
  const name = file.slice(0, -".wat".length);
  const to = join(folder, `${name}.wasm`);
  await wasmTools("component", "embed", wit, "--world", WORLDS[name] ?? "handler", join(folder, file), "-o", embedded);
  await wasmTools("component", "new", embedded, "-o", to);
  await wasmTools("strip", to, "-o", to);
  await wasmTools("validate", to);
}
await Deno.remove(wit, { recursive: true });
