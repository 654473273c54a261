/**
 * `deno task dev`: serves the functions in `components/`, builds them, and serves what changes.
 *
 * @module
 */
import { run, serveMain } from "./_serve.ts";

await run(() => serveMain("dev"));
