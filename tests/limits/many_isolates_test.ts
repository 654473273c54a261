import { expect } from "@std/expect";
import { Admission } from "../../runtime/admission.ts";
import { MemoryGate } from "../../runtime/memory.ts";
import { onEachEngine, serve } from "../http/_serve.ts";

const MIB = 1024 * 1024;

onEachEngine("isolates without room to grow in answer, grow and are refused like those with it", async (engine) => {
  // Too little for the room of even one.
  const memory = new MemoryGate({ bytes: 100 * MIB, held: 16 * MIB });
  await using server = await serve({
    engine,
    admission: new Admission({ isolates: 10, memory }),
    guests: { a: { fixture: "c-http", limits: { memoryMb: 4 } }, p3: { fixture: "c-p3" } },
  });
  for (let i = 0; i < 3; i++) {
    expect(await (await server.fetch("/a/hello")).text()).toBe("hello\n");
    expect(await (await server.fetch("/a/count")).text()).toMatch(/1\b/);
    expect(await (await server.fetch("/a/memory?pages=20&step=1")).text()).toBe("grew 20\n");
    expect(await (await server.fetch("/a/memory?pages=200&step=1")).text()).toMatch(/^refused after/);
    expect(await (await server.fetch("/p3/hello")).text()).toBe("hello\n");
  }
  while (server.runtime.tasks.size > 0) await new Promise((done) => setTimeout(done, 1));
  expect([memory.used, memory.memories]).toEqual([0, 0]);
});
