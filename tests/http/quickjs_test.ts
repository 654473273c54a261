/**
 * Functions of WASI 0.3 in TypeScript that call other servers, and that stand in front of others.
 *
 * @module
 */
import { expect } from "@std/expect";
import { onEachEngine, serve } from "./_serve.ts";

onEachEngine(
  "a function on QuickJS calls other servers, with bodies both ways, and several at once",
  async (engine) => {
    await using server = await serve({
      engine,
      guests: (origin) => ({
        out: { fixture: "qjs-out", grants: { http: { allow: [origin] } } },
        api: { fixture: "c-http" },
      }),
    });
    const ask = async (path: string, port = server.port) => {
      const answer = await server.fetch(`/out/${path}`, { headers: { "x-to": String(port), "x-request-id": path } });
      return [answer.status, await answer.text()];
    };
    expect(await ask("get")).toEqual([200, "hello\n"]);
    expect(await ask("post")).toEqual([200, "one two"]);
    expect(await ask("both")).toEqual([200, "200,200"]);
    expect(await ask("get", 1)).toEqual([502, expect.stringMatching(/^HTTP-request-denied/i)]);
  },
);

onEachEngine("a function on QuickJS stands in front of another, and hears what failed behind it", async (engine) => {
  await using server = await serve({
    engine,
    guests: { front: { fixture: "qjs-out" }, api: { fixture: "c-http", middleware: ["front"] } },
  });
  expect(await (await server.fetch("/api/hello")).text()).toBe("hello\n");
  const body = "abc".repeat(50_000);
  expect(await (await server.fetch("/api/echo", { method: "POST", body })).text()).toBe(body);
  const trap = await server.fetch("/api/trap");
  expect([trap.status, await trap.text()]).toEqual([502, expect.stringMatching(/^internal-error: guest-trapped/)]);
});
