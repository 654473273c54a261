/**
 * What `wasm-tools json-from-wast` makes of a `.wast` file.
 *
 * @module
 */
import { join } from "node:path";

/** A value as a script writes it; what `value` is depends on `type`. */
export interface ScriptValue {
  readonly type: string;
  readonly value?: unknown;
}

export interface Action {
  readonly type: string;
  /** The instance; the last one when absent. */
  readonly module?: string;
  readonly field: string;
  readonly args?: readonly ScriptValue[];
}

/** One command of a script. */
export interface Command {
  readonly type: string;
  readonly line: number;
  readonly filename?: string;
  readonly module_type?: "binary" | "text";
  readonly name?: string;
  /** Of `module_instance`: what it is called, and the definition that it is made of. */
  readonly instance?: string;
  readonly module?: string;
  readonly text?: string;
  readonly action?: Action;
  readonly expected?: readonly ScriptValue[];
}

/** A script, and the folder of the binaries that it names. */
export interface Script {
  readonly folder: string;
  readonly commands: readonly Command[];
}

/**
 * Converts a `.wast` file into `folder`, which is made. Needs wasm-tools on PATH.
 *
 * @throws {Error} with wasm-tools' first lines, when the file is beyond it.
 */
export async function convert(path: string, folder: string): Promise<Script> {
  await Deno.mkdir(folder, { recursive: true });
  const json = join(folder, "script.json");
  const { success, stderr } = await new Deno.Command("wasm-tools", {
    args: ["json-from-wast", "--wasm-dir", folder, "-o", json, path],
    // Scripts of not long ago have an older syntax for core exports.
    env: { WAST_STRICT_COMPONENT_INDICES: "0" },
  }).output();
  if (!success) {
    const [first = "it failed"] = new TextDecoder().decode(stderr).replace(/^error: /, "").split("\n");
    throw new Error(`wasm-tools ${await toolVersion()} cannot convert it: ${first}`);
  }
  return { folder, commands: (JSON.parse(await Deno.readTextFile(json)) as { commands: Command[] }).commands };
}

let version: Promise<string> | undefined;

/** The version of wasm-tools, for messages. */
function toolVersion(): Promise<string> {
  return version ??= new Deno.Command("wasm-tools", { args: ["--version"] }).output()
    .then(({ stdout }) => new TextDecoder().decode(stdout).trim().split(" ")[1] ?? "of no version");
}

/** All `.wast` files at or under `path`, sorted. */
export async function scriptsUnder(path: string): Promise<string[]> {
  if ((await Deno.stat(path)).isFile) return [path];
  const found: string[] = [];
  for await (const entry of Deno.readDir(path)) {
    const inside = join(path, entry.name);
    if (entry.isDirectory) found.push(...await scriptsUnder(inside));
    else if (entry.name.endsWith(".wast")) found.push(inside);
  }
  return found.sort();
}
