/**
 * Many isolates alive at once, each with a request that waits, and then none.
 *
 * @module
 */
import type { EngineChoice } from "../../runtime/settings.ts";
import type { Holdings } from "./server.ts";
import { atRest, leaks, startServer } from "./soak.ts";

export interface HeldIsolates {
  /** At rest, after the first time. */
  readonly before: Holdings;
  /** With all of them alive. */
  readonly during: Holdings;
  readonly after: Holdings;
  /** How long the second time took until all were alive and their callers had left. */
  readonly ms: number;
  readonly problems: readonly string[];
}

/** How long it may take until all are alive, for one that never comes. */
const PATIENCE_MS = 300_000;

/** How many connections are opened at a time: more than a listener's backlog are not accepted. */
const AT_ONCE = 64;

/** Makes `count` requests that wait for ever, and when each has its isolate, ends them; and that once more. */
export async function holdIsolates(
  count: number,
  options: { readonly engine?: EngineChoice; readonly compareMemory?: boolean } = {},
): Promise<HeldIsolates> {
  const limits = { isolates: count + 10, wallMs: 3_600_000 };
  const { child, port } = await startServer({
    engine: options.engine ?? "native",
    functions: { c: { fixture: "c-http", limits } },
    isolates: count + 10,
    memoryMb: 65_536,
  });
  const connections: Deno.TcpConn[] = [];
  try {
    const request = async (path: string) => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      connections.push(connection);
      await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nhost: soak.test\r\n\r\n`));
      return connection;
    };
    await (await request("/c/hello")).read(new Uint8Array(1000));
    connections.pop()!.close();
    const problems: string[] = [];
    const hold = async () => {
      while (connections.length < count) {
        const some = Math.min(AT_ONCE, count - connections.length);
        await Promise.all(Array.from({ length: some }, () => request("/c/never")));
      }
      const until = performance.now() + PATIENCE_MS;
      let during = await child.ask<Holdings>("now");
      while (during.isolates < count && performance.now() < until) during = await child.ask<Holdings>("now");
      if (during.isolates < count) problems.push(`${during.isolates} of ${count} isolates are alive`);
      for (const connection of connections.splice(0)) connection.close();
      return during;
    };
    // What so many need of the host's own is there after the first time, and must not grow with the second.
    await hold();
    const before = await atRest(child);
    const began = performance.now();
    const during = await hold();
    const ms = performance.now() - began;
    const after = await atRest(child);
    problems.push(...leaks(before, after, options.compareMemory ?? true));
    return { before, during, after, ms, problems };
  } finally {
    for (const connection of connections) connection.close();
    await child.stop();
  }
}
