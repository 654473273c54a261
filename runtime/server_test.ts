import { expect } from "@std/expect";
import { listen } from "./server.ts";
import { readSettings } from "./settings.ts";

const answer = () => new Response();

Deno.test("an address that is taken, or that is none, is refused with the settings to change", async () => {
  const settings = { ...readSettings({}), host: "127.0.0.1" };
  const first = listen(answer, { ...settings, port: 0 });
  expect(() => listen(answer, { ...settings, port: first.addr.port })).toThrow(
    `listening on 127.0.0.1, port ${first.addr.port}: another program has it. Set PORT to a port that is free.`,
  );
  await first.shutdown();
  expect(() => listen(answer, { ...settings, host: "::g", port: 0 })).toThrow(
    /^listening on ::g, port 0: .*\. Set PORT and SKERRY_HOST to others\.$/,
  );
});
