// Every snippet of the README: shell lines name what is there, JSON is what the schema takes, TypeScript runs.
import { expect } from "@std/expect";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { component } from "../routes/mod.ts";
import { buildFunction } from "../runtime/build/mod.ts";
import { builtinCapabilities } from "../runtime/capabilities/mod.ts";
import { parseManifest } from "../runtime/manifest.ts";
import { grantSchemas } from "../runtime/manifest/grants.ts";
import { readSettings } from "../runtime/mod.ts";
import { withFolder } from "./_folder.ts";
import { fixturePath } from "./fixtures/mod.ts";

const root = new URL("../", import.meta.url);
const readme = await Deno.readTextFile(new URL("README.md", root));
const tasks: Record<string, unknown> = JSON.parse(await Deno.readTextFile(new URL("deno.json", root))).tasks;
const scripts: Record<string, string> = JSON.parse(await Deno.readTextFile(new URL("package.json", root))).scripts;
const grants = grantSchemas(builtinCapabilities);

/** The blocks of code in one language. */
function blocks(language: string): string[] {
  return [...readme.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].filter((match) => match[1] === language).map((match) =>
    match[2]!
  );
}

/** The one block of TypeScript that `mark` is in. */
function typescript(mark: string): string {
  const found = blocks("ts").filter((text) => text.includes(mark));
  expect([mark, found.length]).toEqual([mark, 1]);
  return found[0]!;
}

/** The same with imports that lead from anywhere into this folder. */
const rooted = (text: string) =>
  text.replaceAll(/"(?:\.\.?\/)+((?:runtime|routes)\/[^"]+)"/g, (_, path) => `"${new URL(path, root)}"`);

/** Runs TypeScript in a process of its own, in a folder with some files. Fails when it, or an assertion in it, does. */
async function run(main: string, files: Record<string, string | URL>): Promise<string> {
  return await withFolder(async (directory) => {
    for (const [name, content] of Object.entries(files)) {
      const path = join(directory, name);
      await Deno.mkdir(join(path, ".."), { recursive: true });
      if (content instanceof URL) await Deno.copyFile(content, path);
      else await Deno.writeTextFile(path, content);
    }
    const config = new URL("deno.json", root).pathname;
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "-A", "--config", config, main],
      cwd: directory,
      env: { NO_COLOR: "1" },
    });
    const { code, stdout, stderr } = await command.output();
    const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    expect([code, error]).toEqual([0, ""]);
    return out!;
  });
}

/** The component that a block of TypeScript is built into, in a file called `source`. Without a change it is not built anew. */
async function built(source: string, mark: string): Promise<string> {
  const dir = new URL(".skerry/readme/", root).pathname;
  await Deno.mkdir(dir, { recursive: true });
  const path = join(dir, source);
  const text = typescript(mark);
  if (await Deno.readTextFile(path).catch(() => "") !== text) await Deno.writeTextFile(path, text);
  const { wasm } = await buildFunction({ dir, source, cacheDir: new URL(".skerry/build", root).pathname });
  return wasm;
}

/** What a test below looks for in its block of TypeScript. */
const HANDLER = "Hello from ${new URL(request.url).pathname}";
const CAPABILITY = "export const notebook = defineCapability";
const CAPABILITY_TEST = "linkForTest(notebook";
const VISITS = 'import { open } from "wasi:keyvalue/store';
const LIBRARY = 'app.all("/x/*", component';

Deno.test("every block of code in the README is one that is tested", () => {
  const languages = new Set([...readme.matchAll(/^```(\w*)\n[^]*?^```$/gm)].map((match) => match[1]));
  expect([...languages].sort()).toEqual(["json", "sh", "ts"]);
  const known = [HANDLER, VISITS, CAPABILITY, CAPABILITY_TEST, LIBRARY];
  expect(blocks("ts").filter((text) => !known.some((mark) => text.includes(mark)))).toEqual([]);
});

Deno.test("the README's commands are there", async () => {
  const lines = blocks("sh").flatMap((text) => text.trim().split("\n")).map((line) => line.replace(/ +#.*$/, ""));
  const inline = [...readme.matchAll(/`((?:deno task|npm run) [^`]+)`/g)].map((match) =>
    match[1]!.replaceAll("\n", " ")
  );
  for (const line of [...lines, ...inline]) {
    const [, runner, name] = /^(deno task|npm run|npm|curl) (\S+)/.exec(line) ?? [];
    expect([line, runner]).toEqual([line, expect.any(String)]);
    if (runner === "deno task") expect(Object.keys(tasks)).toContain(name);
    else if (runner !== "curl") expect(Object.keys(scripts)).toContain(name);
  }
  // What CI runs is what a newcomer is told to.
  expect(lines).toContain("npm test");
  expect(await Deno.readTextFile(new URL(".ci/run", root))).toMatch(/^(?:\w+=\S+ )*npm test\b/m);
  for (const [, path] of readme.matchAll(/\]\(((?!https?:|#)[^)]+)\)/g)) {
    // Examples are there to be changed, and deleted.
    if (!path!.startsWith("components/")) await Deno.stat(new URL(path!, root));
  }
});

Deno.test("the README's JSON is what function.json takes", () => {
  const options = { file: "function.json", grants };
  for (const text of blocks("json")) {
    const whole = JSON.parse(text);
    parseManifest(text, options);
    expect(Object.keys(whole)).toContain("name");
  }
  const base = { name: "x", routes: [{ path: "/x" }], source: "x.ts" };
  // In a line of text or a table: a key and its value.
  const inline = [...readme.matchAll(/`("[a-zA-Z]+": (?:[{["\d]|true)[^`]*)`/g)].map((match) => match[1]!);
  expect(inline.length).toBeGreaterThan(5);
  const places = Object.keys(grants);
  for (const text of inline) {
    const value: Record<string, unknown> = JSON.parse(`{${text}}`);
    const key = Object.keys(value)[0]!;
    if (places.includes(key)) parseManifest(JSON.stringify({ ...base, grants: value }), options);
    else if (key === "grants") {
      for (const name of Object.keys(value.grants as object)) expect(name).toMatch(/^[a-z]+$/);
    } else if (key in base || key === "middleware") parseManifest(JSON.stringify({ ...base, ...value }), options);
  }
});

Deno.test("the README's settings are settings, and its grants capabilities", () => {
  const names = [...new Set([...readme.matchAll(/`(SKERRY_[A-Z_]+)`/g)].map((match) => match[1]!))];
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) readSettings({ [name]: "" });
  for (const [, name] of readme.matchAll(/^\| `([a-z]+)` +\| `(?:wasi|fermyon)/gm)) {
    expect(Object.keys(grants)).toContain(name);
  }
});

Deno.test("the README's TypeScript has the right types", async () => {
  // Where it stays, what Deno has checked once it does not check again; below the root's .skerry it checks nothing.
  const directory = pathToFileURL(`${tmpdir()}/skerry-readme-types${root.pathname.replaceAll(/\W+/g, "-")}/`);
  await Deno.mkdir(directory, { recursive: true });
  const files = {
    "capability.ts": CAPABILITY,
    "capability_use.ts": CAPABILITY_TEST,
    "library.ts": LIBRARY,
    "handler.ts": HANDLER,
  };
  for (const [name, mark] of Object.entries(files)) {
    await Deno.writeTextFile(new URL(name, directory), rooted(typescript(mark)));
  }
  const config = new URL("deno.json", root).pathname;
  const names = Object.keys(files).map((name) => new URL(name, directory).pathname);
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--config", config, ...names],
    env: { NO_COLOR: "1" },
  }).output();
  expect([code, new TextDecoder().decode(stderr)]).toEqual([0, ""]);
});

Deno.test("the README's handler answers", async () => {
  const handle = component(pathToFileURL(await built("handler.ts", HANDLER)));
  const { Hono } = await import("hono");
  const response = await new Hono().all("*", handle).request("/a/b?c");
  expect(await response.text()).toBe("Hello from /a/b\n");
});

Deno.test("the README's capability runs, and so does its test", async () => {
  const wit =
    "package example:notebook@0.1.0;\ninterface notes {\n  add: func(note: string);\n  all: func() -> list<string>;\n}\n";
  await run("components/notebook/main.ts", {
    "components/notebook/capability.ts": rooted(typescript(CAPABILITY)),
    "components/notebook/main.ts": `console.assert = (fine: unknown) => {
      if (!fine) throw new Error("an assertion of the README does not hold");
    };
    await import("./readme.ts");`,
    "components/notebook/readme.ts": rooted(typescript(CAPABILITY_TEST)),
    "wit/notebook.wit": wit,
  });
});

Deno.test("the README's app of one's own serves a component and a folder", async () => {
  const manifest = { name: "hello", routes: [{ path: "/hello" }], source: "x.wasm" };
  const wasm = pathToFileURL(await fixturePath("small"));
  const said = await run("main.ts", {
    "app.ts": rooted(typescript(LIBRARY)),
    "main.ts": `import app from "./app.ts";
      for (const path of ["/x/y", "/hello"]) console.log(path, await (await app.request(path)).text());`,
    "x.wasm": wasm,
    "components/hello/x.wasm": wasm,
    "components/hello/function.json": JSON.stringify(manifest),
  });
  expect(said).toContain("/x/y hello from a small guest\n");
  expect(said).toContain("/hello hello from a small guest\n");
});

Deno.test("the README's function with a store counts", async () => {
  const wasm = await built("visits.ts", VISITS);
  const printed = await run("main.ts", {
    "main.ts": `Deno.env.set("KV_URL", "memory:");
const { Hono } = await import("hono");
const { component } = await import(${JSON.stringify(new URL("routes/mod.ts", root).href)});
const app = new Hono().all("*", component(${JSON.stringify(wasm)}, { grants: { kv: {} } }));
for (let i = 0; i < 2; i++) console.log((await (await app.request("/")).text()).trim());
Deno.exit(0);
`,
  });
  expect(printed).toBe("Visit 1\nVisit 2\n");
});
