/**
 * As much of Deno Deploy as can be had here: its runtime serves `export default { fetch }` itself, lets nothing be written
 * or started, and makes no code from strings. What was built before is all there is.
 *
 * @module
 */
import { expect } from "@std/expect";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { filesIn, prepared, Server, writeFunction } from "./_server.ts";
import { fixturePath } from "./fixtures/mod.ts";

const root = new URL("../", import.meta.url);

/** What Deno Deploy sets. */
const DEPLOY = {
  DENO_DEPLOY: "1",
  DENO_DEPLOYMENT_ID: "test-1",
  DENO_DEPLOY_ORG_ID: "00000000-0000-0000-0000-000000000000",
  DENO_DEPLOY_ORG_SLUG: "test",
  DENO_DEPLOY_APP_ID: "00000000-0000-0000-0000-000000000001",
  DENO_DEPLOY_APP_SLUG: "skerry",
  DENO_DEPLOY_BUILD_ID: "1",
};

/** Tells of all that main.ts is not to do there: each attempt is an error, and so is in the output. */
const WATCH = `
const refuse = (owner, name) => {
  Object.defineProperty(owner, name, { value: function () { console.error("REFUSED " + name); throw new Error("not on Deploy"); } });
};
for (const name of ["dlopen", "Command", "writeFile", "writeTextFile", "writeFileSync", "writeTextFileSync", "mkdir",
  "mkdirSync", "rename", "renameSync", "remove", "removeSync", "listen"]) refuse(Deno, name);
refuse(globalThis, "Worker");
`;

/** All that a disk, a process or a thread would be asked for with is refused by Deno too. */
const STRICT = ["--allow-net", "--allow-read", "--allow-env", "--deny-write", "--deny-run", "--deny-ffi"];

/**
 * main.ts as Deno Deploy runs it: nobody knows its flags, but there are none of ours.
 *
 * @param first What runs before main.ts; `null` for main.ts as the main module. (`deno serve` passes over `--preload`.)
 */
async function deployed(
  directory: string,
  { permissions = ["--allow-all"], first = WATCH, env = {} }: {
    readonly permissions?: readonly string[];
    readonly first?: string | null;
    readonly env?: Record<string, string>;
  } = {},
): Promise<Server> {
  const main = new URL("main.ts", root).href;
  const entry = `${directory}.entry.js`;
  await Deno.writeTextFile(`${directory}.first.js`, first ?? "");
  await Deno.writeTextFile(entry, `import "./${basename(directory)}.first.js";\nexport { default } from "${main}";\n`);
  const flags = [
    "--port=0",
    "--host=127.0.0.1",
    `--config=${fileURLToPath(new URL("deno.json", root))}`,
    ...permissions,
    "--v8-flags=--disallow-code-generation-from-strings",
  ];
  const server = Server.run(["serve", ...flags, first === null ? main : entry], directory, {
    env: { ...DEPLOY, ...env },
  });
  await server.url("/").finally(() => Promise.all([Deno.remove(entry), Deno.remove(`${directory}.first.js`)]));
  return server;
}

// It gives all permissions. A function that takes advantage of that would keep what is gone with the instance.
for (const permissions of [["--allow-all"], STRICT]) {
  Deno.test(`main.ts serves what was built as Deno Deploy has it, with ${permissions[0]}: nothing written, started or made from strings`, async () => {
    await prepared(async (directory) => {
      const before = await filesIn(directory);
      await using server = await deployed(directory, { permissions });
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
      expect(server.output).not.toMatch(/REFUSED|NotCapable|Code generation/);
    });
  });
}

Deno.test("an instance that Deno Deploy stops with SIGINT finishes what runs, and ends by itself", async () => {
  await prepared(async (directory) => {
    await using server = await deployed(directory, { first: null });
    const path = "/response-then-continue?chunks=3&ms=100";
    const running = await fetch(await server.url(path), { headers: { connection: "close" } });
    server.stop("SIGINT");
    expect(await running.text()).toMatch(/piece 2/);
    expect((await server.status).code).toBe(0);
  });
});

for (
  const [what, openKv, said] of [
    [
      "no database is assigned to",
      "() => Promise.reject(new Error('no database is assigned'))",
      /no database is assigned/,
    ],
    ["has no Deno KV", "undefined", /this Deno has no KV/],
  ] as const
) {
  Deno.test(`where an app on Deno Deploy ${what}, who keeps nothing is served on`, async () => {
    await prepared(async (directory) => {
      const folder = `${directory}/dist/components/caps`;
      await writeFunction(folder, [{ path: "/caps/*" }], await fixturePath("c-caps"), "caps");
      const written = JSON.parse(await Deno.readTextFile(`${folder}/function.json`));
      const grants = { kv: {}, log: {}, config: { values: {} } };
      await Deno.writeTextFile(`${folder}/function.json`, JSON.stringify({ ...written, grants }));
      const first = `${WATCH}\nObject.defineProperty(Deno, "openKv", { value: ${openKv} });`;
      await using server = await deployed(directory, { first });
      const refused = await fetch(await server.url("/caps/get?key=a"));
      expect([refused.status, (await refused.json()).error.code]).toEqual([503, "function-broken"]);
      expect(await (await fetch(await server.url("/hello"))).text()).toBe("hello\n");
      expect(server.output).toMatch(said);
      expect(server.output).not.toContain("REFUSED");
    });
  });
}

Deno.test("where no disk is kept, a function that would lose what it keeps is refused, and told the setting", async () => {
  await prepared(async (directory) => {
    for (const name of ["sql", "blob"]) {
      const folder = `${directory}/dist/components/${name}`;
      await writeFunction(folder, [{ path: `/${name}/*` }], await fixturePath("c-data"), name);
      const written = JSON.parse(await Deno.readTextFile(`${folder}/function.json`));
      const grants = { sql: {}, blob: {} };
      await Deno.writeTextFile(`${folder}/function.json`, JSON.stringify({ ...written, grants }));
    }
    for (const [name, env] of [["sql", { BLOB_URL: "memory:" }], ["blob", { SQL_URL: "memory:" }]] as const) {
      await using server = await deployed(directory, { env });
      const refused = await fetch(await server.url(`/${name}/`));
      expect([refused.status, (await refused.json()).error.code]).toEqual([503, "function-broken"]);
      await server.saw(
        new RegExp(`Deno Deploy keeps no disk, and all would be lost\\. Set ${name.toUpperCase()}_URL to`),
      );
      expect(server.output).not.toContain("REFUSED");
      expect(await (await fetch(await server.url("/hello"))).text()).toBe("hello\n");
    }
  });
});

Deno.test("Deno Deploy is told of a schedule while main.ts loads, by a name that it takes", async () => {
  await prepared(async (directory) => {
    const folder = `${directory}/dist/components/guest`;
    const written = JSON.parse(await Deno.readTextFile(`${folder}/function.json`));
    const schedule = [{ name: "nightly", cron: "0 3 * * *", path: "/hello" }];
    await Deno.writeTextFile(`${folder}/function.json`, JSON.stringify({ ...written, schedule }));
    const first = `${WATCH}\nconst { cron } = { cron(name, expression, ...rest) {
      console.log("CRON " + name + ": " + expression + (typeof rest.at(-1) === "function")); return new Promise(() => {}); } };
    Object.defineProperty(Deno, "cron", { value: cron });`;
    await using server = await deployed(directory, { first, env: { KV_URL: "memory:" } });
    const told = server.output.indexOf("CRON guest nightly: 0 3 * * *true");
    expect([told >= 0, told < server.output.search(/listening/i)]).toEqual([true, true]);
    expect("guest nightly").toMatch(/^[a-zA-Z0-9 _-]{1,64}$/);
    expect(await (await fetch(await server.url("/hello"))).text()).toBe("hello\n");
  });
});

Deno.test("what main.ts is not to do on Deno Deploy is noticed here", async () => {
  await prepared(async (directory) => {
    const first = `${WATCH}
      try { new Function("return 1")(); } catch (error) { console.log(String(error)); }
      try { Deno.writeTextFileSync("x", "y"); } catch {}
      try { new Worker("data:text/javascript,1", { type: "module" }); } catch {}`;
    await using server = await deployed(directory, { first });
    await server.saw(/listening/i);
    expect(server.output).toMatch(/Code generation from strings disallowed/);
    expect(server.output).toMatch(/REFUSED writeTextFileSync[^]*REFUSED Worker/);
  });
});

Deno.test("deno.json tells Deno Deploy how to install, build and start what is here", async () => {
  const { deploy, tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  expect(deploy.install).toBe("npm install");
  expect(Object.keys(tasks)).toContain(/^deno task (\w+)$/.exec(deploy.build)?.[1]);
  const entry = await Deno.readTextFile(new URL(deploy.runtime.entrypoint, root));
  expect(entry).toMatch(/^export default \{ fetch: /m);
  expect(entry.split("\n").length).toBeLessThan(40);
  // Of what is there `deploy` takes these keys alone, and one that it does not know has it ignore them all.
  expect(Object.keys(deploy).sort()).toEqual(["build", "install", "runtime"]);
  expect(Object.keys(deploy.runtime).sort()).toEqual(["entrypoint", "type"]);
});
