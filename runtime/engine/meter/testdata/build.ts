/**
 * Builds the modules of this folder from their sources, after these have changed:
 *
 * ```sh
 * deno run -A runtime/engine/meter/testdata/build.ts
 * ```
 *
 * That needs clang 14 with wasm-ld (Debian: `clang lld`), wasm-tools 1.263.0 (`cargo install wasm-tools@1.263.0`), and
 * wat2wasm (Debian: `wabt`) for the exceptions of before 2025, which wasm-tools does not write any more.
 *
 * @module
 */
const here = new URL("./", import.meta.url);

async function run(command: string, ...args: string[]): Promise<void> {
  const { success } = await new Deno.Command(command, { args, cwd: here, stdout: "inherit", stderr: "inherit" })
    .output();
  if (!success) throw new Error(`building the meter's test modules: ${command} ${args.join(" ")} failed`);
}

const FLAGS = ["-O2", "--target=wasm32", "-nostdlib", "-fno-builtin", "-Wall", "-Wl,--no-entry", "-Wl,--strip-debug"];

for await (const { name } of Deno.readDir(new URL("kernels/", here))) {
  if (name.endsWith(".c")) await run("clang", ...FLAGS, "-o", `kernels/${name.slice(0, -2)}.wasm`, `kernels/${name}`);
}
for await (const { name } of Deno.readDir(here)) {
  if (!name.endsWith(".wat")) continue;
  const to = `${name.slice(0, -4)}.wasm`;
  if (name === "spins_legacy.wat") await run("wat2wasm", "--enable-exceptions", name, "-o", to);
  else await run("wasm-tools", "parse", name, "-o", to);
}
