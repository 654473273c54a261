/**
 * Every error that the WIT of a capability declares: what makes the host say it, with its payload, or why it never does.
 * A case that WIT gains and nobody has thought of fails here.
 *
 * @module
 */
import { expect } from "@std/expect";
import { join } from "node:path";
import { type Backend as KvBackend, kvOn, MemoryBackend } from "../runtime/capabilities/kv/mod.ts";
import { config } from "../runtime/capabilities/config/mod.ts";
import { files } from "../runtime/capabilities/files/mod.ts";
import { messages, queueOn } from "../runtime/capabilities/queue/mod.ts";
import { QueueStore } from "../runtime/capabilities/queue/store.ts";
import { sockets } from "../runtime/capabilities/sockets/mod.ts";
import { SqliteBackend, sqlOn } from "../runtime/capabilities/sql/mod.ts";
import type { Capability } from "../runtime/capability.ts";
import { type LinkedCapability, linkForTest, type TestOptions } from "../runtime/testing.ts";
import { errorsOf, expectEach, type Ledger, payloadOf } from "./_wit_ledger.ts";

// deno-lint-ignore no-explicit-any -- functions and resources as a guest has them: the WIT types them
type Face = any;

const WIT = new URL("../runtime/capabilities/", import.meta.url);
const WASI = new URL("../node_modules/@bytecodealliance/jco/lib/wit/builtin/", import.meta.url);

/** Runs `body` with a capability, in a task of its own. */
async function inLinked(
  capability: Capability,
  options: TestOptions,
  body: (use: LinkedCapability["use"]) => Promise<void>,
): Promise<void> {
  const linked = await linkForTest(capability, options);
  await linked.inTask(() => body(linked.use));
}

const PROVIDED = "the values have been read when the function is linked, so that no call fails";

Deno.test("every error of the interfaces of kv is said with its payload", async () => {
  const failing: KvBackend = new MemoryBackend();
  failing.get = () => Promise.reject(new Error("gone"));
  const longest = "x".repeat(64);
  await inLinked(kvOn(() => failing), {}, async (use) => {
    const { open } = use<Face>("wasi:keyvalue/store@0.2.0-draft2");
    const wit = new URL("kv/wit/keyvalue.wit", WIT);
    await expectEach(wit, "store.error", {
      "no-such-store": () => open(longest),
      "access-denied": () => open("carts"),
      "other": () => open("default").get("a"),
    });
    const working = await linkForTest(kvOn(() => new MemoryBackend()));
    const { swap, Cas } = use<Face>("wasi:keyvalue/atomics@0.2.0-draft2");
    const other = working.use<Face>("wasi:keyvalue/store@0.2.0-draft2").open("default");
    await expectEach(wit, "atomics.cas-error", {
      "store-error": async () => await swap(await Cas.new(other, "a"), new Uint8Array(100_000)),
      "cas-failed": async () => {
        const cas = await Cas.new(other, "a");
        await other.set("a", new Uint8Array(1));
        await swap(cas, new Uint8Array(2));
      },
    });
  });
  for (
    const [file, face] of [
      ["spin_key_value.wit", "fermyon:spin/key-value@2.0.0"],
      ["spin_key_value_3.wit", "spin:key-value/key-value@3.0.0"],
    ] as const
  ) {
    await inLinked(kvOn(() => failing), {}, async (use) => {
      const { Store } = use<Face>(face);
      await expectEach(new URL(`kv/wit/${file}`, WIT), "key-value.error", {
        "store-table-full": async () => {
          for (let i = 0; i <= 256; i++) await Store.open("default");
        },
        "no-such-store": () => Store.open(longest),
        "access-denied": () => Store.open("carts"),
        "other": async () => await (await working()).get("a"),
      });
      // Of a task of its own, for this one has all its handles open by now.
      async function working(): Promise<Face> {
        const linked = await linkForTest(kvOn(() => failing));
        return await linked.inTask(() => linked.use<Face>(face).Store.open("default"));
      }
    });
  }
});

Deno.test("every error of the interfaces of sql is said with its payload", async () => {
  for (
    const [file, face] of [
      ["spin_sqlite.wit", "fermyon:spin/sqlite@2.0.0"],
      ["sqlite.wit", "spin:sqlite/sqlite@3.1.0"],
    ] as const
  ) {
    const folder = await Deno.makeTempDir({ prefix: "skerry-errors-" });
    const backend = new SqliteBackend(folder, { maxBytes: 200_000 });
    await inLinked(sqlOn(() => backend), {}, async (use) => {
      const { Connection } = use<Face>(face);
      const connection = await Connection.open("default");
      await connection.execute("CREATE TABLE t (x)", []);
      await expectEach(new URL(`sql/wit/${file}`, WIT), "sqlite.error", {
        "no-such-database": () => Connection.open("../f"),
        "access-denied": () => Connection.open("shop"),
        "database-full": () => connection.execute("INSERT INTO t VALUES (zeroblob(300000))", []),
        "io": () => connection.execute("SELEC", []),
        "invalid-connection": async () => {
          connection[Symbol.dispose]();
          await connection.execute("SELECT 1", []);
        },
      });
    });
    backend.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every error of the interfaces of queue is said with its payload", async () => {
  const kv = await Deno.openKv(":memory:");
  const { use: typed } = await linkForTest(messages);
  const { Client, Message } = typed<Face>("wasi:messaging/types@0.2.0-draft");
  await inLinked(queueOn(() => new QueueStore(kv)), { grant: { send: ["orders"] } }, async (use) => {
    const { send } = use<Face>("wasi:messaging/producer@0.2.0-draft");
    const sending = async (topic: string, bytes: number) =>
      await send(await Client.connect(""), topic, new Message(new Uint8Array(bytes)));
    await expectEach(new URL("queue/wit/messaging.wit", WIT), "types.error", {
      "timeout": "the database answers or fails, and the task's deadline is over all",
      "connection": () => Client.connect("elsewhere"),
      "permission-denied": () => sending("secrets", 1),
      "other": () => sending("orders", 100_000),
    });
    kv.close();
    expect(await payloadOf(() => sending("orders", 1))).toEqual({
      tag: "connection",
      val: "the queue could not take the message",
    });
  });
});

Deno.test("every error of the interfaces of config is said with its payload", () =>
  inLinked(config, { grant: { values: { greeting: "Hello" } } }, async (use) => {
    await expectEach(new URL("config/wit/config.wit", WIT), "store.error", { "upstream": PROVIDED, "io": PROVIDED });
    for (
      const [file, face] of [
        ["spin_variables.wit", "fermyon:spin/variables@2.0.0"],
        ["spin_variables_3.wit", "spin:variables/variables@3.0.0"],
      ] as const
    ) {
      const { get } = use<Face>(face);
      await expectEach(new URL(`config/wit/${file}`, WIT), "variables.error", {
        "invalid-name": () => get("No name"),
        "undefined": () => get("farewell"),
        "provider": PROVIDED,
        "other": PROVIDED,
      });
    }
  }));

Deno.test("every error of the interfaces of files is said, in both versions", async () => {
  const MEMORY = "a tree in memory: nothing in it is busy, waits, or has an error of a disk";
  const PERMISSIONS = "a tree in memory has no owners and no modes";
  for (const version of ["0.2.12", "0.3.0"] as const) {
    const directory = await Deno.makeTempDir({ prefix: "skerry-errors-" });
    await Deno.mkdir(join(directory, "public"));
    await Deno.writeTextFile(join(directory, "public/a"), "asset");
    const grant = { assets: { "/site": "public" }, scratch: "/tmp" };
    await inLinked(files, { grant, directory, limits: { scratchMb: 1 } }, async (use) => {
      const { getDirectories } = use<Face>(`wasi:filesystem/preopens@${version}`);
      const roots: Record<string, Face> = Object.fromEntries(
        getDirectories().map(([root, path]: [Face, string]) => [path, root]),
      );
      const { "/site": site, "/tmp": tmp } = roots as { "/site": Face; "/tmp": Face };
      const open = (path: string, how = {}, flags = {}) => tmp.openAt({}, path, how, flags);
      const file = await open("file", { create: true }, { read: true, write: true });
      await tmp.createDirectoryAt("folder");
      await open("folder/inner", { create: true }, { write: true });
      await tmp.symlinkAt("two", "one");
      await tmp.symlinkAt("one", "two");
      const ledger: Ledger = {
        "access": PERMISSIONS,
        "already": MEMORY,
        "bad-descriptor": async () => await (await open("file", {}, { read: true })).setSize(0n),
        "busy": MEMORY,
        "cross-device": () => site.linkAt({}, "a", tmp, "b"),
        "deadlock": MEMORY,
        "quota": "what there is no room for is insufficient-space, whoever set the bound",
        "exist": () => tmp.createDirectoryAt("folder"),
        "file-too-large": () => file.setSize(2n ** 60n),
        "illegal-byte-sequence": "every string of the Component Model is Unicode",
        "in-progress": MEMORY,
        "insufficient-space": () => file.setSize(2n ** 21n),
        "interrupted": MEMORY,
        "invalid": () => open("a\0b"),
        "io": MEMORY,
        "is-directory": () => tmp.unlinkFileAt("folder"),
        "loop": () => tmp.openAt({ symlinkFollow: true }, "one", {}, {}),
        "message-size": MEMORY,
        "name-too-long": () => open("x".repeat(256)),
        "no-device": MEMORY,
        "no-entry": () => open("none"),
        "no-lock": MEMORY,
        "insufficient-memory": MEMORY,
        "not-directory": () => open("file/x"),
        "not-empty": () => tmp.removeDirectoryAt("folder"),
        "not-recoverable": MEMORY,
        "no-tty": MEMORY,
        "no-such-device": MEMORY,
        "overflow": MEMORY,
        "not-permitted": () => open("../site/a"),
        "pipe": MEMORY,
        "read-only": () => site.createDirectoryAt("new"),
        "invalid-seek": MEMORY,
        "text-file-busy": MEMORY,
        "too-many-links": "the entries of a scratch folder are bounded, and with them the names of one file",
        "unsupported": "all that the interface has is there",
        "would-block": MEMORY,
        "other": "what is none of these is a failure of the host, and no answer",
      };
      // Each version has a case that the other has not.
      const { [version === "0.2.12" ? "other" : "would-block"]: _, ...own } = ledger;
      await expectEach(new URL(`${version}/wasi-filesystem/package.wit`, WASI), "types.error-code", own);
      if (version === "0.3.0") {
        expect(await payloadOf(() => file.readDirectory()[1])).toEqual({ tag: "not-directory" });
      }
    });
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("every error of the interfaces of sockets is said", () =>
  inLinked(sockets, {}, async (use) => {
    const NEVER = "no guest ever holds a socket: making one is refused";
    const all = async (version: string, type: string, said: Ledger) => {
      const wit = new URL(`${version}/wasi-sockets/package.wit`, WASI);
      const cases = errorsOf(await Deno.readTextFile(wit)).get(type)!;
      await expectEach(wit, type, { ...Object.fromEntries([...cases.keys()].map((tag) => [tag, NEVER])), ...said });
    };
    const network = use<Face>("wasi:sockets/instance-network@0.2.12").instanceNetwork();
    await all("0.2.12", "network.error-code", {
      "access-denied": () => use<Face>("wasi:sockets/tcp-create-socket@0.2.12").createTcpSocket("ipv4"),
      "permanent-resolver-failure": () =>
        use<Face>("wasi:sockets/ip-name-lookup@0.2.12").resolveAddresses(network, "example.com"),
    });
    const { TcpSocket, UdpSocket } = use<Face>("wasi:sockets/types@0.3.0");
    await all("0.3.0", "types.error-code", { "access-denied": () => TcpSocket.create("ipv4") });
    await all("0.3.0", "types.error-code", { "access-denied": () => UdpSocket.create("ipv6") });
    await all("0.3.0", "ip-name-lookup.error-code", {
      "access-denied": () => use<Face>("wasi:sockets/ip-name-lookup@0.3.0").resolveAddresses("example.com"),
    });
  }));
