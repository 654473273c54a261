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

const USAGE = `Usage: deno task build [--functions FOLDER] [--out FOLDER]

Builds and checks every function in components/ and puts what serving needs into ${DIST_FOLDER}/.`;

/** Builds and checks the functions in `from`, and fills `to` if every one of them is good. */
export async function prepare(from: string, to: string, engine: EngineChoice = "native"): Promise<DistFunction[]> {
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
  const problems = runtime.functions.flatMap(({ problem }) => problem === null ? [] : [problem.message]);
  for (const warning of warnings) console.warn(`warning: ${warning}`);
  if (problems.length > 0) {
    throw new SkerryError(
      "build-failed",
      `${
        problems.join("\n")
      }\nbuilding ${to}: ${problems.length} of ${runtime.functions.length} functions are broken. ` +
        `${to} is as it was.`,
    );
  }
  const functions: DistFunction[] = [];
  const host = new Host([...builtinCapabilities, ...capabilities]);
  for (const { file } of runtime.functions) {
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
      options: { functions: { type: "string" }, out: { type: "string" }, help: { type: "boolean", short: "h" } },
    });
    if (values.help) return console.log(USAGE);
    const began = performance.now();
    const to = values.out ?? DIST_FOLDER;
    const functions = await prepare(values.functions ?? "components", to, readSettings(Deno.env.toObject()).engine);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${functions.length} functions are ready in ${to}/ after ${seconds} s. Serve them: deno task start`);
  });
}
