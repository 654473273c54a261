// main.ts as `deno serve` and Deno Deploy run it: they take its default export, and listen themselves.
import { expect } from "@std/expect";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFolder } from "./_folder.ts";
import { Server, writeFunction } from "./_server.ts";
import { fixturePath } from "./fixtures/mod.ts";

const MAIN = new URL("../main.ts", import.meta.url).href;
const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

for (const flags of [["--parallel"], []]) {
  Deno.test(`deno serve ${[...flags, "main.ts"].join(" ")} serves, and ends well at SIGTERM`, async () => {
    await withFolder(async (directory) => {
      await writeFunction(join(directory, "guest"), [{ path: "/*" }], await fixturePath("c-http"));
      const permissions = ["--allow-net", "--allow-read", "--allow-env"];
      const args = ["serve", ...permissions, "--host=127.0.0.1", "--port=0", "--config", CONFIG, ...flags, MAIN];
      await using server = Server.run(args, directory, { env: { SKERRY_FUNCTIONS: directory, DENO_JOBS: "2" } });
      const url = await server.url("/sleep");
      // Every thread has to be there before one of them is asked to stop.
      await server.saw(flags.length > 0 ? /ready after[^]*ready after/ : /ready after/);
      const texts = await Promise.all(Array.from({ length: 20 }, async () => {
        return await (await fetch(`${url}?ms=20`)).text();
      }));
      expect(texts.every((text) => text.startsWith("slept"))).toBe(true);
      const path = "/response-then-continue?chunks=3&ms=100";
      const running = await fetch(url.replace("/sleep", path), { headers: { connection: "close" } });
      server.stop();
      expect(await running.text()).toMatch(/piece 2/);
      expect((await server.status).code).toBe(0);
    });
  });
}
