/**
 * `deno task conformance FOLDER`: executes the `.wast` files of a folder on an engine. Needs wasm-tools on PATH.
 *
 * @module
 */
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { convert, scriptsUnder } from "./commands.ts";
import { type Outcome, sortOf } from "./execute.ts";
import { knownDifference } from "./known.ts";
import { type FileReport, render } from "./report.ts";

const HELP = `deno task conformance FOLDER [options]

  FOLDER            .wast files, in it and in folders below, or one such file
  --engine NAME     native (the default) or jco
  --filter TEXT     only files whose path contains it
  --verbose         say of each command how it went, not only of those that failed
  --json FILE       write the outcome of each command
`;

/** No script takes longer, or it hangs: one of jco's components takes seconds to prepare. */
const SCRIPT_MS = { native: 60_000, jco: 300_000 };

async function runScript(path: string, name: string, engine: keyof typeof SCRIPT_MS): Promise<FileReport> {
  const folder = await Deno.makeTempDir({ prefix: "skerry-conformance-" });
  try {
    let script;
    try {
      script = await convert(path, folder);
    } catch (error) {
      return { path: name, outcomes: [], skipped: (error as Error).message };
    }
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", join(import.meta.dirname!, "child.ts"), engine, folder],
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(SCRIPT_MS[engine]),
    });
    const { stdout, stderr, signal, code } = await child.output();
    const outcomes = new TextDecoder().decode(stdout).split("\n").filter((line) => line.endsWith("}"))
      .map((line) => withoutKnown(path, JSON.parse(line)));
    const left = script.commands.slice(outcomes.length);
    const last = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
    const reason = signal === null
      ? `its process ended with ${code}: ${last}`
      : `its process was killed: ${SCRIPT_MS[engine]} ms were over`;
    for (const { line, type } of left) outcomes.push({ line, type, sort: sortOf(type), status: "failed", reason });
    return { path: name, outcomes };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A failure for which there is a reason is skipped, with the reason. */
function withoutKnown(path: string, outcome: Outcome): Outcome {
  const why = outcome.status === "failed" ? knownDifference(path, outcome.reason!) : undefined;
  return why === undefined ? outcome : { ...outcome, status: "skipped", reason: why };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      engine: { type: "string", default: "native" },
      filter: { type: "string", default: "" },
      json: { type: "string" },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [folder] = positionals;
  const { engine } = values;
  if (values.help || folder === undefined || engine !== "native" && engine !== "jco") {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const files: FileReport[] = [];
  for (const path of await scriptsUnder(folder)) {
    if (!path.includes(values.filter)) continue;
    files.push(await runScript(path, relative(folder, path) || path, engine));
  }
  console.log(render(files, { verbose: values.verbose }));
  if (values.json !== undefined) await Deno.writeTextFile(values.json, JSON.stringify({ engine, files }, null, 2));
  return files.some((file) => file.outcomes.some(({ status }) => status === "failed")) ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
