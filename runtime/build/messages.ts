/**
 * What a failed build says, as a person wants it: file, line and cause, without colours and stacks.
 *
 * @module
 */
import { SourceMap } from "../stack/source_map.ts";

/** What is known of the build that failed. */
export interface FailureContext {
  /** The bundle's source map, as JSON; `null` if there is no bundle. */
  readonly map: string | null;
  /** The entry's file name. */
  readonly entry: string;
  /** The WIT folder of the build, whose path nobody needs to see. */
  readonly wit: string;
}

// deno-lint-ignore no-control-regex -- that is what colours are
const COLOURS = /\x1b\[[0-9;]*m/g;
const BUNDLER = /\[([A-Z_]+)\] ([^\n]*)\n\s*╭─\[ ([^\]]+?):(\d+):(\d+) \]/;
const BUNDLER_HINT = /╰─+ ([^\n]+)/;
const STARLING = /Exception while evaluating top-level script\n(?:\S+?:(\d+):(\d+) )?([^\n]+)/;
/** The bundler leaves what has an address to the engine, which knows files alone. */
const REMOTE = /Error loading module "(https?:[^"]+)"/;
/** Whatever is no WIT interface is in the bundle, and the bundler knows what it exports. */
const NOT_EXPORTED = /^SyntaxError: The requested module '<internal>' doesn't provide an export named: '([^']+)'/;
const QUICKJS =
  /(?:Failed to finish JavaScript module evaluation|Failed to declare JavaScript module|Failed to evaluate user JavaScript module): (?!Failed)([^\n]+)(?:\n\s+at [^\n(]*\(?[^\n]*?:(\d+):(\d+)\)?)?/;
/** What runs a QuickJS component at build time has no async functions but those of WASI's clocks, files and sockets. */
const ASYNC_IMPORT =
  /component imports instance `([^`]+)`.*?\bexport `([^`]+)` has the wrong type: type mismatch with async/s;

/**
 * The cause of a failure, from what the build printed.
 *
 * @example
 * ```ts
 * import { explainFailure } from "./messages.ts";
 *
 * const printed = "Error: Build failed with 1 error:\n\n[PARSE_ERROR] Unexpected token\n   ╭─[ app.ts:3:8 ]\n";
 * const context = { map: null, entry: "app.ts", wit: "" };
 * console.assert(explainFailure(printed, context) === "app.ts:3:8: Unexpected token");
 * ```
 */
export function explainFailure(printed: string, context: FailureContext): string {
  const text = printed.replace(COLOURS, "");
  const bundler = BUNDLER.exec(text);
  if (bundler !== null) {
    const [, , message, file, line, column] = bundler;
    const elsewhere = /^Could not resolve '((?:jsr|npm|https?):[^']+)' in /.exec(message!)?.[1];
    if (elsewhere !== undefined) return `${file}:${line}:${column}: ${fromElsewhere(elsewhere)}`;
    const missing = /^Could not resolve '((?:@[^/']+\/)?[^./'][^/']*)[^']*' in /.exec(message!)?.[1];
    if (missing !== undefined) {
      return `${file}:${line}:${column}: ${message}: there is no such package; run "npm install ${missing}", or mend the name`;
    }
    const hint = BUNDLER_HINT.exec(text.slice(bundler.index))?.[1]?.trim().replace(/[.,].*$/, "");
    // What was opened where is said beside a picture that is not shown here.
    const more = hint === undefined || message!.includes(hint) || /^opened/i.test(hint)
      ? ""
      : ` (${hint.toLowerCase()})`;
    return `${file}:${line}:${column}: ${message}${more}`;
  }
  const remote = REMOTE.exec(text)?.[1];
  if (remote !== undefined) return `${context.entry}: ${fromElsewhere(remote)}`;
  const starling = STARLING.exec(text);
  if (starling !== null) {
    const [, line, column, message] = starling;
    const lacking = NOT_EXPORTED.exec(message!)?.[1];
    if (lacking !== undefined) {
      return `${context.entry}: it imports ${JSON.stringify(lacking)} from a WIT interface that has no such name; ` +
        "an editor or `deno check` shows what each has";
    }
    return `${at(context, line, column)}: ${whileLoading(message!)}`;
  }
  const waiting = ASYNC_IMPORT.exec(text);
  if (waiting !== null) {
    const [, interfaceName, name] = waiting;
    return `${context.entry}: it imports ${JSON.stringify(interfaceName)}, whose "${name}" is async, and no QuickJS ` +
      'component can import such a function yet. Leave out "backend" in function.json to build for StarlingMonkey, where ' +
      "fetch() calls other servers; or write this function in another language, such as Rust";
  }
  const quickjs = QUICKJS.exec(text);
  if (quickjs !== null) {
    const [, message, line, column] = quickjs;
    return `${at(context, line, column)}: ${whileLoading(message!)}`;
  }
  return tidy(text, context) || "the build printed nothing";
}

/** What Deno takes from where it is, and a bundler only from `node_modules`. */
function fromElsewhere(id: string): string {
  const imported = `it imports "${id}", and a function's packages come from node_modules`;
  const [, registry, name, version, path = ""] = /^(jsr|npm):\/?((?:@[^/@]+\/)?[^/@]+)(@[^/]+)?(\/.*)?$/.exec(id) ?? [];
  if (name === undefined) {
    return `${imported}; install it with npm, and import it by its name, or put the file beside this`;
  }
  const install = registry === "npm" ? "npm install" : "npx jsr add";
  return `${imported}; run "${install} ${name}${version ?? ""}", and import it as "${name}${path}"`;
}

/** What only other runtimes have. QuickJS calls all that is thrown an Error. */
const ELSEWHERE = /^(?:Reference)?Error: (Deno|Bun|process|Buffer|require|__dirname)\b/;

/** What was thrown while the source was loaded. */
function whileLoading(message: string): string {
  const ours = /^(?:Type)?Error: (.*; write: .*)$/.exec(message)?.[1];
  if (ours !== undefined) return ours;
  const what = ELSEWHERE.exec(message)?.[1];
  const hint = what === undefined
    ? ""
    : `. A function has the Web's APIs and what it is granted, not those of another runtime such as ${what}`;
  return `${message} (thrown while the module was loaded, which happens at build time)${hint}`;
}

/** A place in the bundle as a place in a source. */
function at({ map, entry }: FailureContext, line?: string, column?: string): string {
  if (line === undefined || column === undefined) return entry;
  if (map === null) return `${entry}:${line}:${column}`;
  const place = SourceMap.parse(map)?.place(Number(line) - 1, Number(column) - 1);
  if (place === undefined) return entry;
  const file = place.source.replace(/^file:\/\//, "").replace(/^(\.\.\/)+/, "");
  return `${file}:${place.line + 1}:${place.column + 1}`;
}

/** The lines that are about the failure: no stack, no paths of ours, no greeting. */
function tidy(text: string, { wit }: FailureContext): string {
  const lines = text.split("\n")
    .map((line) => line.replaceAll(wit, "wit").replace(/^\(jco \w+\) /, "").trimEnd())
    .filter((line) => !/^\s+at |^\s*\d+: |^Stack backtrace:|^\s*code: "|^[{}\]]/.test(line) && line.trim() !== "");
  return lines.slice(0, 12).join("\n").slice(0, 2000);
}
