/**
 * The components that are measured: ready in the repository, or built and cached.
 *
 * @module
 */
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "../..");

/** A component, and what it answers. */
export interface BenchComponent {
  readonly name: string;
  /** The `.wasm`, absolute; makes it if need be. */
  wasm(): Promise<string>;
  readonly path: string;
  readonly body: string;
}

/** Builds one of our own guests: an example may change for its readers, and figures could not be compared any more. */
async function built(source: string, backend: "starlingmonkey" | "quickjs"): Promise<string> {
  const { buildFunction } = await import("../../runtime/build/mod.ts");
  const dir = join(import.meta.dirname!, "guests");
  return (await buildFunction({ dir, source, backend, cacheDir: join(ROOT, ".skerry/build") })).wasm;
}

const fixture = (name: string) => () => Promise.resolve(join(ROOT, "tests/fixtures", name, `${name}.wasm`));

/** A WASI 0.2 component of 34 KB, as a compiler makes them. */
export const SMALL: BenchComponent = {
  name: "small",
  wasm: fixture("small"),
  path: "/",
  body: "hello from a small guest\n",
};

/** A WASI 0.3 component of 198 KB, as Rust's toolchain makes them. */
export const SMALL_P3: BenchComponent = {
  name: "small p3",
  wasm: fixture("rust-p3"),
  path: "/hello",
  body: "hello\n",
};

/** JavaScript inside StarlingMonkey, 14 MB, WASI 0.2. */
export const STARLING: BenchComponent = {
  name: "starling",
  wasm: () => built("starling.js", "starlingmonkey"),
  path: "/",
  body: "hello from StarlingMonkey\n",
};

/** JavaScript inside QuickJS, WASI 0.3. */
export const QUICKJS: BenchComponent = {
  name: "quickjs",
  wasm: () => built("quickjs.js", "quickjs"),
  path: "/",
  body: "hello from QuickJS\n",
};

/** A WASI 0.2 component in C that can echo. */
export const C_HTTP: BenchComponent = { name: "c-http", wasm: fixture("c-http"), path: "/echo", body: "" };

/** The same, sleeping for a second. */
export const SLEEPER: BenchComponent = {
  name: "sleep",
  wasm: fixture("c-http"),
  path: "/sleep?ms=1000",
  body: "slept 1000\n",
};

/** A WASI 0.2 component in C that gets keys. */
export const C_CAPS: BenchComponent = { name: "c-caps", wasm: fixture("c-caps"), path: "/gets", body: "" };
