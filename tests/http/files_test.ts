/**
 * Files as guests see them: C and Rust through their libraries and WASI 0.2, C of WASI 0.3.
 *
 * @module
 */
import { expect } from "@std/expect";
import { type Guest, onEachEngine, serve, type TestServer } from "./_serve.ts";

const SITE = { "site/index.html": "<h1>hello</h1>", "site/sub/größe.txt": "unicode", "secret.txt": "secret" };
const GRANT = { files: { assets: { "/site": "site" }, scratch: "/tmp" } };

const guest = (more: Partial<Guest> = {}): Guest => ({ fixture: "c-files", grants: GRANT, files: SITE, ...more });

/** Runs steps in one request; answers with a line for each. */
async function run(server: TestServer, ...steps: string[]): Promise<string[]> {
  const query = steps.map((step) => encodeURIComponent(step)).join(";");
  const lines = (await (await server.fetch(`/guest/?${query}`)).text()).split("\n").slice(0, -1);
  return lines.map((line, index) => `${steps[index]} → ${line}`);
}

/** Runs steps, each of which is written with its answer. */
async function expectSteps(server: TestServer, ...steps: string[]): Promise<void> {
  expect(await run(server, ...steps.map((step) => step.split(" → ")[0]!))).toEqual(steps);
}

onEachEngine("C reads assets by fopen, readdir and stat, and gets EROFS where it writes", async (engine) => {
  await using server = await serve({ engine, guests: { guest: guest() } });
  await expectSteps(
    server,
    "list:/ → ENOTCAPABLE",
    "list:/site → ../ ./ index.html sub/",
    "list:/site/sub → ../ ./ größe.txt",
    "read:/site/index.html → <h1>hello</h1>",
    "read:/site/sub/../sub/./größe.txt → unicode",
    "stat:/site/index.html → file size=14 links=1 inode=yes time=yes",
    "stat:/site/sub → folder size=0 links=2 inode=yes time=yes",
    "access:/site/index.html → ok",
    "read:/site/none → ENOENT",
    "read:/site/index.html/x → ENOTDIR",
    "list:/site/index.html → ENOTDIR",
    "write:/site/index.html:x → EROFS",
    "write:/site/new:x → EROFS",
    "append:/site/index.html:x → EROFS",
    "mkdir:/site/new → EROFS",
    "unlink:/site/index.html → EROFS",
    "rename:/site/index.html:/site/b → EROFS",
    "read:/secret.txt → ENOTCAPABLE",
    "read:/etc/passwd → ENOTCAPABLE",
    `read:/site/${"x".repeat(256)} → ENAMETOOLONG`,
  );
  const [outside] = await run(server, "read:/site/../secret.txt");
  expect(outside).toMatch(/ → (EPERM|ENOTCAPABLE)$/);
});

onEachEngine(
  "C writes, seeks, links and renames in its scratch folder, which is gone after the request",
  async (engine) => {
    await using server = await serve({ engine, guests: { guest: guest() } });
    await expectSteps(
      server,
      "list:/tmp → ../ ./",
      "write:/tmp/a:hello → ok",
      "append:/tmp/a: there → ok",
      "read:/tmp/a → hello there",
      "update:/tmp/a:J → ok",
      "read:/tmp/a → Jello there",
      "seek:/tmp/a → hePW",
      "exclusive:/tmp/a:x → EEXIST",
      "mkdir:/tmp/d → ok",
      "mkdir:/tmp/d → EEXIST",
      "rename:/tmp/a:/tmp/d/b → ok",
      "rmdir:/tmp/d → ENOTEMPTY",
      "link:/tmp/d/b:/tmp/c → ok",
      "stat:/tmp/c → file size=8 links=2 inode=yes time=yes",
      "symlink:d/b:/tmp/l → ok",
      "readlink:/tmp/l → d/b",
      "lstat:/tmp/l → link size=3 links=1 inode=yes time=yes",
      "stat:/tmp/l → file size=8 links=2 inode=yes time=yes",
      "list:/tmp → ../ ./ c d/ l@",
      "symlink:../site:/tmp/out → ok",
      "read:/tmp/out/index.html → EPERM",
      "unlink:/tmp/d → EISDIR",
      "unlink:/tmp/d/b → ok",
      "rmdir:/tmp/d → ok",
      "rename:/tmp/c:/site/c → EROFS",
    );
    await expectSteps(server, "list:/tmp → ../ ./");
  },
);

onEachEngine("a scratch folder that is full says so, and the server goes on", async (engine) => {
  await using server = await serve({
    engine,
    guests: { guest: guest({ limits: { scratchMb: 1, scratchEntries: 3 } }) },
  });
  await expectSteps(
    server,
    "fill:/tmp/a → 1024 KiB, then ENOSPC",
    "write:/tmp/b:x → ENOSPC",
    "mkdir:/tmp/c → ok",
    "mkdir:/tmp/d → ENOSPC",
    "unlink:/tmp/a → ok",
    "write:/tmp/b:x → ok",
  );
});

onEachEngine(
  "a function without the grant has no files, and one that was granted assets alone cannot write",
  async (engine) => {
    await using server = await serve({
      engine,
      guests: { guest: guest({ grants: {} }), reads: guest({ grants: { files: { assets: { "/": "site" } } } }) },
    });
    await expectSteps(server, "list:/site → ENOTCAPABLE", "write:/tmp/a:x → ENOTCAPABLE");
    const ask = async (step: string) => await (await server.fetch(`/reads/?${step}`)).text();
    expect(await ask("read:index.html")).toBe("<h1>hello</h1>\n");
    expect(await ask("list:/")).toBe("../ ./ index.html sub/\n");
    expect(await ask("write:/tmp/a:x")).not.toBe("ok\n");
  },
);

onEachEngine("Rust's standard library reads an asset", async (engine) => {
  const rust = {
    fixture: "rust-http",
    grants: { files: { assets: { "/etc": "etc" } } },
    files: { "etc/passwd": "me" },
  };
  await using server = await serve({ engine, guests: { guest: rust as Guest } });
  expect(await (await server.fetch("/guest/file")).text()).toBe('Ok("me")\n');
});

onEachEngine("C of WASI 0.3 reads, lists, writes and appends by streams", async (engine) => {
  const files = { "data/hello.txt": "hello", "data/sub/x": "", "secret.txt": "" };
  const grants = { files: { assets: { "/data": "data" }, scratch: "/tmp" } };
  await using server = await serve({
    engine,
    guests: { guest: { fixture: "c-files3", grants, files, limits: { scratchMb: 2 } }, bare: { fixture: "c-files3" } },
  });
  expect((await (await server.fetch("/guest/")).text()).split("\n")).toEqual([
    "/data",
    "/tmp",
    "assets: hello.txt sub/ ok",
    "read: ello ok",
    "list a file: not-directory",
    "write an asset: read-only",
    "open to write: read-only",
    "open what is outside: not-permitted",
    "create: ok",
    "append: ok",
    "read: hello there ok",
    "mkdir: ok",
    "rename: ok",
    "list: d/ ok",
    "stat: 11",
    "more than there is space for: insufficient-space",
    "",
  ]);
  expect(await (await server.fetch("/bare/")).text()).toBe("");
});
