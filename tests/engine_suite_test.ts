/**
 * What every engine has to do, run against each of them. The guests are in `fixtures/wat`.
 *
 * @module
 */
import { expect } from "@std/expect";
import { runChild } from "../runtime/child.ts";
import { createJcoEngine } from "../runtime/engine/jco/mod.ts";
import { nativeEngine } from "../runtime/engine/native/mod.ts";
import type { Engine, HostImports, Isolate } from "../runtime/engine/mod.ts";
import { SkerryError, WitError } from "../runtime/errors.ts";
import { echoes, inTask, orThrow, plain, refused, type Result, SAMPLES, thrown, turn, World } from "./_guest_world.ts";

const ENGINES: readonly Engine[] = [
  createJcoEngine({ cacheDir: new URL("../.skerry/jco/", import.meta.url) }),
  nativeEngine,
];

const VALUES = "test:values/guest@1.0.0";
const THINGS = "test:things/guest@1.0.0";

for (const engine of ENGINES) {
  const test = (what: string, body: () => Promise<void>) => Deno.test(`${engine.name}: ${what}`, body);
  const load = async (name: string) =>
    engine.load(await Deno.readFile(new URL(`fixtures/wat/${name}.wasm`, import.meta.url)), { name });

  test("values of every kind come back from the host as they were", async () => {
    const seen = new Map<string, unknown>();
    const host: Record<string, unknown> = {};
    for (const name of Object.keys(SAMPLES)) {
      host[name] = (value: unknown) => {
        seen.set(name, value);
        return value;
      };
    }
    const component = await (await load("values")).link({
      "test:values/host@1.0.0": {
        ...host,
        // The err of a result that is a function's own is thrown, on both sides.
        echoResult: (value: Result) => orThrow(value),
        echoEmptyResult: (value: Result) => orThrow(value),
      },
    });
    await inTask("values", async () => {
      const { exports } = await component.instantiate();
      for (const [name, samples] of Object.entries(SAMPLES)) {
        for (const sample of samples) {
          const answer = await exports[VALUES]![name]!(sample);
          expect([name, plain(seen.get(name))]).toEqual([name, plain(sample)]);
          expect([name, plain(answer)]).toEqual([name, plain(sample)]);
        }
      }
      expect(await exports[VALUES]!.echoResult!({ tag: "ok", val: 7 })).toBe(7);
      expect(await refused(exports[VALUES]!.echoResult!({ tag: "err", val: "no" }))).toBe("no");
      expect(await exports[VALUES]!.echoEmptyResult!({ tag: "ok" })).toBe(undefined);
      expect(await refused(exports[VALUES]!.echoEmptyResult!({ tag: "err" }))).toBe(undefined);
    });
  });

  test("a case that its type does not have never reaches the guest", async () => {
    const component = await (await load("values")).link({ "test:values/host@1.0.0": echoes() });
    for (const [name, wrong] of [["echoColor", "mauve"], ["echoShape", { tag: "cube" }]] as const) {
      await inTask("values", async () => {
        const { exports } = await component.instantiate();
        expect(await thrown(exports[VALUES]![name]!(wrong))).toBeInstanceOf(Error);
      });
    }
  });

  test("a component sees its imports and exports by their names in the binary", async () => {
    const component = await load("things");
    expect(component.exports).toEqual([THINGS]);
    expect(component.imports.map((item) => item.name)).toEqual(["test:things/host@1.0.0"]);
    expect(component.imports[0]!.functions).toContain("[method]thing.slow-get");
  });

  test("constructors, static functions, methods and drops reach the host's class, and are counted", async () => {
    const world = new World();
    await world.run(await load("things"), "a", async ({ exports }, task) => {
      expect(await exports[THINGS]!.sum!(3, 4)).toBe(7);
      expect(Object.fromEntries(task.calls)).toEqual({
        "test:things/host#[constructor]thing": 1,
        "test:things/host#[static]thing.make": 1,
        "test:things/host#[method]thing.get": 2,
      });
      expect(world.events).toEqual(["a: drop 3", "a: drop 4"]);
      expect(await exports[THINGS]!.slowSum!(5, 6)).toBe(11);
      expect(task.calls.get("test:things/host#[method]thing.slow-get")).toBe(2);
    });
  });

  test("an owned resource moves to the host, a borrowed one stays with the guest", async () => {
    const world = new World();
    await world.run(await load("things"), "a", async ({ exports }) => {
      expect(await exports[THINGS]!.merge!(30, 4)).toBe(34);
      expect(world.events).toEqual(["a: drop 34", "a: drop 4"]);
      await exports[THINGS]!.give!(9);
    });
    // 30 and 9 belong to the host now: ending the isolate leaves them alone.
    expect(world.events).toEqual(["a: drop 34", "a: drop 4", "a: take 9"]);
  });

  test("a host resource that is lent to an export stays the host's", async () => {
    const world = new World();
    const lent = new world.Thing(12);
    await world.run(await load("things"), "a", async ({ exports }) => {
      expect(await exports[THINGS]!.look!(lent)).toBe(12);
    });
    // This one has it still when it ends.
    await world.run(await load("things"), "b", async ({ exports }) => {
      exports[THINGS]!.slowLook!(lent).catch(() => {});
      while (world.waiting.length < 1) await turn();
    });
    expect(world.events).toEqual([]);
  });

  test("resources that a guest keeps are dropped exactly once when its isolate ends, in its task", async () => {
    const world = new World();
    let isolate: Isolate | undefined;
    await world.run(await load("things"), "a", async (running) => {
      isolate = running;
      await running.exports[THINGS]!.hold!(3);
      expect(await running.exports[THINGS]!.holdList!(3)).toBe(3);
      expect(world.events.splice(0)).toEqual(["a: drop 100"]);
      running.dispose();
      const dropped = ["a: drop 1", "a: drop 101", "a: drop 102", "a: drop 2", "a: drop 3"];
      expect(world.events.toSorted()).toEqual(dropped);
      running.dispose();
    });
    isolate!.dispose();
    expect(world.events.length).toBe(5);
  });

  test("the end of the task ends its isolates", async () => {
    const world = new World();
    await world.run(await load("things"), "a", async ({ exports }, task) => {
      await exports[THINGS]!.hold!(1);
      task.end();
      expect(world.events).toEqual(["a: drop 1"]);
      expect(await thrown(exports[THINGS]!.who!())).toBeInstanceOf(SkerryError);
    });
  });

  test("a host that fails to drop a resource does not keep the others from being dropped", async () => {
    const world = new World();
    await world.run(await load("things"), "a", async ({ exports }) => {
      await exports[THINGS]!.hold!(3);
      world.failDrop = 2;
    });
    expect(world.events.toSorted()).toEqual(["a: drop 1", "a: drop 3"]);
  });

  test("a trap rejects the call, and what the guest held is dropped with the isolate", async () => {
    const world = new World();
    await world.run(await load("things"), "a", async ({ exports }) => {
      expect(await thrown(exports[THINGS]!.holdAndTrap!())).toBeInstanceOf(WebAssembly.RuntimeError);
      expect(await thrown(exports[THINGS]!.who!())).toBeInstanceOf(Error);
    });
    expect(world.events).toEqual(["a: drop 1"]);
  });

  test("the payload of a host error is the guest's err; the guest goes on", async () => {
    const world = new World();
    await world.run(await load("things"), "a", async ({ exports }) => {
      for (const name of ["fail", "slowFail"]) {
        world.failure = new WitError("not now");
        expect(await refused(exports[THINGS]![name]!())).toBe("not now");
        // A payload is what counts, not the class.
        world.failure = Object.assign(new Error("x"), { payload: "nor then" });
        expect(await refused(exports[THINGS]![name]!())).toBe("nor then");
        world.failure = undefined;
        expect(await exports[THINGS]![name]!()).toBe(5);
      }
    });
  });

  for (const name of ["fail", "slowFail"]) {
    test(`whatever else a host function throws in ${name} traps the guest, and no other`, async () => {
      const world = new World();
      const component = await load("things");
      await world.run(component, "bystander", async (bystander) => {
        for (const failure of [new TypeError("broken"), "a bare string", { tag: "error" }, null]) {
          await world.run(component, "a", async ({ exports }) => {
            world.failure = failure;
            const error = await thrown(exports[THINGS]![name]!());
            if (failure instanceof Error) expect(error).toBe(failure);
            else expect(error).toBeInstanceOf(Error);
            world.failure = undefined;
            expect(await thrown(exports[THINGS]!.who!())).toBeInstanceOf(Error);
          });
        }
        expect(await bystander.exports[THINGS]!.who!()).toBe("bystander");
      });
    });
  }

  test("a payload of the wrong type traps the guest", async () => {
    const world = new World();
    await world.run(await load("things"), "a", async ({ exports }) => {
      world.failure = new WitError(42n);
      expect(await thrown(exports[THINGS]!.fail!())).toBeInstanceOf(Error);
    });
  });

  test("an error of a function without a result traps the guest with that very error", async () => {
    const world = new World();
    await world.run(await load("things"), "a", async ({ exports }) => {
      world.failure = new WitError("nobody takes this");
      expect(await thrown(exports[THINGS]!.explode!())).toBe(world.failure);
    });
  });

  test("a waiting host function suspends its guest alone, and every call sees its own task", async () => {
    const world = new World();
    const component = await load("things");
    const runs = ["a", "b", "c"].map((id) =>
      world.run(component, id, async ({ exports }) => {
        expect(await exports[THINGS]!.slowWho!()).toBe(id);
        expect(await exports[THINGS]!.slowWho!()).toBe(id);
      })
    );
    // All three wait at once; then they go on in another order than they came.
    for (let round = 0; round < 2; round++) {
      while (world.waiting.length < 3) await turn();
      for (const go of world.waiting.splice(0).reverse()) go();
    }
    await Promise.all(runs);
    expect(world.events).toEqual([]);
  });

  test("isolates of one component share nothing", async () => {
    const world = new World();
    const component = await load("things");
    await world.run(component, "a", async (a) => {
      await world.run(component, "b", async (b) => {
        expect(await a.exports[THINGS]!.count!()).toBe(1);
        expect(await a.exports[THINGS]!.count!()).toBe(2);
        expect(await b.exports[THINGS]!.count!()).toBe(1);
        await a.exports[THINGS]!.hold!(1);
        b.dispose();
        expect(world.events).toEqual([]);
        expect(await a.exports[THINGS]!.count!()).toBe(3);
      });
    });
  });

  test("a guest whose task ends while it waits never runs again", async () => {
    const world = new World();
    await world.run(await load("things"), "a", async ({ exports }, task) => {
      let settled = false;
      const call = exports[THINGS]!.slowCount!();
      call.then(() => settled = true, () => settled = true);
      while (world.waiting.length < 1) await turn();
      task.end();
      for (const go of world.waiting.splice(0)) go();
      for (let i = 0; i < 10; i++) await turn();
      expect(settled).toBe(false);
      expect(task.calls.has("test:things/host#who")).toBe(false);
    });
  });

  test("what waited for ever is collected after the end", async () => {
    await load("things");
    const { stdout, stderr } = await runChild({
      script: new URL("fixtures/wat/leak.ts", import.meta.url),
      flags: ["--allow-read", "--no-check", "--v8-flags=--expose-gc"],
      args: [engine.name],
    });
    const alive = Number(new TextDecoder().decode(stdout));
    // What ran last may be on the stack still.
    expect([stderr, alive <= 2 ? "few" : alive]).toEqual(["", "few"]);
  });

  test("a guest whose task ends while it runs calls the host no more", async () => {
    const world = new World();
    await world.run(await load("things"), "a", async ({ exports }, task) => {
      world.beforeNew = () => task.end();
      exports[THINGS]!.hold!(3).catch(() => {});
      for (let i = 0; i < 10; i++) await turn();
      expect(Object.fromEntries(task.calls)).toEqual({ "test:things/host#[constructor]thing": 1 });
    });
  });

  test("a guest whose host call fails after the end of its task never hears of it", async () => {
    const world = new World();
    await world.run(await load("things"), "a", async ({ exports }, task) => {
      let settled = false;
      exports[THINGS]!.slowFail!().then(() => settled = true, () => settled = true);
      world.failure = new WitError("too late");
      task.end();
      for (let i = 0; i < 10; i++) await turn();
      expect(settled).toBe(false);
    });
  });

  test("a guest can catch neither a failure of the host nor its own end", async () => {
    const world = new World();
    const component = await load("things");
    await world.run(component, "a", async ({ exports }, task) => {
      world.failure = new TypeError("broken");
      const call = exports[THINGS]!.cling!();
      while (world.waiting.length < 1) await turn();
      for (const go of world.waiting.splice(0)) go();
      expect(await thrown(call)).toBe(world.failure);
      expect(task.calls.has("test:things/host#who")).toBe(false);
    });
    await world.run(component, "b", async ({ exports }, task) => {
      exports[THINGS]!.cling!().catch(() => {});
      while (world.waiting.length < 1) await turn();
      task.end();
      for (const go of world.waiting.splice(0)) go();
      for (let i = 0; i < 10; i++) await turn();
      expect(task.calls.has("test:things/host#who")).toBe(false);
    });
    await world.run(component, "c", async ({ exports }) => {
      world.failure = undefined;
      const call = exports[THINGS]!.cling!();
      while (world.waiting.length < 1) await turn();
      for (const go of world.waiting.splice(0)) go();
      expect(await call).toBe("c");
    });
  });

  test("the host may be newer than the component", async () => {
    const component = await load("things");
    await component.link({ "test:things/host@1.7.3": new World().host });
    await expect(component.link({ "test:things/host@2.0.0": new World().host })).rejects.toThrow(
      /test:things\/host@2\.0\.0/,
    );
  });

  test("linking names everything that the host lacks", async () => {
    const component = await load("things");
    const failure = async (host: HostImports) => {
      const error = await thrown(component.link(host));
      expect(error).toBeInstanceOf(SkerryError);
      expect((error as SkerryError).code).toBe("component-import-missing");
      return (error as SkerryError).message;
    };
    expect(await failure({})).toContain("test:things/host@1.0.0");
    const { who: _who, Thing: _Thing, ...rest } = new World().host;
    const partly = await failure({ "test:things/host@1.0.0": rest });
    expect(partly).toContain("test:things/host@1.0.0#who");
    expect(partly).toContain("[method]thing.slow-get");
    expect(partly).not.toContain("#take");
    const lame = await failure({
      "test:things/host@1.0.0": {
        ...rest,
        who: () => "",
        Thing: class {
          get() {}
        },
      },
    });
    expect(lame).toContain("[method]thing.slow-get");
    expect(lame).not.toContain("thing.get");
  });

  test("what is no component is refused with a clear reason", async () => {
    const whole = await Deno.readFile(new URL("fixtures/wat/things.wasm", import.meta.url));
    const core = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const random = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7919 + 13) % 251);
    for (
      const [bytes, reason] of [[core, /core WebAssembly module/], [random, /WebAssembly/], [
        new Uint8Array(0),
        /./,
      ]] as const
    ) {
      const error = await thrown(engine.load(bytes, { name: "odd" }));
      expect(error).toBeInstanceOf(SkerryError);
      expect((error as SkerryError).code).toBe("component-malformed");
      expect((error as SkerryError).message).toMatch(reason);
      expect((error as SkerryError).message).toContain("odd");
    }
    for (const length of [7, 8 + 200, whole.length >> 1, whole.length - 1]) {
      const error = await thrown(engine.load(whole.slice(0, length), { name: "cut" }));
      expect([length, (error as SkerryError).code]).toEqual([length, "component-malformed"]);
    }
  });
}
