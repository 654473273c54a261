/**
 * As much of Deno Deploy as can be had here: its runtime serves `export default { fetch }` itself, lets nothing be written
 * or started, and makes no code from strings. What was built before is all there is.
 *
 * @module
 */
import { expect } from "@std/expect";
import { fileURLToPath } from "node:url";
import { filesIn, prepared, Server } from "./_server.ts";

const root = new URL("../", import.meta.url);

/** What Deno Deploy sets. */
const DEPLOY = { DENO_DEPLOY: "1", DENO_DEPLOYMENT_ID: "test-1", DENO_REGION: "test" };

/** Tells of all that main.ts may not do there: each attempt is an error, and so is in the output. */
const WATCH = `
const refuse = (owner, name) => {
  Object.defineProperty(owner, name, { value() { console.error("REFUSED " + name); throw new Error("not on Deploy"); } });
};
for (const name of ["dlopen", "Command", "writeFile", "writeTextFile", "writeFileSync", "writeTextFileSync", "mkdir",
  "mkdirSync", "rename", "renameSync", "remove", "removeSync", "listen", "addSignalListener"]) refuse(Deno, name);
refuse(globalThis, "Worker");
`;

Deno.test("main.ts serves what was built as Deno Deploy has it: nothing written, started or made from strings", async () => {
  await prepared(async (directory) => {
    const watch = `${directory}/watch.js`;
    await Deno.writeTextFile(watch, WATCH);
    const before = await filesIn(directory);
    await using server = Server.run(
      [
        "serve",
        "--port=0",
        "--host=127.0.0.1",
        `--config=${fileURLToPath(new URL("deno.json", root))}`,
        "--allow-net",
        "--allow-read",
        "--allow-env",
        "--deny-write",
        "--deny-run",
        "--deny-ffi",
        "--v8-flags=--disallow-code-generation-from-strings",
        `--preload=${watch}`,
        new URL("main.ts", root).href,
      ],
      directory,
      { env: DEPLOY },
    );
    // Its warm-up: whatever the answer, there is one.
    expect((await (await fetch(await server.url("/"))).text()).length).toBeGreaterThan(0);
    for (const path of ["/hello", "/p3/hello"]) {
      const answer = await fetch(await server.url(path), { headers: { "x-request-id": "d1" } });
      expect([path, answer.status, answer.headers.get("x-request-id"), await answer.text()]).toEqual([
        path,
        200,
        "d1",
        "hello\n",
      ]);
    }
    const body = "x".repeat(100_000);
    const echo = await fetch(await server.url("/echo"), { method: "POST", body });
    expect(await echo.text()).toBe(body);
    const slept = await Promise.all(["/sleep?ms=20", "/p3/sleep?ms=20"].map(async (path) => {
      return await (await fetch(await server.url(path))).text();
    }));
    for (const text of slept) expect(text).toMatch(/^slept/);
    const trap = await fetch(await server.url("/trap"));
    expect([trap.status, (await trap.json()).error.code]).toEqual([500, "guest-trapped"]);
    expect(await filesIn(directory)).toEqual(before);
    expect(server.output).not.toMatch(/REFUSED (?!addSignalListener)|NotCapable|Code generation/);
  });
});

Deno.test("what Deno Deploy may not do is noticed here", async () => {
  await prepared(async (directory) => {
    const watch = `${directory}/watch.js`;
    await Deno.writeTextFile(watch, WATCH);
    const script = `${directory}/bad.js`;
    await Deno.writeTextFile(
      script,
      `try { new Function("return 1")(); } catch (error) { console.log(String(error)); }
       try { Deno.writeTextFileSync("x", "y"); } catch {}
       console.log("listening at http://localhost/");`,
    );
    const flags = ["--v8-flags=--disallow-code-generation-from-strings", `--preload=${watch}`];
    await using server = Server.run(["run", ...flags, script], directory);
    await server.url("/");
    expect(server.output).toMatch(/Code generation from strings disallowed/);
    expect(server.output).toMatch(/REFUSED writeTextFileSync/);
  });
});

Deno.test("deno.json tells Deno Deploy how to install, build and start what is here", async () => {
  const { deploy, tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  expect(deploy.install).toBe("npm install");
  expect(Object.keys(tasks)).toContain(/^deno task (\w+)$/.exec(deploy.build)?.[1]);
  const entry = await Deno.readTextFile(new URL(deploy.runtime.entrypoint, root));
  expect(entry).toMatch(/^export default \{ fetch: /m);
});
