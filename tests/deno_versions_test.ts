// The oldest Deno that Skerry serves on, which is the one that Deno Deploy documents.
import { expect } from "@std/expect";
import { otherDeno } from "./_deno.ts";
import { commandOf, filesIn, prepared, Server } from "./_server.ts";

const VERSION = "2.5.0";
const deno = await otherDeno(VERSION);

for (const engine of ["native", "jco"] as const) {
  Deno.test({
    name: `${engine}: deno task start serves on Deno ${VERSION}${
      "missing" in deno ? `: skipped, ${deno.missing}` : " with its three permissions"
    }`,
    ignore: "missing" in deno,
    async fn() {
      if ("missing" in deno) return;
      expect((await commandOf("start")).filter((word) => word.startsWith("-"))).toEqual([
        "--allow-net",
        "--allow-read",
        "--allow-env",
      ]);
      await prepared(async (directory) => {
        const before = await filesIn(directory);
        const options = { deno: deno.path, env: { SKERRY_ENGINE: engine } };
        await using server = await Server.start("start", directory, options);
        const url = await server.url("/");
        const get = async (path: string, init?: RequestInit) => await (await fetch(new URL(path, url), init)).text();
        for (const at of ["", "p3/"]) {
          expect(await get(`${at}hello`)).toBe("hello\n");
          const body = "0123456789".repeat(100_000);
          expect(await get(`${at}echo`, { method: "POST", body })).toBe(body);
          const asleep = await Promise.all(Array.from({ length: 20 }, () => get(`${at}sleep?ms=50`)));
          expect(asleep.every((text) => text.startsWith("slept"))).toBe(true);
          expect(JSON.parse(await get(`${at}trap`)).error.code).toBe("guest-trapped");
        }
        server.stop();
        expect((await server.status).code).toBe(0);
        expect(server.output).not.toMatch(/warn|deprecat|unstable/i);
        expect(await filesIn(directory)).toEqual(before);
      }, engine);
    },
  });
}
