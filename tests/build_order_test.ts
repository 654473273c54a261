// Which function is built first, when requests come before the builds are done.
import { expect } from "@std/expect";
import { join } from "node:path";
import { createRoutes } from "../routes/mod.ts";
import { nativeEngine } from "../runtime/engine/native/mod.ts";
import { inLine } from "../runtime/line.ts";
import { FunctionRuntime } from "../runtime/mod.ts";
import { fixturePath } from "./fixtures/mod.ts";

Deno.test("a request has its function built before all others, and waits for none that is ready", async () => {
  const directory = await Deno.makeTempDir({ prefix: "skerry-order-" });
  const component = await fixturePath("small");
  const write = async (name: string, source: string) => {
    await Deno.mkdir(join(directory, name));
    const manifest = { name, routes: [{ path: `/${name}` }], source };
    await Deno.writeTextFile(join(directory, name, "function.json"), JSON.stringify(manifest));
    await Deno.copyFile(component, join(directory, name, source));
  };
  for (const name of ["a", "b", "c", "d", "e"]) await write(name, "main.ts");
  await write("ready", "main.wasm");

  const began: string[] = [];
  const ends: (() => void)[] = [];
  const runtime = new FunctionRuntime({
    directory,
    engine: nativeEngine,
    sink: () => {},
    lazy: true,
    async build({ manifest: { name, source } }) {
      if (source.kind === "component") return join(directory, name, source.path);
      const work = () => new Promise<void>((end) => ends.push(end));
      await inLine(work, { for: name, onStart: () => began.push(name) });
      return component;
    },
  });
  const app = createRoutes(runtime);
  const get = async (name: string) => await (await app.request(`/${name}`)).text();
  const until = async (count: number) => {
    for (let turn = 0; began.length < count; turn++) {
      if (turn > 5000) throw new Error(`only ${began} began`);
      await new Promise((done) => setTimeout(done, 1));
    }
  };
  try {
    await runtime.scan();
    const loading = Promise.all(runtime.functions.map((entry) => entry.ready()));
    await until(2);
    expect(await get("ready")).toBe("hello from a small guest\n");
    expect(began).toEqual(["a", "b"]);

    const first = get("d");
    const second = get("e");
    await until(3);
    ends[0]!();
    await until(4);
    expect(began).toEqual(["a", "b", "d", "e"]);
    ends[2]!();
    expect(await first).toBe("hello from a small guest\n");
    ends[3]!();
    expect(await second).toBe("hello from a small guest\n");
    await until(5);
    expect(began).toEqual(["a", "b", "d", "e", "c"]);
    ends[1]!();
    ends[4]!();
    await loading;
    expect(await get("c")).toBe("hello from a small guest\n");
  } finally {
    await runtime.stop(0);
    await Deno.remove(directory, { recursive: true });
  }
});
