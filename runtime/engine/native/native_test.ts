import { expect } from "@std/expect";
import { currentTask } from "../../context.ts";
import { SkerryError, WitError } from "../../errors.ts";
import { type Task, taskLocal } from "../../task.ts";
import { waits } from "../mod.ts";
import { call, inIsolate, linkFixture } from "./_testing.ts";
import { nativeEngine } from "./mod.ts";

const log = taskLocal((): string[] => []);

class Thing {
  readonly n: number;
  constructor(n: number) {
    this.n = n;
  }
  value() {
    return this.n;
  }
  async later() {
    await Promise.resolve();
    return this.n;
  }
  static merge(a: Thing, b: Thing) {
    return new Thing(a.n + b.n);
  }
  [Symbol.dispose]() {
    log().push(`drop ${this.n}`);
  }
}

async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await Promise.resolve();
}

/** What a promise is rejected with. */
async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not fail");
}

const HOST = {
  "test:res/host@0.2.3": {
    Thing,
    async wait(n: number) {
      await turns(n % 5);
      log().push(`waited ${n}`);
      return n;
    },
    fail(n: number) {
      if (n > 100) throw new WitError(n - 100);
      return n;
    },
  },
};

const linked = linkFixture("resources", HOST);

Deno.test("a host's resource is made, lent, given away and dropped once", async () => {
  const dropped = await inIsolate(await linked, async (isolate) => {
    expect(await call(isolate, "life")).toBe(103);
    expect(log()).toEqual(["drop 100"]);
    const dropped = log();
    isolate.dispose();
    isolate.dispose();
    return dropped;
  });
  expect(dropped).toEqual(["drop 100", "drop 3"]);
});

Deno.test("what a guest still holds is dropped when its task ends", async () => {
  let dropped: string[] = [];
  await inIsolate(await linked, async (isolate, task) => {
    await call(isolate, "life");
    dropped = log();
    task.end();
  });
  expect(dropped).toEqual(["drop 100", "drop 3"]);
});

Deno.test("a handle that was dropped traps, and the isolate is over", async () => {
  await inIsolate(await linked, async (isolate) => {
    const error = await failure(call(isolate, "doubleDrop"));
    expect(error).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(error.message).toBe("unknown handle index 1");
    const after = await failure(call(isolate, "wait", 1));
    expect(after).toBeInstanceOf(SkerryError);
    expect(after.message).toContain("the isolate is over");
  });
});

Deno.test("an error of the host goes through the guest, whatever it catches", async () => {
  const link = await linkFixture("resources", {
    "test:res/host@0.2.0": {
      ...HOST["test:res/host@0.2.3"],
      wait: waits(() => {
        throw new Error("the host is broken");
      }),
    },
  });
  await inIsolate(link, async (isolate) => {
    expect((await failure(call(isolate, "survive", 1))).message).toBe("the host is broken");
  });
  const later = await linkFixture("resources", {
    "test:res/host@0.2.0": {
      ...HOST["test:res/host@0.2.3"],
      async wait() {
        await Promise.resolve();
        throw new Error("the host broke later");
      },
    },
  });
  await inIsolate(later, async (isolate) => {
    expect((await failure(call(isolate, "survive", 1))).message).toBe("the host broke later");
  });
});

Deno.test("a guest's trap comes out as it is", async () => {
  await inIsolate(await linked, async (isolate) => {
    const error = await failure(call(isolate, "unreachable"));
    expect(error).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(error.message).toBe("unreachable");
  });
});

Deno.test("the payload of a thrown error is the err of a result", async () => {
  await inIsolate(await linked, async (isolate) => {
    expect(await call(isolate, "fail", 42)).toBe(42);
    expect(await call(isolate, "fail", 105)).toBe(1005);
  });
});

Deno.test("a nested component keeps its resources, waits, and sees them dropped", async () => {
  await inIsolate(await linked, async (isolate) => {
    expect(await call(isolate, "count", 3)).toBe(3003);
    expect(await call(isolate, "count", 4)).toBe(4007);
  });
});

Deno.test("hundreds of guests that wait in turn each find their own isolate and task", async () => {
  const link = await linked;
  const one = (rounds: number) =>
    inIsolate(link, async (isolate, task) => {
      expect(await call(isolate, "spin", rounds)).toBe(rounds);
      expect(log()).toEqual(Array.from({ length: rounds }, (_, i) => `waited ${i}`));
      expect(task.calls).toEqual(new Map([["test:res/host#wait", rounds]]));
    });
  await Promise.all(Array.from({ length: 300 }, (_, i) => one(5 + i % 20)));
});

Deno.test("a guest that is called while it waits traps", async () => {
  await inIsolate(await linked, async (isolate) => {
    const first = call(isolate, "wait", 3).catch((e) => e.message);
    const second = (await failure(call(isolate, "wait", 1))).message;
    expect(second).toBe("cannot enter component instance");
    expect(await Promise.race([first, turns(50)])).not.toBe(7);
  });
});

Deno.test("once its task is over, a suspended guest is not resumed", async () => {
  const gate = Promise.withResolvers<number>();
  let calls = 0;
  const link = await linkFixture("resources", {
    "test:res/host@0.2.0": {
      ...HOST["test:res/host@0.2.3"],
      wait: waits(() => {
        calls++;
        return gate.promise;
      }),
    },
  });
  let settled = false;
  let task: Task | undefined;
  await inIsolate(link, async (isolate) => {
    task = currentTask();
    call(isolate, "wait", 1).finally(() => settled = true);
    await turns(3);
    task.end();
    expect((await failure(call(isolate, "wait", 1))).message).toContain("the isolate is over");
  });
  gate.resolve(1);
  await turns(50);
  expect(calls).toBe(1);
  expect(settled).toBe(false);
});

Deno.test("a missing interface or function is named", async () => {
  const error = await failure(linkFixture("resources", {}));
  expect((error as SkerryError).code).toBe("component-import-missing");
  expect(error.message).toContain("test:res/host@0.2.0 (no version of it)");
  const { wait: _, ...lacking } = HOST["test:res/host@0.2.3"];
  const less = await failure(linkFixture("resources", { "test:res/host@0.2.0": lacking }));
  expect(less.message).toContain("test:res/host@0.2.0#wait");
});

Deno.test("a core module and a broken one are refused by name", async () => {
  const core = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const error = await failure(nativeEngine.load(core, { name: "core.wasm" }));
  expect((error as SkerryError).code).toBe("component-malformed");
  expect(error.message).toContain("core.wasm");
});

Deno.test("mutated components are taken or refused clearly, whatever is wrong with them", async () => {
  let seed = 3;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 2 ** 32 * below);
  };
  let refused = 0;
  for (const name of ["resources", "values", "async", "traces"]) {
    const original = await Deno.readFile(new URL(`./testdata/${name}.wasm`, import.meta.url));
    for (let round = 0; round < 500; round++) {
      const bytes = original.slice();
      for (let i = random(3); i >= 0; i--) bytes[8 + random(bytes.length - 8)] = random(256);
      try {
        await nativeEngine.load(bytes, { name });
      } catch (error) {
        if (!(error instanceof SkerryError)) throw error;
        expect(error.message).toContain(name);
        refused++;
      }
    }
  }
  expect(refused).toBeGreaterThan(500);
});
