import { expect } from "@std/expect";
import { join } from "node:path";
import { SkerryError } from "./errors.ts";
import { type FunctionEvent, type FunctionFolder, FunctionRegistry } from "./functions.ts";
import { httpGrant } from "./capabilities/http/grant.ts";

/** A folder of functions, and a registry on it whose loads answer with the bytes of the component as text. */
class World implements AsyncDisposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "skerry-functions-" });
  readonly events: FunctionEvent[] = [];
  readonly registry: FunctionRegistry<string>;
  loads = 0;
  /** Replaces how a component loads. */
  load: (folder: FunctionFolder) => Promise<string> = async ({ directory, manifest }) => {
    const text = await Deno.readTextFile(join(directory, manifest.source.path));
    if (text === "garbage") throw new SkerryError("component-malformed", "loading: not a component");
    return text;
  };

  constructor(options: { lazy?: boolean } = {}) {
    this.registry = new FunctionRegistry({
      directory: this.directory,
      grants: { http: httpGrant },
      load: (folder) => {
        this.loads++;
        return this.load(folder);
      },
      report: (event) => this.events.push(event),
      ...options,
    });
  }

  write(folder: string, manifest: Record<string, unknown> | string, component: string | null = folder): void {
    const directory = join(this.directory, folder);
    Deno.mkdirSync(directory, { recursive: true });
    const written = typeof manifest === "string"
      ? manifest
      : JSON.stringify({ name: folder, routes: [{ path: `/${folder}` }], source: "main.wasm", ...manifest });
    Deno.writeTextFileSync(join(directory, "function.json"), written);
    if (component !== null) Deno.writeTextFileSync(join(directory, "main.wasm"), component);
  }

  /** What each function serves, or the code of what keeps it from serving. */
  async serving(): Promise<Record<string, string>> {
    const serving: Record<string, string> = {};
    for (const entry of this.registry.entries) {
      serving[entry.name] = await entry.ready().catch((error: SkerryError) => (error.cause as SkerryError).code);
    }
    return serving;
  }

  file(folder: string): string {
    return join(this.directory, folder, "function.json");
  }

  get kinds(): string[] {
    return this.events.splice(0).map(({ kind, name }) => `${kind} ${name}`);
  }

  problem(name: string): string {
    return this.registry.entries.find((entry) => entry.name === name)?.problem?.message ?? "none";
  }

  async [Symbol.asyncDispose]() {
    await Deno.remove(this.directory, { recursive: true });
  }
}

Deno.test("a manifest with another name breaks its function, and says so until it is renamed", async () => {
  await using world = new World();
  world.write("a", {});
  Deno.renameSync(world.file("a"), join(world.directory, "a", "functions.json"));
  await world.registry.scan();
  expect(await world.serving()).toEqual({ a: "manifest-invalid" });
  expect(world.problem("a")).toMatch(/a\/function\.json.*: is missing; rename functions\.json/);
  Deno.renameSync(join(world.directory, "a", "functions.json"), world.file("a"));
  await world.registry.refresh("a");
  expect(await world.serving()).toEqual({ a: "a" });
});

Deno.test("a registry serves every folder that holds a manifest", async () => {
  await using world = new World();
  world.write("b", {});
  world.write("a", { name: "alpha" });
  Deno.mkdirSync(join(world.directory, "notes"));
  Deno.writeTextFileSync(join(world.directory, "function.schema.json"), "{}");
  await world.registry.scan();
  expect(await world.serving()).toEqual({ alpha: "a", b: "b" });
  expect(world.registry.entries.map(({ routes }) => routes[0]?.path)).toEqual(["/a", "/b"]);
  expect(world.kinds.sort()).toEqual(["ready alpha", "ready b"]);
});

Deno.test("a broken function does not stop the others, and keeps its routes", async () => {
  await using world = new World();
  world.write("good", {});
  world.write("misspelt", { limits: { wallMS: 1 } });
  world.write("garbage", {}, "garbage");
  world.write("nojson", "{ name: 1 }");
  world.write("nofile", {}, null);
  await world.registry.scan();
  expect(await world.serving()).toEqual({
    good: "good",
    misspelt: "manifest-invalid",
    garbage: "component-malformed",
    nojson: "manifest-invalid",
    nofile: "manifest-invalid",
  });
  const routes = Object.fromEntries(world.registry.entries.map(({ name, routes }) => [name, routes.length]));
  expect(routes).toEqual({ good: 1, misspelt: 1, garbage: 1, nojson: 0, nofile: 1 });
  expect(world.problem("misspelt")).toContain('limits.wallMS: no such key; write "wallMs"');
});

Deno.test("a source that is not there is a mistake of the manifest, with what is there", async () => {
  await using world = new World();
  world.write("a", { source: "mian.wasm" });
  world.write("b", { source: "other.ts" }, null);
  await world.registry.scan();
  expect(world.problem("a")).toMatch(/source: there is no mian\.wasm in .*a; write "main\.wasm"\.$/);
  expect(world.problem("b")).toMatch(/source: there is no other\.ts in .*b; put one there\.$/);
});

Deno.test("ready() says that a function is broken, with the reason as the cause", async () => {
  await using world = new World();
  world.write("a", {}, "garbage");
  await world.registry.scan();
  const error = await world.registry.entries[0]!.ready().catch((error) => error);
  expect(error.code).toBe("function-broken");
  expect(error.cause.code).toBe("component-malformed");
});

Deno.test("of two functions that claim one route the first keeps it, and the message names both files", async () => {
  await using world = new World();
  world.write("a", { routes: [{ path: "/users/:id", methods: ["GET", "PUT"] }] });
  world.write("b", { routes: [{ path: "/users/:name", methods: ["PUT"] }, { path: "/free" }] });
  world.write("c", { routes: [{ path: "/users/:id", methods: ["DELETE"] }] });
  world.write("d", { routes: [{ path: "/users/:id", host: "d.example" }] });
  await world.registry.scan();
  expect(await world.serving()).toEqual({ a: "a", b: "route-conflict", c: "c", d: "d" });
  expect(world.problem("b")).toBe(
    `reading ${world.file("b")}:1:23: routes[0]: "PUT /users/:name" is taken by "GET, PUT /users/:id" in ` +
      `${world.file("a")}; change one of the two.`,
  );
  const b = world.registry.entries.find(({ name }) => name === "b")!;
  expect(b.routes.map(({ path }) => path)).toEqual(["/free"]);
});

Deno.test("two functions of one name are told apart", async () => {
  await using world = new World();
  world.write("a", {});
  world.write("b", { name: "a" });
  await world.registry.scan();
  const problems = world.registry.entries.map(({ problem }) => problem?.message ?? "");
  expect(problems[0]).toBe("");
  expect(problems[1]).toContain(`name: "a" is the name in ${world.file("a")}; write another.`);
});

Deno.test("whoever lost a conflict serves as soon as the other gives the route up", async () => {
  await using world = new World();
  world.write("a", { routes: [{ path: "/x" }] });
  world.write("b", { routes: [{ path: "/x" }] });
  await world.registry.scan();
  expect(await world.serving()).toEqual({ a: "a", b: "route-conflict" });
  expect(world.kinds.sort()).toEqual(["broken b", "ready a"]);
  const gate = Promise.withResolvers<void>();
  const load = world.load;
  world.load = async (folder) => {
    await gate.promise;
    return await load(folder);
  };
  world.write("a", { routes: [{ path: "/y" }] });
  const refreshed = world.registry.refresh("a");
  await world.registry.refresh("nothing");
  expect(await world.serving()).toEqual({ a: "a", b: "route-conflict" });
  gate.resolve();
  await refreshed;
  expect(await world.serving()).toEqual({ a: "a", b: "b" });
  expect(world.kinds).toEqual(["replaced a", "ready b"]);
});

Deno.test("a queue has one function: of two that receive from it the first keeps it, until it gives it up", async () => {
  await using world = new World();
  world.write("a", { queues: [{ name: "orders" }] });
  world.write("b", { queues: [{ name: "mail" }, { name: "orders" }] });
  await world.registry.scan();
  expect(await world.serving()).toEqual({ a: "a", b: "route-conflict" });
  expect(world.problem("b")).toContain(
    `queues[1].name: "orders" has a function already, in ${world.file("a")}; write another.`,
  );
  world.write("a", {});
  await world.registry.refresh("a");
  expect(await world.serving()).toEqual({ a: "a", b: "b" });
  expect(world.registry.entries.map(({ queues }) => queues.map(({ name }) => name))).toEqual([[], ["mail", "orders"]]);
});

Deno.test("a route belongs to the version that is still loading as well", async () => {
  await using world = new World();
  world.write("a", {});
  world.write("b", {});
  await world.registry.scan();
  const gate = Promise.withResolvers<string>();
  world.load = () => gate.promise;
  world.write("a", { routes: [{ path: "/new" }] });
  const refreshed = world.registry.refresh("a");
  world.write("b", { routes: [{ path: "/new" }] });
  const other = world.registry.refresh("b");
  gate.resolve("new");
  await Promise.all([refreshed, other]);
  expect(world.registry.entries.map(({ routes }) => routes[0]?.path)).toEqual(["/new", "/b"]);
  expect(world.problem("b")).toContain(`"/new" is taken by "/new" in ${world.file("a")}`);
});

Deno.test("whoever serves a route keeps it when another folder claims it later, whatever its name", async () => {
  await using world = new World();
  world.write("b", { routes: [{ path: "/x" }] });
  await world.registry.scan();
  world.write("a", { routes: [{ path: "/x" }] });
  await world.registry.refresh("a");
  expect(await world.serving()).toEqual({ a: "route-conflict", b: "b" });
});

Deno.test("a function that is replaced serves its last good version until the new one is loaded", async () => {
  await using world = new World();
  world.write("a", {}, "one");
  await world.registry.scan();
  const [entry] = world.registry.entries;
  const before = world.registry.version;
  const gate = Promise.withResolvers<void>();
  const load = world.load;
  world.load = async (folder) => {
    await gate.promise;
    return await load(folder);
  };
  world.write("a", { routes: [{ path: "/new" }] }, "two");
  const refreshed = world.registry.refresh("a");
  expect(await entry!.ready()).toBe("one");
  expect(entry!.routes[0]?.path).toBe("/a");
  gate.resolve();
  await refreshed;
  expect(await entry!.ready()).toBe("two");
  expect(entry!.routes[0]?.path).toBe("/new");
  expect(world.registry.version).toBeGreaterThan(before);
  expect(world.kinds).toEqual(["ready a", "replaced a"]);
});

Deno.test("a new version that is broken leaves the last good one in service, and says why", async () => {
  await using world = new World();
  world.write("a", {}, "one");
  await world.registry.scan();
  world.write("a", {}, "garbage");
  await world.registry.refresh("a");
  expect(await world.serving()).toEqual({ a: "one" });
  expect(world.problem("a")).toBe("loading: not a component");
  world.write("a", "{", null);
  await world.registry.refresh("a");
  expect(await world.serving()).toEqual({ a: "one" });
  expect(world.registry.entries[0]!.routes.length).toBe(1);
  world.write("a", {}, "two");
  await world.registry.refresh("a");
  expect(await world.serving()).toEqual({ a: "two" });
  expect(world.problem("a")).toBe("none");
  expect(world.kinds).toEqual(["ready a", "kept a", "kept a", "replaced a"]);
});

Deno.test("a slow load does not overtake a newer one", async () => {
  await using world = new World();
  const gates = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  let started = 0;
  world.load = () => gates[started++]!.promise;
  world.write("a", {});
  const first = world.registry.scan();
  while (started < 1) await new Promise((done) => setTimeout(done));
  const ready = world.registry.entries[0]!.ready();
  const second = world.registry.refresh("a");
  while (started < 2) await new Promise((done) => setTimeout(done));
  gates[1]!.resolve("new");
  await second;
  gates[0]!.resolve("old");
  await first;
  expect(await world.serving()).toEqual({ a: "new" });
  expect(await ready).toBe("new");
});

Deno.test("a function whose folder is gone is gone, and one that appears is served", async () => {
  await using world = new World();
  world.write("a", {});
  await world.registry.scan();
  await Deno.remove(join(world.directory, "a"), { recursive: true });
  world.write("b", { routes: [{ path: "/a" }] });
  await world.registry.refresh("a");
  await world.registry.refresh("b");
  expect(await world.serving()).toEqual({ b: "b" });
  expect(world.kinds).toEqual(["ready a", "removed a", "ready b"]);
});

Deno.test("a lazy registry loads a function once, when its first requests come", async () => {
  await using world = new World({ lazy: true });
  world.write("a", {});
  world.write("b", {});
  await world.registry.scan();
  expect(world.loads).toBe(0);
  const [a] = world.registry.entries;
  expect(await Promise.all([a!.ready(), a!.ready()])).toEqual(["a", "a"]);
  expect(world.loads).toBe(1);
});

Deno.test("a folder of functions that is not there is one clear error", async () => {
  await using world = new World();
  await Deno.remove(world.directory, { recursive: true });
  await expect(world.registry.scan()).rejects.toThrow(
    `reading the functions in ${world.directory}: there is no such folder`,
  );
  Deno.mkdirSync(world.directory);
});
