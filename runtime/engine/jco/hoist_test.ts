import { expect } from "@std/expect";
import { join } from "node:path";
import { withFolder } from "../../../tests/_folder.ts";
import { fixture } from "../../../tests/fixtures/mod.ts";
import { withTask } from "../../context.ts";
import { SkerryError } from "../../errors.ts";
import { Task } from "../../task.ts";
import { hoist, type InstanceState, type Link, type Shared } from "./hoist.ts";
import { createJcoEngine } from "./mod.ts";

const RANDOM = new URL("testdata/random.wasm", import.meta.url);

const unexpected = (what: string) => new Error(`unexpected: ${what}`);

/** Code of the shape that jco's has: `top` and `inner` are what differs. */
const generated = (top: string, inner: string) => `
export function instantiate(getCoreModule, imports, instantiateCore = WebAssembly.instantiate) {
  const _skerry = imports['skerry:isolate'];
  const { setTimeout, setInterval, clearInterval, queueMicrotask, WebAssembly } = _skerry;
  ${top}
  let gen = (function* _initGenerator () {
    ${inner}
  })();
  let promise, resolve, reject;
  function normalizeInstantiationError(e) { return e; }
  function runNext(value) { return gen.next(value).value; }
  const maybeSyncReturn = runNext(null);
  return promise || maybeSyncReturn;
};
`;

type Hooks = Record<string, unknown>;
type Exports = Record<string, (...args: unknown[]) => unknown>;

/** Hoisted code that is linked; `running` says whose state it finds. */
async function linked(top: string, inner: string, imports: Record<string, unknown> = {}) {
  const text = hoist(generated(top, inner), unexpected);
  const { link } = await import(`data:text/javascript,${encodeURIComponent(text)}`) as { link: Link<Hooks> };
  const running: { state?: InstanceState<Hooks> } = {};
  const shared: Shared<Hooks> = {
    WebAssembly,
    state: () => running.state!,
    begin: (state) => void (running.state = state),
  };
  const instantiate = link((name) => name as never, imports, shared);
  return {
    make(hooks: Hooks = {}, core: Exports = {}) {
      const exports = instantiate(hooks, () => ({ exports: core as never })) as unknown as Exports;
      const state = running.state!;
      const call = (name: string, ...args: unknown[]) => {
        running.state = state;
        return exports[name]!(...args);
      };
      return { exports, call };
    },
  };
}

Deno.test("hoisted code makes once what is the same, and anew what belongs to an instance", async () => {
  const { make } = await linked(
    "let count = 0; const table = []; class Counter { next() { return ++count; } } function add(x) { table.push(x); }",
    "const last = [0]; function next() { add(last[0] = new Counter().next()); return [...table]; } return { Counter, next };",
  );
  const [a, b] = [make(), make()];
  expect(a.exports["Counter"]).toBe(b.exports["Counter"]);
  expect([a.call("next"), a.call("next"), b.call("next"), a.call("next")]).toEqual([[1], [1, 2], [1], [1, 2, 3]]);
});

Deno.test("hoisted code tells what belongs to an instance from what has the same name", async () => {
  const { make } = await linked(
    "let count = 5; let other = 0;",
    `function names(count, { other: [other] = [7] } = {}) {
       const own = () => { for (const count of [1]) { other += count; } return { count, other }; };
       try { throw 3; } catch (count) { other += count; }
       { function count2() { return count; } return [own(), count2(), { count: 9 }.count]; }
     }
     const outer = function () { other++; return { count, other }; };
     const later = async (x) => ({ x, count }), block = () => { var count = 1; return count; };
     return { names, outer, later, block };`,
  );
  const { call } = make();
  expect(call("names", 2)).toEqual([{ count: 2, other: 11 }, 2, 9]);
  expect([call("outer"), call("outer")]).toEqual([{ count: 5, other: 1 }, { count: 5, other: 2 }]);
  expect([await call("later", 4), call("block")]).toEqual([{ x: 4, count: 5 }, 1]);
});

Deno.test("a function of a core instance is wrapped where host code calls it, and given bare to other instances", async () => {
  const { make } = await linked(
    "",
    `let exports0; let exports1; let f; let g;
     ({ exports: exports0 } = yield instantiateCore(yield 0));
     ({ exports: exports1 } = yield instantiateCore(yield 1, { a: Object.assign(exports0['f'], { _jcoMaySuspend: false }) }));
     f = exports0['f']; g = WebAssembly.promising(exports1.f);
     return { f };`,
  );
  const wrapped: [unknown, unknown][] = [];
  const core = Object.assign(() => 1, {});
  const bare = new WebAssembly.Instance(
    // (module (func (export "f")))
    new WebAssembly.Module(
      new Uint8Array([
        0,
        97,
        115,
        109,
        1,
        0,
        0,
        0,
        1,
        4,
        1,
        96,
        0,
        0,
        3,
        2,
        1,
        0,
        7,
        5,
        1,
        1,
        102,
        0,
        0,
        10,
        4,
        1,
        2,
        0,
        11,
      ]),
    ),
  ).exports as Exports;
  const hooks = { core: (value: unknown, name: unknown) => (wrapped.push([value, name]), core) };
  expect(make(hooks, bare).exports["f"]).toBe(core);
  expect(wrapped).toEqual([[bare["f"], "f"]]);
  expect(Object.keys(bare["f"]!)).toEqual([]);
});

Deno.test("what a function makes of an instance's own belongs to that instance", async () => {
  const { make } = await linked(
    `function early() { return late(); } function late() { return table; } function bound() { return table; }
     function describe(meta) { return () => [meta.a(), table]; }`,
    `let trampoline0 = early(); let trampoline1 = bound.bind(null); let trampoline2 = describe({ a: () => table });
     const table = trampoline0 ?? []; trampoline0 ??= table;
     return { f: () => [early() === table, trampoline0 === table, trampoline1() === table, trampoline2()[0] === table], table: () => table };`,
  );
  const [a, b] = [make(), make()];
  expect([a.call("f"), b.call("f")]).toEqual([[true, true, true, true], [true, true, true, true]]);
  expect(a.call("table")).not.toBe(b.call("table"));
});

Deno.test("hoisted code does not make what it would write into a log that nobody reads", async () => {
  const { make } = await linked(
    "let count = 0; function odd() { throw new Error('made for the log'); } const _debugLog = () => {};",
    `function f() { if (count === 0) _debugLog('f', { odd: odd(), count }); else count = 2; return ++count; } return { f };`,
  );
  const { call } = make();
  expect([call("f"), call("f")]).toEqual([1, 3]);
});

Deno.test("code whose functions run in other tasks too is left as it is, and odd code refused", () => {
  const text = generated("class StreamEnd {}", "return {};");
  expect(hoist(text, unexpected)).toBe(text);
  expect(() => hoist("export function other() {}", unexpected)).toThrow("unexpected: instantiate");
  expect(() => hoist("export function instantiate() {}", unexpected)).toThrow("unexpected: function* _initGenerator");
  expect(() => hoist(generated("const { a } = f();", "return {};"), unexpected)).toThrow("unexpected: { a } = f()");
  expect(() => hoist(generated("let a = []; class A { b = a; }", "return {};"), unexpected)).toThrow("unexpected: a");
});

Deno.test("what jco generates for WASI 0.2 is hoisted: its classes and imports are made before any isolate", async () => {
  await withFolder(async (cacheDir) => {
    await createJcoEngine({ cacheDir }).load(await fixture("small"));
    const [{ name }] = await Array.fromAsync(Deno.readDir(cacheDir)) as [Deno.DirEntry];
    const code = await Deno.readTextFile(join(cacheDir, name, "component.js"));
    const [shared, own] = code.split("return function instantiate(") as [string, string];
    const of = (text: string) => [/^ *class \w+ \{/gm, /^let trampoline\d+/gm].map((at) => text.match(at)?.length ?? 0);
    expect(of(shared).every((count) => count > 5)).toBe(true);
    expect(of(own)).toEqual([0, 0]);
  });
});

Deno.test("a task has one isolate of a component at a time, and another when that is over", async () => {
  await withFolder(async (cacheDir) => {
    const component = await createJcoEngine({ cacheDir }).load(await Deno.readFile(RANDOM), { name: "random" });
    const linked = await component.link({ "wasi:random/random@0.2.12": { getRandomU64: () => 4n } });
    const task = new Task({ function: "f" });
    await withTask(task, async () => {
      const first = await linked.instantiate();
      const second = await (async () => await linked.instantiate())().catch((error: unknown) => error);
      expect(second).toBeInstanceOf(SkerryError);
      expect((second as SkerryError).message).toMatch(/^instantiate of random: its task has an isolate of it already/);
      first.dispose();
      (await linked.instantiate()).dispose();
    });
    task.end();
  });
});
