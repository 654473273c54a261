/**
 * What `deno task inspect` says was used, after traffic, for every capability that can be granted.
 *
 * @module
 */
import { expect } from "@std/expect";
import { join } from "node:path";
import { createRoutes } from "../../routes/mod.ts";
import { type Fixture, fixturePath } from "../../tests/fixtures/mod.ts";
import { blobOn, MemoryBackend as MemoryObjects } from "../capabilities/blob/mod.ts";
import { builtinCapabilities } from "../capabilities/mod.ts";
import { kvOn, MemoryBackend as MemoryKeys } from "../capabilities/kv/mod.ts";
import { queueOn } from "../capabilities/queue/mod.ts";
import { QueueStore } from "../capabilities/queue/store.ts";
import { SqliteBackend, sqlOn } from "../capabilities/sql/mod.ts";
import { nativeEngine } from "../engine/native/mod.ts";
import { FunctionRuntime } from "../mod.ts";
import { inspectFunction } from "./_inspect_function.ts";
import { host } from "./_testing.ts";

/** What a guest is asked, and what stands beside its interfaces then. */
interface Row {
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly asks: readonly string[];
  /** How often it is called beside that. */
  readonly called?: number;
  readonly used: Readonly<Record<string, string>>;
}

const ROWS: Partial<Readonly<Record<Fixture, Row>>> = {
  "c-caps": {
    manifest: { grants: { kv: {}, config: { values: { a: "b" } }, log: {} } },
    asks: ["add?key=n", "add?key=n", "get?key=n", "many", "spin?store=default&key=n", "config?key=a", "log?message=x"],
    // By c-http, by its name.
    called: 1,
    used: {
      "wasi:keyvalue/store@0.2.0-draft2  kv": "5: open 4, bucket.get 1",
      "wasi:keyvalue/atomics@0.2.0-draft2  kv": "2: increment 2",
      "wasi:keyvalue/batch@0.2.0-draft2  kv": "3: set-many 1, get-many 1, delete-many 1",
      "fermyon:spin/key-value@2.0.0  kv": "3: store.open 1, store.get 1, store.get-keys 1",
      "wasi:config/store@0.2.0-rc.1  config": "2: get 2",
      "fermyon:spin/variables@2.0.0  config": "not at all",
      "wasi:logging/logging@0.1.0-draft  log": "1: log 1",
    },
  },
  "c-data": {
    manifest: { grants: { sql: {}, blob: {} } },
    asks: ["sql?sql=SELECT%201", "create", "write?name=a&value=b", "read?name=a"],
    used: {
      "spin:sqlite/sqlite@3.1.0  sql": "2: connection.open 1, connection.execute 1",
      "fermyon:spin/sqlite@2.0.0  sql": "not at all",
      "wasi:blobstore/blobstore@0.2.0-draft  blob": "5: container-exists 2, get-container 2, create-container 1",
      "wasi:blobstore/container@0.2.0-draft  blob": "2: container.write-data 1, container.get-data 1",
    },
  },
  "c-queue": {
    manifest: { grants: { queue: { send: ["orders"] }, log: {} }, queues: [{ name: "orders" }] },
    asks: ["send?queue=orders&data=x"],
    // For the message.
    called: 1,
    used: {
      "wasi:messaging/producer@0.2.0-draft  queue": "1: send 1",
      "wasi:logging/logging@0.1.0-draft  log": "1: log 1",
    },
  },
  "c-files": {
    manifest: { grants: { files: { scratch: "/tmp" } } },
    asks: ["x?write:/tmp/a:text;read:/tmp/a"],
    used: { "wasi:filesystem/preopens@0.2.12  files": "2: get-directories 2" },
  },
  "c-http": {
    manifest: { grants: { http: { allow: ["http://c-caps.internal"] } } },
    asks: ["outgoing?url=http%3A%2F%2Fc-caps.internal%2Fc-caps%2Fconfig%3Fkey%3Da", "sockets"],
    used: {
      "wasi:http/outgoing-handler@0.2.12  http": "1: handle 1",
      "wasi:sockets/tcp-create-socket@0.2.12  always": "1: create-tcp-socket 1",
    },
  },
};

Deno.test("a running server tells of every capability what was used of it, and how often", async () => {
  const directory = await Deno.makeTempDir({ prefix: "skerry-inspect-" });
  for (const [name, row] of Object.entries(ROWS)) {
    await Deno.mkdir(join(directory, name));
    await Deno.copyFile(await fixturePath(name as Fixture), join(directory, name, "f.wasm"));
    const manifest = { name, routes: [{ path: `/${name}/*` }], source: "f.wasm", ...row.manifest };
    await Deno.writeTextFile(join(directory, name, "function.json"), JSON.stringify(manifest));
  }
  const kv = await Deno.openKv(":memory:");
  const databases = new SqliteBackend(undefined);
  const runtime = new FunctionRuntime({
    directory,
    engine: nativeEngine,
    dev: true,
    capabilities: [
      kvOn(() => new MemoryKeys()),
      sqlOn(() => databases),
      blobOn(() => new MemoryObjects()),
      queueOn(() => QueueStore.on(kv)),
    ],
    database: () => Promise.resolve(kv),
    sink: () => {},
  });
  await runtime.scan();
  await runtime.startTriggers();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, createRoutes(runtime).fetch);
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const seen = new Set<string>();
  try {
    for (const [name, { asks }] of Object.entries(ROWS)) {
      for (const ask of asks) {
        const response = await fetch(`${origin}/${name}/${ask}`);
        expect([ask, response.status, await response.text()]).toEqual([ask, 200, expect.not.stringMatching(/^error/)]);
      }
    }
    // An answer may be here before its task has ended.
    for (const [name, { asks, called = 0 }] of Object.entries(ROWS)) {
      const wanted = asks.length + called;
      while (runtime.report(name)?.requests !== wanted) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (const [name, { used }] of Object.entries(ROWS)) {
      const text = await inspectFunction(name, host, { functions: directory, server: origin });
      const lines = text.split("\n").map((line) => line.split(/ {2,}/)).filter((cells) => cells.length === 3);
      const told = Object.fromEntries(lines.map(([face, grant, uses]) => [`${face}  ${grant}`, uses]));
      expect([name, told]).toEqual([name, expect.objectContaining(used)]);
      expect(text).not.toContain("warnings");
      for (const grant of Object.keys(used)) seen.add(grant.split("  ")[1]!);
    }
  } finally {
    await runtime.stop(0);
    await server.shutdown();
    databases.close();
    kv.close();
    await Deno.remove(directory, { recursive: true });
  }
  // A capability that is added is to be told of here, too.
  const grantable = builtinCapabilities.filter(({ ungranted, name }) =>
    ungranted === undefined || ["files", "http"].includes(name)
  );
  expect(grantable.map(({ name }) => name).filter((name) => !seen.has(name))).toEqual([]);
});
