// Skerry's server, the same for `deno task dev`, `deno task start`, `deno serve --parallel main.ts` and Deno Deploy.
import { capabilities } from "./components/capabilities.ts";
import { createRoutes } from "./routes/mod.ts";
import { openRuntime, readSettings, stopOnSignals } from "./runtime/mod.ts";

export const settings = readSettings(Deno.env.toObject());
export const runtime = await openRuntime(settings, { capabilities });

// The main module only under `deno serve` and on Deno Deploy; the tasks listen themselves, and so can stop more gently.
if (import.meta.main) stopOnSignals(runtime, settings);

export default { fetch: createRoutes(runtime).fetch };
