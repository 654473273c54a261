/**
 * A server with hostile guests, in a process of its own: if a limit does not hold, this process hangs and not the tests.
 *
 * It says where it listens, then each log record, a line of JSON each; it ends when its standard input does.
 *
 * @module
 */
import { Admission } from "../../runtime/admission.ts";
import { createJcoEngine } from "../../runtime/engine/jco/mod.ts";
import type { Engine } from "../../runtime/engine/mod.ts";
import { createNativeEngine } from "../../runtime/engine/native/mod.ts";
import type { LogRecord } from "../../runtime/log.ts";
import { answerLines, say } from "../bench/_lines.ts";
import { type Guest, serve } from "../http/_serve.ts";

/** The engines by name. */
export type EngineName = "native" | "jco";

/** What the process is to serve. */
export interface ChildSpec {
  readonly engine: EngineName;
  /** Without it, no limit on what guests compute or grow by holds. */
  readonly meter: boolean;
  /** A fixture is a name, or the URL of a component. */
  readonly guests: Readonly<Record<string, Omit<Guest, "fixture"> & { readonly fixture: string }>>;
  /** Isolates at once. */
  readonly isolates?: number;
}

/** A line that the process says. */
export type Said =
  | { readonly port: number }
  | { readonly record: LogRecord }
  /** The answer to a question: what runs. */
  | { readonly ok: ServerState };

/** What a server is busy with. */
export interface ServerState {
  readonly tasks: number;
  readonly running: number;
  readonly waiting: number;
  readonly heapMb: number;
}

function engineOf({ engine, meter }: ChildSpec): Engine {
  return engine === "native" ? createNativeEngine({ meter }) : createJcoEngine({ cacheDir: ".skerry/jco", meter });
}

async function main(spec: ChildSpec): Promise<void> {
  const admission = new Admission({ isolates: spec.isolates ?? 100 });
  const guests = Object.entries(spec.guests).map(([name, guest]) => {
    const fixture = guest.fixture.startsWith("file:") ? new URL(guest.fixture) : guest.fixture;
    return [name, { ...guest, fixture } as Guest] as const;
  });
  await using server = await serve({
    engine: engineOf(spec),
    admission,
    guests: Object.fromEntries(guests),
    onRecord: (record) => void say({ record } satisfies Said),
  });
  await say({ port: server.port } satisfies Said);
  await answerLines(() =>
    Promise.resolve({
      tasks: server.runtime.tasks.size,
      running: admission.running,
      waiting: admission.waiting,
      heapMb: Deno.memoryUsage().heapUsed / 1024 / 1024,
    })
  );
}

if (import.meta.main) {
  await main(JSON.parse(Deno.args[0]!));
  Deno.exit(0);
}
