import { expect } from "@std/expect";
import { onEachEngine, serve } from "./_serve.ts";

onEachEngine("a request whose time is up just as its place comes free ends for that reason", async (engine) => {
  // Time enough for a guest that answers.
  const limits = { isolates: 1, wallMs: 3000 };
  await using server = await serve({ engine, guests: { "c-http": { fixture: "c-http", limits } } });
  await (await server.request("/c-http/hello")).text();
  const answers = ["a", "b", "c"].map((id) => server.request("/c-http/never", { headers: { "x-request-id": id } }));
  for (const answer of answers) await (await answer).body?.cancel();
  for (const id of ["a", "b", "c"]) {
    expect([id, (await server.outcome(id)).fields?.["code"]]).toEqual([id, "deadline-exceeded"]);
  }
  expect(await (await server.request("/c-http/hello")).text()).toContain("hello");
});
