/**
 * `deno task start`: serves what `deno task build` has prepared. Builds nothing, writes nothing.
 *
 * @module
 */
import { run, serveMain } from "./_serve.ts";

await run(() => serveMain("production"));
