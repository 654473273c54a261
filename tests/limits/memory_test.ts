import { expect } from "@std/expect";
import { Admission } from "../../runtime/admission.ts";
import type { Engine } from "../../runtime/engine/mod.ts";
import { MemoryGate } from "../../runtime/memory.ts";
import { ENGINES, type Guest, onEachEngine, serve, type TestServer } from "../http/_serve.ts";

const MIB = 1024 * 1024;
/** 12.5 MiB more. */
const GROW = "memory?pages=200&step=100";

/** A server whose isolates may have 40 MiB together, and whoever has 30 of them. */
async function serveWithLittle(engine: Engine, limits: Guest["limits"] = {}) {
  const memory = new MemoryGate({ bytes: 40 * MIB });
  const admission = new Admission({ isolates: 100, memory });
  const guests = { grows: { fixture: "c-http", limits }, quiet: { fixture: "c-http" } } as const;
  const server: TestServer = await serve({ engine, admission, guests });
  return { server, memory, holder: memory.open({ bytes: 30 * MIB, memories: 1 }) };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 1));
}

onEachEngine(
  "a guest that grows sleeps until the process has room, and others are served meanwhile",
  async (engine) => {
    const { server, memory, holder } = await serveWithLittle(engine);
    await using _ = server;
    const growing = server.fetch(`/grows/${GROW}`);
    await until(() => memory.waiting === 1);
    expect(await (await server.fetch("/quiet/hello")).text()).toBe("hello\n");
    expect(memory.waiting).toBe(1);
    holder.close();
    expect(await (await growing).text()).toBe("grew 200\n");
    await until(() => server.runtime.tasks.size === 0);
    expect([memory.used, memory.memories, memory.refused]).toEqual([0, 0, 0]);
  },
);

onEachEngine(
  "a guest that would wait too long for memory ends at its deadline, and gives back what it had",
  async (engine) => {
    const { server, memory } = await serveWithLittle(engine, { wallMs: 100 });
    await using _ = server;
    const response = await server.fetch(`/grows/${GROW}`);
    expect([response.status, (await response.json()).error.code]).toEqual([504, "deadline-exceeded"]);
    expect([memory.used, memory.waiting]).toEqual([30 * MIB, 0]);
  },
);

onEachEngine("a caller who leaves takes a guest along that waits for memory", async (engine) => {
  const { server, memory } = await serveWithLittle(engine);
  await using _ = server;
  const caller = new AbortController();
  const growing = server.fetch(`/grows/${GROW}`, { signal: caller.signal }).catch(() => undefined);
  await until(() => memory.waiting === 1);
  caller.abort();
  await growing;
  await until(() => server.runtime.tasks.size === 0);
  expect([memory.used, memory.waiting]).toEqual([30 * MIB, 0]);
});

onEachEngine("a guest that can never have so much hears -1, and the log says who refused", async (engine) => {
  const { server, memory, holder } = await serveWithLittle(engine);
  await using _ = server;
  holder.close();
  const response = await server.fetch("/grows/memory?pages=640&step=640", { headers: { "x-request-id": "large" } });
  expect(await response.text()).toBe("refused after 0\n");
  const { fields } = await server.outcome("large");
  expect(fields!["limits"]).toEqual({ memoryMb: 1 });
  expect(server.recordsOf("large").some(({ message }) => message.includes("SKERRY_MEMORY_MB"))).toBe(true);
  expect([memory.used, memory.refused]).toEqual([0, 1]);
});

onEachEngine("isolates wait for memory like for places, and are counted while they live", async (engine) => {
  const { server, memory, holder } = await serveWithLittle(engine);
  await using _ = server;
  const other = memory.open({ bytes: 10 * MIB, memories: 1 });
  const waiting = server.fetch("/quiet/hello");
  await until(() => server.runtime.tasks.size === 1);
  await new Promise((done) => setTimeout(done, 5));
  expect([server.runtime.tasks.size, memory.memories]).toEqual([1, 2]);
  other.close();
  expect(await (await waiting).text()).toBe("hello\n");
  holder.close();
  await until(() => server.runtime.tasks.size === 0);
  expect(memory.used).toBe(0);
});

Deno.test("engines count the same memories at the beginning, once for each instance of a module", async () => {
  const bytes = await Deno.readFile(new URL("testdata/twice.wasm", import.meta.url));
  for (const engine of ENGINES) {
    const { memory } = await engine.load(bytes, { name: "twice" });
    expect([engine.name, memory]).toMatchObject([engine.name, { bytes: 2 * (16 + 2) * 65_536, memories: 4 }]);
    await expect(engine.load(bytes, { limits: { memoryMb: 2, tableElements: 10 } })).rejects.toMatchObject({
      code: "component-over-limit",
    });
  }
});
