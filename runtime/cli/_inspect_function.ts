/**
 * What a function imports, what it was granted, and what it has used.
 *
 * @module
 */
import { join } from "node:path";
import { describeComponent, withoutVersion } from "../component/mod.ts";
import { SkerryError } from "../errors.ts";
import type { FunctionFolder } from "../functions.ts";
import type { Host } from "../host.ts";
import { listFolders, readFunction, shownPath } from "../manifest/folder.ts";
import { grantSchemas } from "../manifest/grants.ts";
import { suggest } from "../manifest/suggest.ts";
import { readComponent } from "../runtime.ts";
import { readSettings } from "../settings.ts";
import type { FunctionReport } from "../usage.ts";

/** Where to look. */
export interface InspectOptions {
  /** The folder of functions. Default: `components`. */
  readonly functions?: string | undefined;
  /** Where a server in development may be. Default: what `PORT` says, on this machine. */
  readonly server?: string;
}

/** What is known of a function without a server. */
type Known = Pick<FunctionReport, "name" | "file" | "granted"> & {
  /** What stands in front of it, by name. */
  readonly middleware?: readonly string[];
  /** `null` where there is only source, and no component of it yet. */
  readonly imports: FunctionReport["imports"];
};

/**
 * The text about a function.
 *
 * @throws {SkerryError} `manifest-invalid`, when there is no such function, or its manifest cannot be used.
 */
export async function inspectFunction(name: string, host: Host, options: InspectOptions = {}): Promise<string> {
  const folder = await findFunction(name, host, options.functions ?? "components");
  const report = await askServer(name, options.server ?? `http://localhost:${readSettings(Deno.env.toObject()).port}`);
  const imports = await importsOf(folder) ?? report?.imports ?? null;
  const { grants, middleware } = folder.manifest;
  const known = { name, file: folder.file, granted: Object.keys(grants), middleware, imports };
  return describeFunction(known, report, host);
}

async function findFunction(name: string, host: Host, functions: string): Promise<FunctionFolder> {
  const schemas = grantSchemas(host.capabilities.values());
  const names: string[] = [];
  const broken: unknown[] = [];
  for (const folder of await listFolders(functions)) {
    try {
      const found = await readFunction(join(functions, folder), schemas);
      if (found.manifest.name === name) return found;
      names.push(found.manifest.name);
    } catch (error) {
      if (folder === name) throw error;
      broken.push(error);
    }
  }
  const near = suggest(name, names);
  const instead = near === undefined ? `Name one of ${names.join(", ")}, or a .wasm file.` : `Did you mean ${near}?`;
  const others = broken.length === 0 ? "" : ` (${broken.length} cannot be read.)`;
  const message = `inspecting ${name}: there is no such function in ${shownPath(functions)}. ${instead}${others}`;
  throw new SkerryError("manifest-invalid", message);
}

/** The imports of a function's component, if it has one by now. */
async function importsOf({ manifest, directory }: FunctionFolder): Promise<Known["imports"]> {
  const { source } = manifest;
  let wasm = join(directory, source.path);
  if (source.kind === "script") {
    const { findBuilt } = await import("../build/build.ts");
    const { path, backend, wit, world } = source;
    const built = await findBuilt({ dir: directory, source: path, backend, wit, world }).catch(() => undefined);
    if (built === undefined) return null;
    wasm = built.wasm;
  }
  const { imports } = describeComponent(await readComponent(wasm), shownPath(wasm));
  return imports.filter(({ sort, functions, resources }) => sort !== "type" && functions.length + resources.length > 0)
    .map(({ name, functions }) => ({ name, functions: functions.map((taken) => taken.name) }));
}

/** What a server in development on this machine knows, if there is one. */
async function askServer(name: string, server: string): Promise<FunctionReport | undefined> {
  try {
    const response = await fetch(`${server}/-/functions/${name}`);
    if (response.status === 200) return await response.json();
    await response.body?.cancel();
  } catch { /* Nobody listens there. */ }
  return undefined;
}

/** What a function can have without a grant, and which refuses then. */
const OUTGOING = /^wasi:http\/(?:outgoing-handler|client)[@#]/;

/** One interface, and what is to be said of it. */
interface Line {
  readonly name: string;
  readonly grant: string;
  readonly used: string;
}

/** The text, of what is known. */
export function describeFunction(
  known: Known,
  report: FunctionReport | undefined,
  host: Pick<Host, "provider" | "capabilities">,
): string {
  const { name, file, granted, middleware = [], imports } = known;
  const text = [`${name} (${file})`, ...middleware.length > 0 ? [`behind ${middleware.join(", ")}`] : [], ""];
  if (imports === null) {
    text.push(
      "It is source that is not built yet, so what it imports is not known: run `deno task dev`, or `deno task build`.",
    );
    return text.join("\n");
  }
  const used = report?.used ?? {};
  const lines = imports.map((wanted): Line => ({
    name: wanted.name,
    grant: grantOf(wanted.name, granted, host),
    used: report === undefined ? "" : usedOf(wanted.name, used),
  }));
  const width = Math.max(8, ...lines.map((line) => line.name.length));
  const grantWidth = Math.max(8, ...lines.map(({ grant }) => grant.length));
  const heading = report === undefined ? "" : `used in ${countOf(report.requests)}`;
  text.push(`${"imports".padEnd(width)}  ${"granted".padEnd(grantWidth)}  ${heading}`.trimEnd());
  for (const line of lines) {
    text.push(`${line.name.padEnd(width)}  ${line.grant.padEnd(grantWidth)}  ${line.used}`.trimEnd());
  }
  if (lines.length === 0) text.push("nothing");
  const warnings = warningsOf(known, report, host);
  if (warnings.length > 0) text.push("", "warnings", ...warnings.map((warning) => `  ${warning}`));
  if (report?.problem) text.push("", `Its newest version does not serve: ${report.problem}`);
  if (report === undefined) text.push("", "What it uses is known while `deno task dev` runs.");
  return text.join("\n");
}

const countOf = (requests: number) => `${requests} request${requests === 1 ? "" : "s"}`;

function grantOf(name: string, granted: readonly string[], host: Pick<Host, "provider">): string {
  const provider = host.provider(name);
  if (provider === undefined) return "the host has no such";
  if (granted.includes(provider.name)) return provider.name;
  if (provider.ungranted === undefined) return `${provider.name} is missing`;
  return OUTGOING.test(name) ? "refused without http" : "always";
}

/** `12: get 10, set 2` */
function usedOf(name: string, used: FunctionReport["used"]): string {
  const calls = Object.entries(used).filter(([call]) => call.startsWith(`${withoutVersion(name)}#`));
  if (calls.length === 0) return "not at all";
  const total = calls.reduce((sum, [, count]) => sum + count, 0);
  const each = calls.sort((a, b) => b[1] - a[1])
    .map(([call, count]) => `${call.slice(call.indexOf("#") + 1).replace(/^\[[a-z-]+\]/, "")} ${count}`);
  return `${total}: ${each.join(", ")}`;
}

function warningsOf(
  { file, granted, imports }: Known,
  report: FunctionReport | undefined,
  host: Pick<Host, "provider" | "capabilities">,
): string[] {
  const warnings: string[] = [];
  const wanted = new Map<string, string[]>();
  for (const { name } of imports ?? []) {
    const provider = host.provider(name);
    if (provider !== undefined) wanted.set(provider.name, [...wanted.get(provider.name) ?? [], name]);
  }
  for (const [name, interfaces] of wanted) {
    if (host.capabilities.get(name)?.ungranted !== undefined || granted.includes(name)) continue;
    warnings.push(`missing: ${interfaces.join(", ")}. Add to ${file}: "grants": { "${name}": {} }`);
  }
  for (const name of granted) {
    const interfaces = wanted.get(name) ?? [];
    if (interfaces.length === 0) {
      warnings.push(`not needed: it imports nothing of "${name}". Take "${name}" out of "grants" in ${file}`);
    } else if (
      report !== undefined && report.requests > 0 &&
      interfaces.every((each) => usedOf(each, report.used) === "not at all")
    ) {
      warnings.push(`not used: "${name}" is granted, and nothing of it was called in ${countOf(report.requests)}`);
    }
  }
  const calls = Object.keys(report?.used ?? {}).filter((call) => OUTGOING.test(call));
  if (calls.length > 0 && !granted.includes("http")) {
    const origin = `"grants": { "http": { "allow": ["https://api.example.com"] } }`;
    warnings.push(
      `refused: its outgoing requests, for it was granted none. Add to ${file}, with the origins that it may call: ${origin}`,
    );
  }
  return warnings;
}
