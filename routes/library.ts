/**
 * Skerry inside an app of one's own: a folder of functions, or one component, as Hono has its routes.
 *
 * @module
 */
import { type Handler, Hono } from "hono";
import {
  type ComponentOptions,
  ComponentRuntime,
  type OpenOptions,
  openRuntime,
  readSettings,
} from "../runtime/mod.ts";
import { failureResponse, refuseMalformed } from "./failure.ts";
import { functionHandler } from "./functions.ts";
import { explainThrown } from "./thrown.ts";

/** What {@linkcode functions} may be told. */
export interface FunctionsOptions extends OpenOptions {
  /** Build sources, watch the folder, and show callers what an operator sees. Default: false. */
  readonly dev?: boolean;
}

/**
 * All functions of a folder, to mount on an app of one's own. Their routes begin where they are mounted; a path that is
 * none of theirs goes on to the app's next handlers. A function sees the URL as the caller sent it.
 *
 * @throws {SkerryError} `manifest-invalid`, when there is no such folder.
 *
 * @example
 * ```ts ignore
 * import { Hono } from "hono";
 * import { functions } from "./library.ts";
 *
 * const app = new Hono();
 * app.route("/", await functions("./components"));
 * ```
 */
export async function functions(directory: string, options: FunctionsOptions = {}): Promise<Hono> {
  const { dev = false, ...open } = options;
  const settings = { ...readSettings({ SKERRY_MODE: dev ? "dev" : "production" }), functions: directory };
  const runtime = await openRuntime(settings, open);
  return new Hono().all("*", functionHandler(runtime, { passOn: true, mounted: true }));
}

/**
 * One component as one handler. It sees each request as the caller sent it, and each in a fresh isolate.
 *
 * @param path The `.wasm`, from the working directory, or a file URL such as `new URL("./x.wasm", import.meta.url)`.
 * @throws {SkerryError} `manifest-invalid`, when the options are not what a `function.json` may have. A component that
 * cannot be loaded answers 503 with code `function-broken`.
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { component } from "./library.ts";
 *
 * const app = new Hono();
 * app.all("/x/*", component("./x.wasm", { grants: { http: { allow: ["https://api.example.com"] } } }));
 * ```
 */
export function component(path: string | URL, options: ComponentOptions = {}): Handler {
  const runtime = new ComponentRuntime(path, options);
  const failed = failureResponse(runtime);
  return function dispatchToComponent({ req: { raw } }): Promise<Response> | Response {
    const malformed = refuseMalformed(failed, raw);
    if (malformed !== null) return malformed;
    const answer = runtime.dispatch(runtime, raw, failed);
    return runtime.dev ? explainThrown(failed, raw, answer) : answer;
  };
}
