/**
 * Queues in servers as the tasks start them: their permissions, and what is left when one is killed.
 *
 * @module
 */
import { expect } from "@std/expect";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LEASE_MS, QueueStore } from "../../runtime/capabilities/queue/store.ts";
import { prepare } from "../../runtime/cli/build.ts";
import { withFolder } from "../_folder.ts";
import { filesIn, Server } from "../_server.ts";
import { fixturePath } from "../fixtures/mod.ts";

const MANIFESTS: Readonly<Record<string, Record<string, unknown>>> = {
  plain: { routes: [{ path: "/plain" }] },
  sender: { routes: [{ path: "/sender/*" }] },
  receiver: { queues: [{ name: "orders", concurrency: 1 }] },
};

/** A folder with a `dist/` of functions that send and receive. */
async function prepared(names: readonly string[], body: (directory: string) => Promise<void>): Promise<void> {
  await withFolder(async (directory) => {
    for (const name of names) {
      const folder = join(directory, "components", name);
      await Deno.mkdir(folder, { recursive: true });
      await Deno.copyFile(await fixturePath(name === "plain" ? "small" : "c-queue"), join(folder, "main.wasm"));
      const grants = name === "plain" ? {} : { log: {}, queue: { send: ["orders"] } };
      const manifest = { name, source: "main.wasm", grants, ...MANIFESTS[name] };
      await Deno.writeTextFile(join(folder, "function.json"), JSON.stringify(manifest));
    }
    await prepare(join(directory, "components"), join(directory, "dist"));
    await body(directory);
  });
}

Deno.test("deno task start refuses functions that need a place to write, says what to do, and serves the others", () =>
  prepared(["plain", "sender", "receiver"], async (directory) => {
    const before = await filesIn(directory);
    await using server = await Server.start("start", directory);
    expect((await fetch(await server.url("/plain"))).status).toBe(200);
    const refused = await fetch(await server.url("/sender/send?data=x"));
    expect([refused.status, (await refused.json()).error.code]).toEqual([503, "function-broken"]);
    await server.saw(/receiver.*broken|broken.*receiver/);
    const lines = server.output.split("\n").filter((line) => line.includes('"setting-invalid"'));
    for (const name of ["sender", "receiver"]) {
      expect(lines.find((line) => line.includes(`"function":"${name}"`))).toMatch(
        /opening the key-value store \.skerry\/kv\.sqlite3: .* Start it with `deno task start:kv`, which may write below \.skerry, or with --allow-write=\.skerry; or name a denokv server in KV_URL\./,
      );
    }
    expect(await filesIn(directory)).toEqual(before);
  }));

Deno.test("what a server has acknowledged is handled after it was killed, what it had in hand too, and counted", () =>
  prepared(["sender", "receiver"], async (directory) => {
    const file = join(directory, ".skerry", "kv.sqlite3");
    {
      await using server = await Server.start("start:kv", directory);
      // The first one holds the only place, so that the others wait.
      expect(await (await fetch(await server.url("/sender/send?data=sleep=100000"))).text()).toBe("sent 1");
      await server.saw(/orders: sleep=100000/);
      const url = await server.url("/sender/send");
      const sends = Array.from({ length: 20 }, async (_, i) => await (await fetch(`${url}?data=order%20${i}.`)).text());
      expect(new Set(await Promise.all(sends))).toEqual(new Set(["sent 1"]));
      server.stop("SIGKILL");
      expect((await server.status).signal).toBe("SIGKILL");
    }
    // The next one has places for all: whose turn comes first is not told here.
    const manifest = join(directory, "dist", "components", "receiver", "function.json");
    const served = await Deno.readTextFile(manifest);
    await Deno.writeTextFile(manifest, served.replace('"concurrency": 1', '"concurrency": 2'));
    {
      await using server = await Server.start("start:kv", directory);
      for (let i = 0; i < 20; i++) await server.saw(new RegExp(`orders: order ${i}\\.`));
      // Its claim runs out by itself.
      await server.saw(/orders: sleep=100000/);
      server.stop("SIGKILL");
      expect((await server.status).signal).toBe("SIGKILL");
    }
    using kv = await Deno.openKv(file);
    const later = new QueueStore(kv, { now: () => Date.now() + 2 * LEASE_MS });
    expect((await later.counts()).get("orders")).toEqual({ waiting: 1, leased: 0, dead: 0 });
    const [again] = await later.claim("orders", 2);
    expect([again!.attempts, new TextDecoder().decode(again!.message.data)]).toEqual([3, "sleep=100000"]);
  }));

Deno.test("under deno serve --parallel all threads handle messages of one file, each message once", () =>
  prepared(["sender", "receiver"], async (directory) => {
    const main = new URL("../../main.ts", import.meta.url).href;
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const permissions = ["--allow-net", "--allow-read", "--allow-env", "--allow-write=.skerry"];
    const flags = ["--parallel", "--host=127.0.0.1", "--port=0", "--config", config, ...permissions];
    await using server = Server.run(["serve", ...flags, main], directory, {
      env: { DENO_JOBS: "3", NO_COLOR: "1" },
    });
    await server.url("/");
    const names = Array.from({ length: 60 }, (_, i) => `order ${i}.`);
    const url = await server.url("/sender/send");
    await Promise.all(names.map(async (name) => {
      const response = await fetch(`${url}?data=${encodeURIComponent(name)}`);
      expect([response.status, await response.text()]).toEqual([200, "sent 1"]);
    }));
    for (const name of names) await server.saw(new RegExp(`orders: ${name.replace(".", "\\.")}`));
    const handled = [...server.output.matchAll(/"message":"orders: (order \d+\.)"/g)].map(([, name]) => name!);
    expect(handled.sort()).toEqual(names.sort());
    expect(server.output).not.toMatch(/"level":"error"/);
  }));
