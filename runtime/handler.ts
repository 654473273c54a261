/**
 * Which HTTP handler a component exports, and how it is called.
 *
 * @module
 */
import { serveP2 } from "./capabilities/http/serve_p2.ts";
import { serveP3 } from "./capabilities/http/serve_p3.ts";
import { serveSpin } from "./capabilities/http/spin.ts";
import type { ImportedInterface, InterfaceName, Isolate, LinkedComponent, LoadedComponent } from "./engine/mod.ts";
import { SkerryError } from "./errors.ts";
import type { Exchange, HttpRequest } from "./http/message.ts";
import type { Limits } from "./limits.ts";
import type { MemoryNeed } from "./memory.ts";

/** A function, linked and ready to serve. */
export interface ServedFunction {
  readonly name: string;
  /** The functions in front of it, outermost first, by name; none if left out. */
  readonly middleware?: readonly string[];
  /** Whether it can stand in front of others. Default: false. */
  readonly handsOn?: boolean;
  /** What its component imports, and what it was granted, for who asks about it. */
  readonly imports?: readonly ImportedInterface[];
  readonly granted?: readonly string[];
  readonly linked: LinkedComponent;
  readonly handler: Handler;
  readonly limits: Limits;
  /** What an isolate has from the start, as far as the engine knows. */
  readonly memory?: MemoryNeed;
}

/** The HTTP handler that a component exports. */
export interface Handler {
  readonly interface: InterfaceName;
  readonly serve: (
    isolate: Isolate,
    interfaceName: InterfaceName,
    request: HttpRequest,
  ) => Exchange;
}

const HANDLERS: readonly [prefix: string, serve: Handler["serve"]][] = [
  ["wasi:http/incoming-handler@0.2.", serveP2],
  ["wasi:http/handler@0.3.", serveP3],
  ["fermyon:spin/inbound-http", serveSpin],
];

/**
 * The handler that `component` exports.
 *
 * @throws {SkerryError} `component-no-handler`.
 */
export function findHandler(
  component: Pick<LoadedComponent, "exports">,
  name: string,
): Handler {
  for (const [prefix, serve] of HANDLERS) {
    const found = component.exports.find((exported) => exported.startsWith(prefix));
    if (found !== undefined) return { interface: found, serve };
  }
  throw new SkerryError(
    "component-no-handler",
    `loading ${name}: it exports ${
      component.exports.join(", ") || "nothing"
    }, but serving HTTP needs wasi:http/incoming-handler@0.2.x or wasi:http/handler@0.3.0. ` +
      "Build it for the world wasi:http/proxy (0.2) or wasi:http/service (0.3).",
  );
}
