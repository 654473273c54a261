/**
 * The server that is soaked, a process of its own: functions in a folder, behind the same routes and limits as any, with a
 * log that is counted and dropped. It says where it listens, and then answers what it holds until its input ends.
 *
 * @module
 */
import { join } from "node:path";
import { createRoutes } from "../../routes/mod.ts";
import { Admission } from "../../runtime/admission.ts";
import { ConnectionGate } from "../../runtime/capabilities/http/mod.ts";
import { MemoryGate } from "../../runtime/memory.ts";
import { defaultEngine } from "../../runtime/open.ts";
import { FunctionRuntime } from "../../runtime/runtime.ts";
import type { EngineChoice } from "../../runtime/settings.ts";
import { answerLines, say } from "../bench/_lines.ts";
import { type Fixture, fixturePath } from "../fixtures/mod.ts";

/** What it serves, by the first part of the path. */
export interface SoakSpec {
  readonly engine: EngineChoice;
  readonly functions: Readonly<
    Record<
      string,
      {
        /** Or the URL of its component. */
        readonly fixture: Fixture | `file:${string}`;
        readonly limits?: Readonly<Record<string, number>>;
        readonly grants?: Readonly<Record<string, unknown>>;
      }
    >
  >;
  /** Isolates at once in the process. */
  readonly isolates: number;
  readonly memoryMb: number;
}

/** What the process holds. */
export interface Holdings {
  readonly rssMb: number;
  readonly heapMb: number;
  /** Open files and sockets; 0 where the system does not say. */
  readonly descriptors: number;
  readonly tasks: number;
  readonly isolates: number;
  readonly waiting: number;
  /** Bytes of linear memory that isolates have. */
  readonly memory: number;
  /** Memories that are not collected yet. */
  readonly memories: number;
  /** Log records so far. */
  readonly records: number;
  /** Of the requests that it has sent to itself: how many have been answered, and how many otherwise than they should. */
  readonly answered: number;
  readonly wrong: number;
}

/** Requests that the process is to send to itself, all at once. */
export interface OwnRequests {
  readonly send: number;
  /** It ends in the URL of the upstream, which answers with its path. */
  readonly path: string;
  readonly origin: string;
}

async function descriptors(): Promise<number> {
  try {
    return (await Array.fromAsync(Deno.readDir("/proc/self/fd"))).length;
  } catch {
    return 0;
  }
}

const collect = (globalThis as { gc?: () => void }).gc;

/** A full collection, and a turn for those who hear of it. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    collect?.();
    await new Promise((done) => setTimeout(done, 20));
  }
}

async function main({ engine, functions, isolates, memoryMb }: SoakSpec): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "skerry-soak-" });
  for (const [name, { fixture, limits = {}, grants = {} }] of Object.entries(functions)) {
    await Deno.mkdir(join(directory, name));
    const component = fixture.startsWith("file:") ? new URL(fixture) : await fixturePath(fixture as Fixture);
    await Deno.copyFile(component, join(directory, name, "guest.wasm"));
    const manifest = { name, routes: [{ path: `/${name}/*` }], source: "guest.wasm", limits, grants };
    await Deno.writeTextFile(join(directory, name, "function.json"), JSON.stringify(manifest));
  }
  const memory = new MemoryGate({ bytes: memoryMb * 1024 * 1024, memories: Math.max(5500, isolates) });
  const admission = new Admission({ isolates, memory });
  let records = 0;
  const runtime = new FunctionRuntime({
    directory,
    engine: defaultEngine({ engine }),
    admission,
    // One for each isolate of any function.
    connections: new ConnectionGate({ most: 2 * isolates }),
    sink: () => records++,
  });
  await runtime.scan();
  await Deno.remove(directory, { recursive: true });
  const broken = runtime.functions.find(({ problem }) => problem !== null);
  if (broken !== undefined) throw broken.problem;
  const app = createRoutes(runtime);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
  await say({ port: server.addr.port });
  const own = { answered: 0, wrong: 0 };
  const send = async (path: string, right: string) => {
    const text = await Promise.resolve(app.request(`http://soak.test${path}`)).then((response) => response.text());
    own.answered++;
    if (text !== right) own.wrong++;
  };
  const sendAll = async ({ send: count, path, origin }: OwnRequests) => {
    for (let i = 0; i < count; i++) {
      send(path + encodeURIComponent(`${origin}/${i}`), `/${i}`).catch(() => own.wrong++);
      // More connections at once than a listener keeps in its backlog would be tried again by the kernel, minutes later.
      if (i % 200 === 199) await new Promise((done) => setTimeout(done, 20));
    }
  };
  await answerLines(async (question): Promise<Holdings> => {
    if (question === "settled") await settle();
    if (typeof question === "object") {
      sendAll(question as OwnRequests);
    }
    const open = await descriptors();
    const { rss, heapUsed } = Deno.memoryUsage();
    return {
      ...own,
      rssMb: rss / 1e6,
      heapMb: heapUsed / 1e6,
      descriptors: open,
      tasks: runtime.tasks.size,
      isolates: admission.running,
      waiting: admission.waiting,
      memory: memory.used,
      memories: memory.existing,
      records,
    };
  });
  Deno.exit(0);
}

if (import.meta.main) {
  try {
    await main(JSON.parse(Deno.args[0]!));
  } catch (error) {
    await say({ error: error instanceof Error ? error.message : String(error) });
    Deno.exit(1);
  }
}
