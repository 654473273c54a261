import { expect } from "@std/expect";
import { HostileServer } from "./_server.ts";

const fixture = new URL("guests/fields_held.wasm", import.meta.url);

Deno.test("what guests hold of the host does not fill its heap, which would end the process", async () => {
  await using server = await HostileServer.start({
    engine: "native",
    heapMb: 700,
    guests: { holds: { fixture, limits: { cpuMs: 3_600_000, wallMs: 3_600_000 } }, quiet: { fixture: "c-http" } },
  });
  for (const id of ["first", "second"]) {
    const { status } = await server.get("/holds/", { headers: { "x-request-id": id } });
    const { message } = await server.outcome(id);
    expect([status, message]).toEqual([500, expect.stringMatching(/no room for what it holds: \d+ of the process's/)]);
    expect(await server.get("/quiet/hello")).toEqual({ status: 200, body: "hello\n" });
  }
});
