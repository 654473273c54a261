import { expect } from "@std/expect";

/**
 * The direction of imports: main → routes → runtime/mod → {engine, capabilities} → {streams, http, task, context, …}.
 * A folder or file may import what stands to its right, and its own kind where that is listed.
 */
const root = new URL("../", import.meta.url);

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) yield* sources(`${path}/`);
    else if (path.endsWith(".ts") && !path.endsWith("_test.ts")) yield path;
  }
}

/** The project's own files that `path` imports, relative to the root. */
async function importsOf(path: string, options: { readonly types: boolean } = { types: true }): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(path, root));
  const code = text.replaceAll(/^ *\*.*$/gm, ""); // Examples in docstrings are not imports.
  const found: string[] = [];
  for (const [, what, specifier] of code.matchAll(/^(?:import|export)\b([^;]*?)from\s+"(\.[^"]+)"/gm)) {
    const isType = /^\s*type\b|^\s*\{(?:\s*type\s[^,}]*,?)+\s*\}/.test(what!);
    if (isType && !options.types) continue;
    found.push(new URL(specifier!, new URL(path, root)).href.slice(root.href.length));
  }
  return found;
}

async function violations(folder: string, allowed: (from: string, to: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  for await (const from of sources(folder)) {
    for (const to of await importsOf(from)) {
      if (!allowed(from, to)) found.push(`${from} imports ${to}`);
    }
  }
  return found;
}

Deno.test("routes/ reaches into runtime/ only through its face", async () => {
  expect(await violations("routes/", (_, to) => to.startsWith("routes/") || to === "runtime/mod.ts")).toEqual([]);
});

Deno.test("a capability imports no other capability, and nothing above it", async () => {
  const folderOf = (path: string) => path.split("/").slice(0, 3).join("/");
  const above =
    /^runtime\/(mod|dispatcher|host|functions|manifest|library)\b|^runtime\/(build|cli|triggers|engine\/(jco|native))\/|^routes\//;
  const bad = await violations("runtime/capabilities/", (from, to) => {
    if (above.test(to)) return false;
    const isList = from === "runtime/capabilities/mod.ts";
    // What all their tests need.
    if (/_testing\.ts$/.test(from) && /^runtime\/capabilities\/_\w+\.ts$/.test(to)) return true;
    return isList || !to.startsWith("runtime/capabilities/") || folderOf(from) === folderOf(to);
  });
  expect(bad).toEqual([]);
});

Deno.test("the ground knows nothing of engines, capabilities or routes", async () => {
  const files = [
    "admission",
    "context",
    "deadline",
    "errors",
    "fair_line",
    "limits",
    "log",
    "memory",
    "open_count",
    "roster",
    "task",
    "task_log",
    "trace",
    "ungranted",
    "wait_circles",
  ];
  const ground = new RegExp(String.raw`^runtime/(streams/|http/|(${files.join("|")})\.ts$)`);
  for (const folder of ["runtime/streams/", "runtime/http/"]) {
    expect(await violations(folder, (_, to) => ground.test(to))).toEqual([]);
  }
  for (const file of files) {
    expect((await importsOf(`runtime/${file}.ts`)).filter((to) => !ground.test(to))).toEqual([]);
  }
});

Deno.test("an engine knows nothing of capabilities, routes or the other engine", async () => {
  for (const engine of ["jco", "native"]) {
    const own = new RegExp(
      `^runtime/(engine/(${engine}/|meter/|[a-z_]+\\.ts)|component/|streams/|child\\.ts|[a-z]+\\.ts)`,
    );
    const bad = await violations(
      `runtime/engine/${engine}/`,
      (_, to) => own.test(to) && !/^runtime\/(mod|host|dispatcher)\.ts/.test(to),
    );
    expect(bad).toEqual([]);
  }
});

Deno.test("no files need each other to run", async () => {
  // A type declares what has types, which declare.
  const known = ["declare", "scope", "visible"].map((name) => `runtime/engine/native/${name}.ts`);
  const needs = new Map<string, readonly string[]>();
  for (const folder of ["runtime/", "routes/"]) {
    for await (const path of sources(folder)) needs.set(path, await importsOf(path, { types: false }));
  }
  const needsItself = (path: string): boolean => {
    const met = new Set<string>();
    const open = [...needs.get(path)!];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === path) return true;
      if (!met.has(next)) open.push(...needs.get(next) ?? []);
      met.add(next);
    }
    return false;
  };
  expect(needs.size).toBeGreaterThan(300);
  expect([...needs.keys()].filter(needsItself).sort()).toEqual(known);
});

Deno.test("there is one AsyncLocalStorage", async () => {
  const found: string[] = [];
  for await (const path of sources("runtime/")) {
    if (/new AsyncLocalStorage/.test(await Deno.readTextFile(new URL(path, root)))) found.push(path);
  }
  expect(found).toEqual(["runtime/context.ts"]);
});

Deno.test("no file in the serving path makes code from strings", async () => {
  const found: string[] = [];
  for (const folder of ["runtime/", "routes/"]) {
    for await (const path of sources(folder)) {
      const text = await Deno.readTextFile(new URL(path, root));
      if (/\beval\s*\(|new Function\s*\(|Deno\.dlopen|new Worker\s*\(/.test(text)) found.push(path);
    }
  }
  expect(found).toEqual([]);
});
