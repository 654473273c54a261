import { expect } from "@std/expect";
import { decodeComponent } from "../../component/mod.ts";
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { waits } from "../mod.ts";
import type { Engine, Isolate, LinkedComponent } from "../mod.ts";
import { call, inIsolate } from "./_testing.ts";
import { elaborate } from "./elaborate.ts";
import { createNativeEngine } from "./mod.ts";
import { NativeIsolate } from "./isolate.ts";
import { link } from "./link.ts";
import { InstancePool } from "./pool.ts";
import { isRestorable, LOWEST, NOTES, prepared, restoringOf, trackingsOf } from "./restorable.ts";
import { SLACK_PAGES } from "./slack.ts";
import { MAX_RANGE_CODE_BYTES } from "./tracking.ts";

const TRACES = Deno.readFileSync(new URL("./testdata/traces.wasm", import.meta.url));

const gate = Promise.withResolvers<void>();
let dropped = 0;
const HOST = {
  "test:traces/host": {
    Thing: class {
      [Symbol.dispose]() {
        dropped++;
      }
    },
    wait: waits(() => gate.promise),
    text: () => "written by the host",
    pair: () => [1, 2n],
  },
};

const linkWith = async (engine: Engine) => await (await engine.load(TRACES, { name: "traces" })).link(HOST);
/** By how a module keeps note of where it writes. */
const TRACKINGS = { range: MAX_RANGE_CODE_BYTES, pages: 0 };

async function state(linked: LinkedComponent): Promise<unknown> {
  return await inIsolate(linked, (isolate) => call(isolate, "state"));
}

/** What a fresh instance looks like, made by an engine that never uses one again. */
const FRESH = await state(await linkWith(createNativeEngine({ restore: false })));

const PLAN = elaborate(TRACES, decodeComponent(TRACES), "traces");
const SOURCES = PLAN.modules.map((plan) => ({ bytes: TRACES, plan }));

const WRITERS = [
  ..."poke poke8 poke16 long long8 long16 long32 single double vector lane8 lane16 lane32 lane64".split(" "),
  ..."far copy init filled string result".split(" "),
];

for (const [tracked, rangeCodeBytes] of Object.entries(TRACKINGS)) {
  const linked = linkWith(createNativeEngine({ rangeCodeBytes }));
  const trackings = trackingsOf(PLAN, SOURCES, rangeCodeBytes);
  const restoring = restoringOf(TRACES, PLAN, SOURCES, undefined, trackings);
  /** One request that runs `body`, then what the next request finds. */
  const after = async (body: (isolate: Isolate) => Promise<unknown>): Promise<unknown> => {
    await inIsolate(await linked, body);
    return await state(await linked);
  };

  Deno.test(`${tracked}: this guest's instances are used again, and the test would see a trace`, async () => {
    expect(isRestorable(TRACES, PLAN, SOURCES)).toBe(true);
    await inIsolate(await linked, async (isolate) => {
      expect(await call(isolate, "state")).toBe(FRESH);
      await call(isolate, "poke", 0, 1);
      expect(await call(isolate, "state")).not.toBe(FRESH);
    });
  });

  Deno.test(`${tracked}: the next request finds nothing of what a guest wrote`, async () => {
    expect(await after((i) => call(i, "poke", 0, 1))).toBe(FRESH);
    expect(await after((i) => call(i, "poke", 17 * 65536 - 4, 0xffffffff))).toBe(FRESH);
    expect(await after((i) => call(i, "poke", 1048576, 0))).toBe(FRESH);
    expect(await after((i) => call(i, "fill", 0, 0xaa, 17 * 65536))).toBe(FRESH);
    expect(await after((i) => call(i, "set", 5, 6n, 7.5))).toBe(FRESH);
    expect(await after((i) => call(i, "set", 0, 0n, NaN))).toBe(FRESH);
  });

  for (const writer of WRITERS) {
    Deno.test(`${tracked}: the next request finds nothing of what "${writer}" wrote, at the edges of pages too`, async () => {
      const places = [0, 1, 4088, 4091, 4095, 4096, 8191, 65535, 500_000, 1048575, 1099999, 17 * 65536 - 24];
      for (const at of places) {
        let changed: unknown;
        const found = await after(async (isolate) => {
          await call(isolate, writer, at, 0xffffffff);
          changed = await call(isolate, "state");
        });
        expect(changed).not.toBe(FRESH);
        expect(found).toBe(FRESH);
      }
      // Two at once: what lies between them is restored as well.
      expect(
        await after(async (isolate) => {
          for (const at of places.toReversed()) await call(isolate, writer, at, 0xffffffff);
        }),
      ).toBe(FRESH);
    });
  }

  Deno.test(`${tracked}: the notes of where this guest writes are kept`, () => {
    expect(restoring.states.map(({ tracked }) => tracked)).toEqual([tracked, tracked]);
  });

  Deno.test(`${tracked}: the next request finds no grown memory`, async () => {
    expect(await after((i) => call(i, "grow", 3))).toBe(FRESH);
    expect(await after((i) => call(i, "grow", 0))).toBe(FRESH);
    expect(await after((i) => call(i, "grow", SLACK_PAGES + 1))).toBe(FRESH);
    const grown = await after(async (isolate) => {
      expect(await call(isolate, "grow", SLACK_PAGES)).toBe(17);
      await call(isolate, "fill", 0, 0xaa, (17 + SLACK_PAGES) * 65536);
    });
    expect(grown).toBe(FRESH);
  });

  Deno.test(`${tracked}: the next request finds no handle of the last, which was dropped`, async () => {
    dropped = 0;
    for (let i = 0; i < 3; i++) {
      expect(await inIsolate(await linked, (isolate) => call(isolate, "hold"))).toBe(1);
    }
    expect(dropped).toBe(3);
  });

  /** The instances that are kept after one request that calls `name`. */
  const poolAfter = async (name: string, wait: boolean, ...args: unknown[]): Promise<InstancePool> => {
    const pool = new InstancePool(PLAN, restoring);
    const modules = SOURCES.map(({ plan }, i) =>
      new WebAssembly.Module(prepared(TRACES, plan, undefined, trackings[i]))
    );
    const linked = link(PLAN, modules, HOST, TRACES, {
      pool,
      meter: undefined,
      strict: false,
    });
    const task = new Task({ function: "test" });
    await withTask(task, async () => {
      const isolate = await NativeIsolate.create(linked);
      const item = PLAN.exports.get(name);
      const called = item?.kind === "func" ? linked.exported(item.func)(isolate, args) : undefined;
      if (wait) await Promise.resolve(called).catch(() => {});
    });
    task.end();
    return pool;
  };

  Deno.test(`${tracked}: an instance that is kept has no note left of where its last guest wrote`, async () => {
    const { exports } = (await poolAfter("poke", true, 0, 1)).take()!;
    let noted = 0;
    for (const made of exports) {
      const [lowest, notes] = [made?.[LOWEST] as WebAssembly.Global, made?.[NOTES] as WebAssembly.Memory];
      if (lowest !== undefined) expect(lowest.value).toBe(-1);
      if (notes !== undefined) expect(new Uint8Array(notes.buffer).indexOf(1)).toBe(-1);
      noted += Number(lowest !== undefined || notes !== undefined);
    }
    expect(noted).toBeGreaterThan(0);
  });

  Deno.test(`${tracked}: an instance that trapped, or whose guest is still suspended, is not used again`, async () => {
    expect((await poolAfter("hold", true)).size).toBe(1);
    expect((await poolAfter("trap", true)).size).toBe(0);
    expect((await poolAfter("park", false)).size).toBe(0);
    expect(await after((i) => call(i, "trap").catch(() => {}))).toBe(FRESH);
    expect(
      await after((i) => {
        call(i, "park");
        return Promise.resolve();
      }),
    ).toBe(FRESH);
    gate.resolve();
    await gate.promise;
    expect(await state(await linked)).toBe(FRESH);
  });

  Deno.test(`${tracked}: thousands of random programs leave nothing behind`, async () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor(seed / 2 ** 32 * below);
    };
    const link = await linked;
    const step = (isolate: Isolate): Promise<unknown> => {
      switch (random(12)) {
        case 0:
          return call(isolate, "grow", random(8) === 0 ? random(100) : random(3));
        case 1:
          return call(isolate, "trap").catch(() => {});
        case 2:
          return call(isolate, "hold");
        case 3:
          return call(isolate, "set", random(2 ** 32), BigInt(random(2 ** 32)), random(1000) / 7);
        case 4:
          return call(isolate, "fill", random(1_500_000), random(256), random(200_000));
        default:
          return call(isolate, "poke", random(20 * 65536 - 4), random(2 ** 32));
      }
    };
    for (let round = 0; round < 3000; round++) {
      await inIsolate(link, async (isolate) => {
        for (let i = random(8); i > 0; i--) await step(isolate).catch(() => {});
      });
      // Looking takes longer than running.
      if (round % 20 === 0) expect(await state(link)).toBe(FRESH);
    }
  });
}
