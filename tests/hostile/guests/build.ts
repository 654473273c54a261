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
const builtin = join(folder, "../../../node_modules/@bytecodealliance/jco/lib/wit/builtin");

/** What guests are made for, by the beginning of their names; the first that fits. */
const WORLDS: readonly [prefix: string, world: string][] = [
  ["destructor", "with-things"],
  ["p3_", "handler-async"],
  ["worker_async", "worker-async"],
  ["worker", "worker"],
  ["composed_async", "boss-async"],
  ["composed", "boss"],
  ["", "handler"],
];

/** Those that are composed of two: the other one. */
const WORKERS: readonly [prefix: string, worker: string][] = [["composed_async", "worker-async"], [
  "composed",
  "worker",
]];

async function wasmTools(...args: string[]): Promise<void> {
  const { success } = await new Deno.Command("wasm-tools", { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`wasm-tools ${args.join(" ")}: it failed; its message is above`);
}

const only = Deno.args;
const work = await Deno.makeTempDir();

/** A folder with the worlds, on top of one version of WASI. */
async function witOf(version: string): Promise<string> {
  const wit = join(work, version);
  await Deno.mkdir(wit);
  const worlds = (await Deno.readTextFile(join(folder, "world.wit"))).split(/^(?=world|\/\/\/ A)/m);
  const other = version === "0.2.12" ? "@0.3.0" : "@0.2.12";
  await Deno.writeTextFile(join(wit, "world.wit"), worlds.filter((world) => !world.includes(other)).join(""));
  for await (const { name } of Deno.readDir(join(builtin, version))) {
    await Deno.mkdir(join(wit, "deps", name), { recursive: true });
    await Deno.copyFile(join(builtin, version, name, "package.wit"), join(wit, "deps", name, "package.wit"));
  }
  return wit;
}

const wits = { "0.2.12": await witOf("0.2.12"), "0.3.0": await witOf("0.3.0") };
const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".wat"))
  .map((name) => name.slice(0, -".wat".length));
// Workers first.
names.sort((a, b) => Number(b.startsWith("worker")) - Number(a.startsWith("worker")) || (a < b ? -1 : 1));
for (const name of names) {
  const worker = WORKERS.find(([prefix]) => name.startsWith(prefix))?.[1];
  const isWorker = name.startsWith("worker");
  if (only.length > 0 && !only.includes(name) && !isWorker) continue;
  const world = WORLDS.find(([prefix]) => name.startsWith(prefix))![1];
  const wit = wits[world.endsWith("-async") ? "0.3.0" : "0.2.12"];
  const embedded = join(work, "embedded.wasm");
  const made = join(work, `${name.replaceAll("_", "-")}.wasm`);
  const to = join(folder, `${name}.wasm`);
  await wasmTools("component", "embed", wit, "--world", world, join(folder, `${name}.wat`), "-o", embedded);
  await wasmTools("component", "new", embedded, "-o", made);
  if (isWorker) continue;
  if (worker !== undefined) await wasmTools("compose", made, "-d", join(work, `${worker}.wasm`), "-o", made);
  await wasmTools("strip", made, "-o", to);
  await wasmTools("validate", "--features", "all", to);
}
await Deno.remove(work, { recursive: true });
