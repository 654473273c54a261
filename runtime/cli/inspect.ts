/**
 * `deno task inspect`: what is in a component, and what it would need to be served.
 *
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { capabilities } from "../../components/capabilities.ts";
import { builtinCapabilities } from "../capabilities/mod.ts";
import type { ComponentDescription } from "../component/mod.ts";
import { describeComponent, findCompatible } from "../component/mod.ts";
import { findHandler } from "../handler.ts";
import { SkerryError } from "../errors.ts";
import { Host } from "../host.ts";
import { MANIFEST_FILE } from "../manifest.ts";
import { shownPath } from "../manifest/folder.ts";
import { NAME_PATTERN } from "../manifest/schema.ts";
import { readComponent } from "../runtime.ts";
import { inspectFunction } from "./_inspect_function.ts";
import { run } from "./_serve.ts";

const USAGE = `Usage: deno task inspect NAME
       deno task inspect FILE.wasm

For a function: what it imports, what it was granted, what it has used in the server that \`deno task dev\` runs at PORT,
and the lines to add to its function.json or to take out.
For a component: its world, size and toolchain, and for each import whether this host has it and which grant it needs.
FILE may also be the folder of a function whose source is a component.

  --functions FOLDER   where functions are; default: components`;

/** What inspecting needs of a host. */
export type InspectingHost = Pick<Host, "provider">;

/** The text about a component. */
export function inspect(file: string, description: ComponentDescription, host: InspectingHost): string {
  const lines = [file, ""];
  const exported = description.exports.filter(({ sort }) => sort === "instance").map(({ name }) => name);
  const fact = (name: string, value: string) => lines.push(`${name.padEnd(14)}${value}`);
  fact("size", formatBytes(description.bytes));
  for (const [field, values] of Object.entries(description.producers)) {
    fact(field, Object.entries(values).map(([name, version]) => `${name} ${version}`.trim()).join(", "));
  }
  fact("world", worldOf(exported));
  fact("serves", servesHttp(exported, file));
  lines.push("", description.exports.length === 0 ? "exports nothing" : "exports");
  for (const { name, sort, functions } of description.exports) {
    lines.push(`  ${name}${sort === "instance" ? "" : ` (${sort})`}${countOf(sort, functions.length)}`);
  }
  lines.push("", description.imports.length === 0 ? "imports nothing" : "imports");
  const width = Math.max(0, ...description.imports.map(({ name }) => name.length));
  const missing: string[] = [];
  for (const { name, sort, functions, resources } of description.imports) {
    const typesOnly = sort === "type" || (sort === "instance" && functions.length + resources.length === 0);
    const status = typesOnly ? "types only" : hostStatus(name, host);
    if (status.startsWith("missing")) missing.push(name);
    lines.push(`  ${name.padEnd(width)}  ${status}`);
  }
  if (missing.length > 0) lines.push("", `This host lacks ${missing.join(", ")}: a capability of your own can add it.`);
  return lines.join("\n");
}

/** Whether the host has an import, and what has to be granted for it. */
function hostStatus(name: string, host: InspectingHost): string {
  const provider = host.provider(name);
  if (provider === undefined) return "missing";
  const version = /@(.*)$/.exec(findCompatible(name, provider.interfaces)!)?.[1];
  const has = version === undefined || name.endsWith(`@${version}`) ? "here" : `here as ${version}`;
  if (provider.ungranted === undefined) return `${has}, needs grants.${provider.name}`;
  return provider.name === "http" && /outgoing-handler|\/client/.test(name)
    ? `${has}, refuses all that grants.http does not allow`
    : has;
}

function worldOf(exported: readonly string[]): string {
  const known: [prefix: string, world: string][] = [
    ["wasi:http/incoming-handler@", "wasi:http/proxy"],
    ["wasi:http/handler@", "wasi:http/service"],
    ["wasi:cli/run@", "wasi:cli/command"],
  ];
  for (const [prefix, world] of known) {
    const found = exported.find((name) => name.startsWith(prefix));
    if (found !== undefined) return `${world}@${found.slice(prefix.length)}, by what it exports`;
  }
  return "one of its own";
}

function servesHttp(exported: readonly string[], file: string): string {
  try {
    return `HTTP, by ${findHandler({ exports: exported }, file).interface}`;
  } catch {
    return "no HTTP: it exports neither wasi:http/incoming-handler@0.2.x nor wasi:http/handler@0.3.0";
  }
}

function countOf(sort: string, count: number): string {
  return sort === "instance" && count > 0 ? `, ${count} function${count === 1 ? "" : "s"}` : "";
}

function formatBytes(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(0)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** The file that a command names: itself, or the component of the function in that folder. */
async function fileOf(path: string): Promise<string> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (info === undefined) {
    throw new SkerryError("component-malformed", `inspecting ${path}: there is no such file. Name a .wasm file.`);
  }
  if (!info.isDirectory) return path;
  const manifest = await Deno.readTextFile(join(path, MANIFEST_FILE)).then(JSON.parse).catch(() => ({}));
  if (typeof manifest.source === "string" && manifest.source.endsWith(".wasm")) return join(path, manifest.source);
  throw new SkerryError(
    "component-malformed",
    `inspecting ${
      shownPath(path)
    }: it is a folder without a component. Name a .wasm file; \`deno task build\` puts those of functions into dist/components/.`,
  );
}

if (import.meta.main) {
  await run(async () => {
    const { values, positionals } = parseArgs({
      args: Deno.args,
      options: { help: { type: "boolean", short: "h" }, functions: { type: "string" } },
      allowPositionals: true,
    });
    if (values.help || positionals.length !== 1) {
      if (values.help) return console.log(USAGE);
      throw new SkerryError("setting-invalid", USAGE);
    }
    const [named] = positionals as [string];
    const host = new Host([...builtinCapabilities, ...capabilities]);
    if (NAME_PATTERN.test(named) && !(await Deno.stat(named).then((info) => info.isFile, () => false))) {
      return console.log(await inspectFunction(named, host, { functions: values.functions }));
    }
    const path = await fileOf(named);
    const shown = shownPath(path);
    const description = describeComponent(await readComponent(path), shown);
    if (description.kind === "core-module") {
      throw new SkerryError(
        "component-malformed",
        `inspecting ${shown}: it is a core module, not a component. Make one of it: wasm-tools component new ${shown}`,
      );
    }
    console.log(inspect(shown, description, host));
  });
}
