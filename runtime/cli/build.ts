/**
 * `deno task build`: prepares every function into `dist/`, so that serving builds, compiles and writes nothing more.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { capabilities } from "../../components/capabilities.ts";
import { buildDist, buildFunction, type Built, type DistFunction } from "../build/mod.ts";
import { builtinCapabilities } from "../capabilities/mod.ts";
import { SkerryError } from "../errors.ts";
import { Host } from "../host.ts";
import { silentSink } from "../log.ts";
import { MANIFEST_FILE } from "../manifest.ts";
import { defaultEngine, DIST_FOLDER, loadAll } from "../open.ts";
import { type EngineChoice, readSettings } from "../settings.ts";
import { FunctionRuntime } from "../runtime.ts";
import { run } from "./_serve.ts";

const USAGE = `Usage: deno task build [--functions FOLDER] [--out FOLDER] [--skip-broken]

Builds and checks every function in components/ and puts what serving needs into ${DIST_FOLDER}/. When one is broken, the
others are built all the same, the broken ones are listed, and ${DIST_FOLDER}/ stays as it was.

  --functions FOLDER   where the functions are, instead of components/
  --out FOLDER         what to fill, instead of ${DIST_FOLDER}/
  --skip-broken        fill it with the functions that are good, without the broken ones`;

/** How {@linkcode prepare} goes about it. */
export interface PrepareOptions {
  /** Default: `native`. */
  readonly engine?: EngineChoice;
  /** Leave broken functions out, with a warning for each, instead of failing. Default: false. */
  readonly skipBroken?: boolean;
}

/**
 * Builds and checks the functions in `from`, and fills `to`. Those that are good are built even if others are not, so that
 * their builds are there the next time; but `to` is changed only as a whole.
 *
 * @throws {SkerryError} `build-failed`, with what is wrong with each function that is broken.
 */
export async function prepare(from: string, to: string, options: PrepareOptions = {}): Promise<DistFunction[]> {
  const { engine = "native", skipBroken = false } = options;
  const built = new Map<string, Built>();
  const warnings: string[] = [];
  const runtime = new FunctionRuntime({
    directory: from,
    engine: defaultEngine({ engine }),
    capabilities,
    lazy: true,
    sink: (record) => record.level === "warn" ? warnings.push(record.message) : silentSink(record),
    build: async ({ manifest: { source }, directory }) => {
      if (source.kind !== "script") return join(directory, source.path);
      const { path, backend, wit, world } = source;
      const result = await buildFunction({
        dir: directory,
        source: path,
        backend,
        wit,
        world,
        onProgress: ({ step, source, ms }) =>
          step === "building"
            ? console.log(`  ${source} …`)
            : step === "built" && console.log(`  ${source}: built in ${ms} ms`),
      });
      built.set(basename(directory), result);
      return result.wasm;
    },
  });
  await runtime.scan();
  await loadAll(runtime);
  const broken = runtime.functions.flatMap(({ name, problem }) => problem === null ? [] : [{ name, problem }]);
  const good = runtime.functions.filter(({ problem }) => problem === null);
  for (const warning of warnings) console.warn(`warning: ${warning}`);
  if (broken.length > 0) {
    const problems = broken.map(({ problem }) => problem.message).join("\n");
    const count = `${broken.length} of ${runtime.functions.length} functions`;
    const names = broken.map(({ name }) => name).join(", ");
    const [are, them] = broken.length === 1 ? ["is", "it"] : ["are", "them"];
    if (!skipBroken || good.length === 0) {
      throw new SkerryError(
        "build-failed",
        `${problems}\nbuilding ${to}: ${count} ${are} broken (${names}), and ${to} is as it was. ` +
          `Mend ${them}, or leave ${them} out with --skip-broken.`,
      );
    }
    console.warn(`${problems}\nwarning: ${count} ${are} broken, and left out: ${names}`);
  }
  const functions: DistFunction[] = [];
  const host = new Host([...builtinCapabilities, ...capabilities]);
  for (const { file } of good) {
    const directory = dirname(file);
    const folder = basename(directory);
    const manifest = JSON.parse(await Deno.readTextFile(join(directory, MANIFEST_FILE)));
    const made = built.get(folder);
    const paths = host.pathsOf({ name: manifest.name, grants: manifest.grants ?? {} });
    functions.push({
      folder,
      manifest,
      wasm: made?.wasm ?? join(directory, manifest.source),
      map: made?.map ?? null,
      granted: { directory, paths },
    });
  }
  await buildDist(functions, to, { jco: engine === "jco" ? "all" : "needed" });
  return functions;
}

if (import.meta.main) {
  await run(async () => {
    const { values } = parseArgs({
      args: Deno.args,
      options: {
        functions: { type: "string" },
        out: { type: "string" },
        "skip-broken": { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) return console.log(USAGE);
    const began = performance.now();
    const to = values.out ?? DIST_FOLDER;
    const { engine } = readSettings(Deno.env.toObject());
    const skipBroken = values["skip-broken"] ?? false;
    const functions = await prepare(values.functions ?? "components", to, { engine, skipBroken });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const ready = functions.length === 1 ? "1 function is" : `${functions.length} functions are`;
    console.log(`${ready} ready in ${to}/ after ${seconds} s. Serve: deno task start`);
  });
}
