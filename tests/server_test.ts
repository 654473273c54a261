// Servers as the tasks start them, in processes of their own, with the permissions that the tasks give them.
import { expect } from "@std/expect";
import { join } from "node:path";
import { withFolder } from "./_folder.ts";
import { commandOf, filesIn, manifest, prepared, Server, writeFunction } from "./_server.ts";
import { fixturePath } from "./fixtures/mod.ts";

Deno.test("deno task start serves dist/ with its three permissions, and writes nothing", async () => {
  const command = await commandOf("start");
  const permissions = command.filter((word) => word.startsWith("-"));
  expect(permissions).toEqual(["--allow-net", "--allow-read", "--allow-env"]);
  await prepared(async (directory) => {
    const before = await filesIn(directory);
    await using server = await Server.start("start", directory);
    const response = await fetch(await server.url("/hello"), { headers: { "x-request-id": "abc" } });
    expect([response.status, response.headers.get("x-request-id"), await response.text()]).toEqual([
      200,
      "abc",
      "hello\n",
    ]);
    const trap = await fetch(await server.url("/trap"));
    expect([trap.status, (await trap.json()).error.code]).toEqual([500, "guest-trapped"]);
    expect(await filesIn(directory)).toEqual(before);
  });
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`a server that gets ${signal} finishes the requests that run, takes no more, and ends with 0`, async () => {
    await prepared(async (directory) => {
      await using server = await Server.start("start", directory);
      const url = await server.url("/response-then-continue?chunks=4&ms=150");
      const both = await Promise.all([fetch(url), fetch(await server.url("/p3/stream?chunks=4&ms=150"))]);
      const readers = both.map(({ body }) => body!.pipeThrough(new TextDecoderStream()).getReader());
      const texts = await Promise.all(readers.map(async (reader) => (await reader.read()).value));
      server.stop(signal);
      await Promise.all(readers.map(async (reader, n) => {
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) texts[n] += piece.value;
      }));
      for (const text of texts) expect(text).toContain("piece 3");
      expect((await server.status).code).toBe(0);
      await expect(fetch(url)).rejects.toThrow(TypeError);
    });
  });

  Deno.test(`a server that gets ${signal} ends requests that run on after SKERRY_STOP_GRACE_MS`, async () => {
    await prepared(async (directory) => {
      await using server = await Server.start("start", directory, { env: { SKERRY_STOP_GRACE_MS: "200" } });
      const response = await fetch(await server.url("/never?headers=1"));
      server.stop(signal);
      await expect(response.text()).rejects.toThrow();
      expect((await server.status).code).toBe(0);
      expect(server.output).toContain("ended 1 requests that ran on after 200 ms");
    });
  });
}

/** The names of a process's threads. */
async function threadsOf(pid: number): Promise<string[]> {
  const tasks = await Array.fromAsync(Deno.readDir(`/proc/${pid}/task`));
  return await Promise.all(tasks.map(async ({ name }) => {
    return (await Deno.readTextFile(`/proc/${pid}/task/${name}/comm`).catch(() => "")).trim();
  }));
}

Deno.test({
  name: "no worker takes part in a request",
  // The names of threads are where Linux has them.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const worker = /^worker-/;
    await withFolder(async (directory) => {
      const script = join(directory, "worker.ts");
      await Deno.writeTextFile(
        script,
        `const worker = new Worker("data:application/javascript,postMessage(1)", { type: "module" });
         worker.onmessage = () => console.log("listening at http://localhost/");`,
      );
      await using control = Server.run(["run", script], directory);
      await control.url("/");
      expect((await threadsOf(control.pid)).some((name) => worker.test(name))).toBe(true);
    });
    for (const engine of ["native", "jco"] as const) {
      await prepared(async (directory) => {
        await using server = await Server.start("start", directory, { env: { SKERRY_ENGINE: engine } });
        const url = await server.url("/");
        // While they sleep, whatever serves them is there.
        const running = Array.from(
          { length: 50 },
          (_, n) => fetch(new URL(n % 2 ? "p3/sleep?ms=300" : "sleep?ms=300", url)),
        );
        await (await fetch(new URL("hello", url))).text();
        const names = await threadsOf(server.pid);
        expect(names.length).toBeGreaterThan(1);
        expect(names.filter((name) => worker.test(name))).toEqual([]);
        for (const response of await Promise.all(running)) expect(await response.text()).toMatch(/^slept/);
      }, engine);
    }
  },
});

Deno.test("a server whose settings are wrong says so in one sentence", async () => {
  await withFolder(async (directory) => {
    for (
      const [env, message] of [
        [{ PORT: "http" }, 'reading the environment: PORT: "http" is not understood'],
        [{ SKERRY_STOP_GRACE: "5" }, 'SKERRY_STOP_GRACE: no such setting; write "SKERRY_STOP_GRACE_MS".'],
        [{ SKERRY_FUNCTIONS: "nowhere" }, "nowhere: there is no such folder."],
      ] as const
    ) {
      await using server = await Server.start("start", directory, { env });
      expect((await server.status).code).toBe(1);
      expect(server.output).toContain(message);
      expect(server.output.trim().split("\n").length).toBe(1);
    }
  });
});

Deno.test("a server without a function, a permission or a free port says so, and what to do", async () => {
  await withFolder(async (directory) => {
    await Deno.mkdir(join(directory, "components"));
    await using first = await Server.start("start", directory, {});
    await first.saw(/there is no function in components: make a folder in it, with a function\.json/);
    const PORT = new URL(await first.url("/")).port;
    await using second = await Server.start("start", directory, { env: { PORT } });
    expect((await second.status).code).toBe(1);
    expect(second.output).toMatch(/^listening on .*: another program has it\. Set PORT to a port that is free\.\n$/);
    for (const flag of ["--deny-net", "--deny-read=components"]) {
      await using third = await Server.start("start", directory, { flags: [flag] });
      expect((await third.status).code).toBe(1);
      expect(third.output).toMatch(/^Requires \w+ access .*`deno task` gives each command the permissions.*\n$/);
    }
  });
});

Deno.test("a runtime without JSPI gets one sentence", async () => {
  await withFolder(async (directory) => {
    const without = join(directory, "without_jspi.ts");
    await Deno.writeTextFile(without, "delete (WebAssembly as { Suspending?: unknown }).Suspending;");
    await using server = await Server.start("start", directory, { flags: [`--preload=${without}`] });
    expect((await server.status).code).toBe(1);
    expect(server.output).toMatch(
      /^starting Skerry: this JavaScript runtime has no .*JSPI.* Use Deno 2\.5 or newer\.\n$/,
    );
  });
});

Deno.test("deno task dev serves what changes, and the last good version while a manifest is broken", async () => {
  await withFolder(async (directory) => {
    const folder = join(directory, "components", "guest");
    await writeFunction(folder, [{ path: "/hello" }], await fixturePath("c-http"));
    await using server = await Server.start("dev", directory);
    const status = async (path: string) => {
      const response = await fetch(await server.url(path));
      await response.body?.cancel();
      return response.status;
    };
    expect([await status("/hello"), await status("/echo")]).toEqual([200, 404]);

    await Deno.writeTextFile(join(folder, "function.json"), manifest([{ path: "/:any" }]));
    await server.saw(/\[guest\] host: replaced/);
    expect(await status("/echo")).toBe(200);

    await Deno.writeTextFile(join(folder, "function.json"), manifest([{ path: "echo" }]));
    await server.saw(/the last good version goes on serving\n.*routes\[0\]\.path: "echo" must begin with a slash/);
    expect(await status("/echo")).toBe(200);

    await writeFunction(
      join(directory, "components", "broken"),
      [{ path: "/broken/*" }],
      join(folder, "function.json"),
    );
    const broken = manifest([{ path: "/broken/*" }]).replace("guest", "broken");
    await Deno.writeTextFile(join(directory, "components", "broken", "function.json"), broken);
    await server.saw(/\[broken\] host: broken\n/);
    const page = await fetch(await server.url("/broken/x"), { headers: { accept: "text/html" } });
    expect([page.status, await page.text()]).toEqual([503, expect.stringContaining("function-broken")]);
    expect(await status("/echo")).toBe(200);
  });
});
