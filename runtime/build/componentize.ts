/**
 * One build: a source to a component, in a process of its own.
 *
 * @module
 */
import { basename, join } from "node:path";
import { runChild } from "../child.ts";
import { SkerryError } from "../errors.ts";
import type { LineOptions } from "../line.ts";
import type { Backend } from "../manifest.ts";
import type { BundleConfigOptions, BundleFacts } from "./_bundle_config.ts";
import { packageFolder } from "./_packages.ts";
import { explainFailure } from "./messages.ts";
import { prepareWit, WORLD } from "./wit.ts";

/** What is built. */
export interface ComponentizeOptions {
  /** The entry, absolute. */
  readonly entry: string;
  /** The function's folder, absolute. */
  readonly dir: string;
  /** How messages name the entry. */
  readonly shown: string;
  readonly backend: Backend;
  readonly wit: string | null;
  readonly world: string | null;
  /** A folder for this build alone, absolute. */
  readonly workDir: string;
  /** How it stands in line. */
  readonly line: LineOptions;
  readonly signal?: AbortSignal | undefined;
}

/** What came out, in the build's folder. */
export interface Componentized {
  readonly wasm: string;
  readonly facts: BundleFacts;
}

/**
 * Bundles the entry and makes a component of it.
 *
 * @throws {SkerryError} `build-failed`, with file, line and cause.
 */
export async function componentize(options: ComponentizeOptions): Promise<Componentized> {
  const { workDir, entry, backend } = options;
  const wit = join(workDir, "wit");
  const wasm = join(workDir, "component.wasm");
  const factsFile = join(workDir, "facts.json");
  const config = join(workDir, "bundle.mjs");
  await prepareWit({ backend, wit: options.wit, world: options.world, outDir: wit });
  const file = basename(entry).replace(/\.[^.]*$/, ".js");
  const bundle: BundleConfigOptions = { factsFile, wit, backend, dir: options.dir, file };
  const ours = import.meta.resolve("./_bundle_config.ts");
  await Deno.writeTextFile(
    config,
    `import { bundleConfig } from ${JSON.stringify(ours)};\nexport default bundleConfig(${JSON.stringify(bundle)});\n`,
  );
  const { code, stdout, stderr } = await runChild({
    ...options.line,
    // It runs native code: a bundler, and the pre-initialization of the guest.
    flags: ["--allow-all"],
    script: join(packageFolder("@bytecodealliance/jco"), "dist", "jco.js"),
    args: ["componentize", entry, "--wit", wit, "--world-name", WORLD, "--out", wasm]
      .concat("--backend", backend, "--bundle", "--bundle-config", config),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const facts = await readFacts(factsFile);
  if (code !== 0 || !(await isFile(wasm))) {
    const output = `${new TextDecoder().decode(stdout)}\n${stderr}`;
    const context = { map: facts?.map ?? null, entry: basename(entry), wit };
    // Before there is a bundle, only WIT of its own can have failed for another reason than the source.
    const mistake = facts === undefined && options.wit !== null ? await witMistake(wit, options.line.for) : undefined;
    const cause = mistake !== undefined
      ? `the WIT in ${options.wit}: ${mistake}`
      : facts?.unknownImports?.[0] ?? explainFailure(output, context);
    throw new SkerryError("build-failed", `building ${options.shown}: ${cause}`);
  }
  const [node] = facts?.nodeModules ?? [];
  if (node !== undefined) {
    throw new SkerryError(
      "build-failed",
      `building ${options.shown}: it imports "node:${node}", or what does so among its packages, and no function has that. ` +
        "A function has the Web's APIs and what it is granted; of Node it has what needs no machine, such as node:path",
    );
  }
  return { wasm, facts: facts ?? { inputs: [entry], map: null } };
}

/** What is wrong with the WIT, if anything is. */
async function witMistake(wit: string, name: string | undefined): Promise<string | undefined> {
  const { stdout } = await runChild({
    for: name,
    script: new URL("./_wit_child.ts", import.meta.url),
    flags: ["--allow-read", "--allow-env"],
    args: [wit, WORLD],
  });
  return new TextDecoder().decode(stdout).trim() || undefined;
}

async function readFacts(path: string): Promise<BundleFacts | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch {
    return undefined; // The bundle failed.
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
