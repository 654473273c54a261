/**
 * Files by the libraries of languages whose guests are not committed: built when they are asked for, or skipped.
 *
 * @module
 */
import { expect } from "@std/expect";
import { nativeEngine } from "../runtime/engine/native/mod.ts";
import { type Fixture, whySkipped } from "./fixtures/mod.ts";
import { onEachEngine, serve } from "./http/_serve.ts";

const GRANT = { files: { assets: { "/site": "public" }, scratch: "/tmp" } };

const guest = (fixture: Fixture) => ({ fixture, grants: GRANT, files: { "public/hello.txt": "hello" } });

const ANSWERS = {
  "go-http": "hello <nil>\n<nil> <nil> <nil>\nb 5 <nil>\nopen /site/new: Read-only file system\ntrue\n",
  "python-http": "hello\nb 11\nEROFS\nEROFS\n",
} as const;

for (const fixture of ["go-http", "python-http"] as const) {
  const reason = whySkipped(fixture);
  if (reason === undefined) {
    onEachEngine(`${fixture} reads assets and writes to its scratch folder by its own library`, async (engine) => {
      await using server = await serve({ engine, guests: { guest: guest(fixture) } });
      expect(await (await server.fetch("/guest/files")).text()).toBe(ANSWERS[fixture]);
    });
  } else Deno.test.ignore(`${fixture} reads and writes files: ${reason}`, () => {});
}

// Not on jco, which calls a method of the wrong object when a guest in QuickJS opens a file for the first time.
Deno.test("JavaScript of WASI 0.3 lists, reads and writes files", async () => {
  await using server = await serve({ engine: nativeEngine, guests: { guest: guest("qjs-files") } });
  expect((await (await server.fetch("/guest/")).text()).split("\n")).toEqual([
    "assets: hello.txt ok",
    "read: hello ok",
    "outside: not-permitted",
    "change: read-only",
    "write: ok hello ok",
    "stat: 5 regular-file",
    "",
  ]);
});
