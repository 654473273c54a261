/**
 * A listening server, and how it ends.
 *
 * @module
 */
import { SkerryError } from "./errors.ts";
import type { Runtime } from "./runtime.ts";
import type { Settings } from "./settings.ts";

/** Answers requests, as Hono's and Deno's own `fetch` do. */
export type FetchHandler = (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response>;

/** After the last response is complete, for the kernel to get its last bytes: there is no event that says so. */
const FLUSH_MS = 100;

/** How often a thread with requests tells its siblings that it is not done. */
const BUSY_EVERY_MS = 50;

/** After so long without a word no sibling has requests, even if some guest kept it from speaking for a while. */
const SILENCE_MS = 500;

/** After how long it is tried again to listen. */
const AGAIN_MS = 50;

/** How often it is told that no connection could be accepted. */
const TOLD_EVERY_MS = 10_000;

/** A server that listens. */
export type Listening = Pick<Deno.HttpServer<Deno.NetAddr>, "addr" | "shutdown">;

/**
 * Listens as the settings say, until it is shut down: where the system has no file left for a connection, Deno's server ends,
 * and callers who open connections and say nothing would end the process. Another takes its place, and the first closes the
 * connections that nothing was asked on, when what it answers is done.
 *
 * @param tell Hears why a server has ended.
 * @throws {SkerryError} `setting-invalid`, when the address is not to be had.
 */
export function listen(fetch: FetchHandler, settings: Settings, tell: (message: string) => void = () => {}): Listening {
  const first = open(fetch, settings);
  const { addr } = first;
  const servers = new Set<Listening>();
  let stopping = false;
  let toldAt = -Infinity;
  function watch(server: Deno.HttpServer<Deno.NetAddr>): void {
    servers.add(server);
    server.finished.catch(async (error) => {
      if (performance.now() - toldAt > TOLD_EVERY_MS) {
        toldAt = performance.now();
        tell(`accepting a connection: ${error.message}. Allow more open files (ulimit -n), or bound who connects.`);
      }
      server.shutdown().catch(() => {}).then(() => servers.delete(server));
      while (!stopping) {
        await sleep(AGAIN_MS);
        try {
          if (!stopping) watch(Deno.serve({ port: addr.port, hostname: settings.host, onListen: () => {} }, fetch));
          return;
        } catch {
          // There may be no file for that either.
        }
      }
    });
  }
  watch(first);
  return {
    addr,
    async shutdown() {
      stopping = true;
      await Promise.all([...servers].map((server) => server.shutdown().catch(() => {})));
    },
  };
}

function open(fetch: FetchHandler, settings: Settings): Deno.HttpServer<Deno.NetAddr> {
  const { port, host: hostname } = settings;
  const where = `listening on ${hostname}, port ${port}`;
  try {
    return Deno.serve({ port, hostname, onListen: () => {} }, fetch);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new SkerryError("setting-invalid", `${where}: another program has it. Set PORT to a port that is free.`);
    }
    if (error instanceof Deno.errors.NotCapable) throw error;
    // What is left, such as a name that has no address, comes in classes of its own or in none.
    const why = error instanceof Error ? error.message : error;
    throw new SkerryError("setting-invalid", `${where}: ${why}. Set PORT and SKERRY_HOST to others.`, { cause: error });
  }
}

/** The address of a server for people: a name that a browser can be pointed at. */
export function shownUrl({ addr }: Listening): string {
  const everywhere = addr.hostname === "0.0.0.0" || addr.hostname === "::" || addr.hostname === "127.0.0.1";
  const host = everywhere ? "localhost" : addr.hostname.includes(":") ? `[${addr.hostname}]` : addr.hostname;
  return `http://${host}:${addr.port}/`;
}

/**
 * Ends the process on SIGINT or SIGTERM: no new requests, the running ones finish within `stopGraceMs`. A second signal
 * ends it at once.
 *
 * @param server Left out under `deno serve`, which keeps its server to itself.
 */
export function stopOnSignals(
  runtime: Pick<Runtime, "stop">,
  { stopGraceMs }: Pick<Settings, "stopGraceMs">,
  server?: Pick<Deno.HttpServer, "shutdown">,
): void {
  let stopping = false;
  async function stop(): Promise<void> {
    if (stopping) Deno.exit(130);
    stopping = true;
    const closed = server?.shutdown();
    const stopped = runtime.stop(stopGraceMs);
    // The server says when its last byte is gone, but a caller who keeps a connection open does not keep the process.
    if (closed === undefined) await siblings(stopped);
    else await stopped.then(() => Promise.race([closed, sleep(FLUSH_MS)]));
    const left = await stopped;
    if (left > 0) console.error(`stopped, and ended ${left} requests that ran on after ${stopGraceMs} ms`);
    Deno.exit(0);
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    try {
      Deno.addSignalListener(signal, stop);
    } catch {
      // Windows has no SIGTERM, Deno Deploy has no signals.
    }
  }
}

/**
 * Waits for this thread's requests, and for those of its siblings under `deno serve --parallel`: whichever thread exits
 * first takes all with it. A thread that has requests says so again and again; where it is silent, none has.
 */
async function siblings(stopped: Promise<unknown>): Promise<void> {
  const channel = new BroadcastChannel("skerry-stop");
  let heard = performance.now();
  channel.onmessage = () => heard = performance.now();
  const busy = setInterval(() => channel.postMessage("busy"), BUSY_EVERY_MS);
  await stopped;
  await sleep(FLUSH_MS);
  clearInterval(busy);
  while (performance.now() - heard < SILENCE_MS) await sleep(BUSY_EVERY_MS);
  channel.close();
}

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
