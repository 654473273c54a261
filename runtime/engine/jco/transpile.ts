/**
 * Components to JavaScript, once: the generated code is kept in a folder by the hash of the component.
 *
 * @module
 */
import { createRequire } from "node:module";
import { type ChildResult, runChild } from "../../child.ts";
import { describeComponent, type ExternDescription } from "../../component/describe.ts";
import { howToWrap } from "../../component/foreign.ts";
import { SkerryError } from "../../errors.ts";
import { MAX_COMPONENT_BYTES, MAX_TRANSPILE_MS } from "../../limits.ts";
import { frame, unframe } from "./_frame.ts";
import type { TranspileAnswer, TranspileQuestion } from "./_transpile_child.ts";
import { prune, readFacts, touch, writeFolder } from "./cache.ts";
import { importMayWait } from "./waits.ts";

/**
 * What generated code depends on besides the component: the transpiler's version, and ours of its options and of what
 * we change in its output. A new number makes old folders in the cache useless, and harmless.
 */
export const TRANSPILER = "jco-transpile@0.15.0+skerry.23";

const CODE_FILE = "component.js";

/** Where generated code is kept. */
export interface TranspileOptions {
  /** The folder that holds a folder for each component. */
  readonly cacheDir: URL;
  /** Never transpile and never write: what is not there is an error. */
  readonly readOnly: boolean;
}

/** A component's generated code on disk. */
export interface Transpiled {
  /** The component's folder. */
  readonly dir: URL;
  readonly code: URL;
  readonly facts: Facts;
}

/** What the engine wants to know of a component without reading it again. */
export interface Facts {
  readonly imports: readonly ExternDescription[];
  readonly exports: readonly ExternDescription[];
  readonly modules: readonly string[];
  /** How often each of the modules is instantiated. */
  readonly instances: readonly number[];
}

/** The name of a component's folder: a hash of its bytes and of what makes the code. */
export async function transpileKey(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const component = await crypto.subtle.digest("SHA-256", bytes);
  const version = new TextEncoder().encode(TRANSPILER);
  const both = new Uint8Array(component.byteLength + version.length);
  both.set(new Uint8Array(component));
  both.set(version, component.byteLength);
  const hash = await crypto.subtle.digest("SHA-256", both);
  return Array.from(
    new Uint8Array(hash, 0, 16),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

/**
 * The generated code of a component, from the cache or made anew in a process of its own.
 *
 * @throws {SkerryError} `component-malformed`, `component-unsupported`; `function-broken` when it is not in a read-only
 * cache.
 */
export async function transpile(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  options: TranspileOptions,
): Promise<Transpiled> {
  if (bytes.length > MAX_COMPONENT_BYTES) {
    throw new SkerryError(
      "component-malformed",
      `loading ${name}: ${bytes.length} bytes are more than the ${MAX_COMPONENT_BYTES} that a component may have`,
    );
  }
  const key = await transpileKey(bytes);
  const dir = new URL(`${key}/`, options.cacheDir);
  const cached = await readFacts<Facts>(dir);
  if (cached !== undefined) {
    if (!options.readOnly) await touch(dir);
    return at(dir, cached);
  }
  if (options.readOnly) {
    throw new SkerryError(
      "function-broken",
      `loading ${name}: it has not been prepared (no ${key} in ${options.cacheDir.href}). Run "deno task build" again.`,
    );
  }
  const { imports, exports } = describe(bytes, name);
  const question: TranspileQuestion = {
    name,
    imports: imports.map((item) => item.name),
    waiting: functionNames(imports, importMayWait),
    exported: functionNames(exports, () => true),
  };
  const files = await generate(bytes, name, question);
  const modules = [...files.keys()].filter((file) => file.endsWith(".wasm"));
  const counts = countInstances(new TextDecoder().decode(files.get(CODE_FILE)));
  const facts: Facts = { imports, exports, modules, instances: modules.map((file) => counts.get(file) ?? 0) };
  await writeFolder(dir, files, facts);
  await prune(options.cacheDir);
  return at(dir, facts);
}

function at(dir: URL, facts: Facts): Transpiled {
  return { dir, code: new URL(CODE_FILE, dir), facts };
}

function describe(bytes: Uint8Array, name: string) {
  const description = describeComponent(bytes, name);
  if (description.kind === "core-module") {
    throw new SkerryError(
      "component-malformed",
      `loading ${name}: it is a core WebAssembly module, not a component. ${howToWrap(bytes)}`,
    );
  }
  return description;
}

/** The functions of some items for jco's lists. Those that are `async` by type need no list, and go wrong on one. */
function functionNames(
  items: readonly ExternDescription[],
  wanted: (interfaceName: string, witName: string) => boolean,
): string[] {
  return items.flatMap((item) =>
    item.functions
      .filter((f) => !f.async && wanted(item.name, f.name))
      .map((f) => item.sort === "func" ? f.name : `${item.name}#${f.name}`)
  );
}

/** How often generated code makes an instance of each core module. */
function countInstances(code: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, variable, file] of code.matchAll(/\bconst (module\d+) = getCoreModule\('([^']+)'\)/g)) {
    counts.set(file!, code.split(new RegExp(`\\binstantiateCore\\((?:(?:yield|await) )?${variable}\\b`)).length - 1);
  }
  return counts;
}

/** Runs the transpiler, and what rewrites its output. */
async function generate(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  question: TranspileQuestion,
): Promise<Map<string, Uint8Array>> {
  const transpiler = createRequire(import.meta.url)
    .resolve("@bytecodealliance/jco-transpile/component");
  const modules = transpiler.slice(
    0,
    transpiler.lastIndexOf("node_modules") + "node_modules".length,
  );
  const result = await runChild({
    for: name,
    script: new URL("./_transpile_child.ts", import.meta.url),
    // Its environment is empty but for Deno's own; jco's WASI shim reads all of it as it starts.
    flags: [
      "--allow-env",
      `--allow-read=${modules}`,
    ],
    stdin: frame(question, [bytes]),
    signal: AbortSignal.timeout(MAX_TRANSPILE_MS),
  });
  const { answer, body } = readAnswer(result, name);
  const files = new Map<string, Uint8Array>();
  let start = 0;
  for (const file of answer.files) {
    files.set(file.name, body.subarray(start, start += file.size));
  }
  return files;
}

function readAnswer({ code, stdout, stderr }: ChildResult, name: string) {
  let answer: TranspileAnswer;
  let body: Uint8Array;
  try {
    const { header, body: rest } = unframe(stdout);
    [answer, body] = [header as TranspileAnswer, rest];
  } catch {
    throw new SkerryError(
      "component-unsupported",
      `loading ${name}: jco's transpiler ended with code ${code} and no answer. ${firstLines(stderr)}`,
    );
  }
  if (answer.ok) return { answer, body };
  if (answer.refused === true) throw new SkerryError("component-unsupported", answer.message);
  const reason = answer.message.replace(/\s*\n\s*(Caused by:)?\s*/g, ": ");
  if (answer.trapped) {
    throw new SkerryError(
      "component-unsupported",
      `loading ${name}: jco's transpiler broke down on it (${firstLines(stderr) || reason}). ` +
        "The component may well be valid; this engine cannot run it.",
    );
  }
  throw new SkerryError(
    // Parsers say where; what is only missing in jco has no place in the file.
    /at offset 0x/.test(reason) && !/requires the .* feature/.test(reason)
      ? "component-malformed"
      : "component-unsupported",
    `loading ${name}: ${reason}`,
  );
}

function firstLines(text: string): string {
  return text.trim().split("\n").slice(0, 3).join(" ").slice(0, 400);
}
