/**
 * Warming up: a server that has not served yet runs a small function of its own, so that the first one of its operator
 * does not wait until V8 has read and compiled everything that loads, links and serves a component.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { builtinCapabilities } from "../capabilities/mod.ts";
import { Dispatcher } from "../dispatcher.ts";
import type { Engine } from "../engine/mod.ts";
import { Host } from "../host.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { silentSink } from "../log.ts";
import { loadFunction } from "../runtime.ts";

/** How often it is loaded: by the second time V8 has parsed everything, by the third it has compiled what is hot. */
const ROUNDS = 3;

const WASM = fileURLToPath(new URL("warm.wasm", import.meta.url));

/**
 * Loads Skerry's own small component with `engine`, as a function without grants, and has it answer one request; some
 * rounds of that. It takes a few hundred milliseconds, and leaves nothing behind.
 *
 * @throws {SkerryError} when the component cannot be loaded.
 * @throws {Error} when it answers wrongly.
 *
 * @example
 * ```ts
 * import { nativeEngine } from "../engine/native/mod.ts";
 * import { warmUp } from "./mod.ts";
 *
 * await warmUp(nativeEngine);
 * ```
 */
export async function warmUp(engine: Engine): Promise<void> {
  // V8 compiles what reads arrays of bytes anew once the first of their buffers is detached, as one is in every server: when
  // a guest's memory grows, or a stream hands a chunk on.
  new ArrayBuffer(1).transfer();
  const host = new Host(builtinCapabilities);
  const dispatcher = new Dispatcher({ sink: silentSink });
  const grantee = { name: "warm", directory: fileURLToPath(new URL(".", import.meta.url)), grants: {}, env: {} };
  for (let round = 0; round < ROUNDS; round++) {
    const served = await loadFunction({ ...grantee, limits: DEFAULT_LIMITS, wasm: WASM }, {
      engine,
      host,
      sink: silentSink,
    });
    const request = new Request("http://localhost/warm?up", { method: "POST", body: "up\n" });
    const response = await dispatcher.dispatch(served, request, ({ error }) => {
      throw error;
    });
    const text = await response.text();
    if (response.status !== 200 || !text.endsWith(" cold\nup\n")) {
      throw new Error(`warming up: a guest that echoes answered ${response.status} with ${JSON.stringify(text)}`);
    }
  }
  await dispatcher.stop(0);
}
