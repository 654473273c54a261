import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { MemoryGate } from "../../memory.ts";
import { Task } from "../../task.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import type { HostImports, Isolate, LinkedComponent } from "../mod.ts";
import { call, inIsolate } from "./_testing.ts";
import { coreModuleShape } from "./core_module.ts";
import type { ModuleSource } from "./metering.ts";
import { createNativeEngine, nativeEngine } from "./mod.ts";
import type { CoreInstancePlan, CoreItem } from "./plan.ts";
import { InstancePool } from "./pool.ts";
import { prepared } from "./restorable.ts";
import { SLACK_PAGES, slackOf } from "./slack.ts";

const GROW = Deno.readFileSync(new URL("./testdata/grow.wasm", import.meta.url));
const PAGE = 65536;
/** As the guest declares its memory. */
const FIRST = 2, MOST = 70;

/** Instances that went back to be used again. */
let kept = 0;
const { give } = InstancePool.prototype;
InstancePool.prototype.give = function (...args) {
  const before = this.size;
  give.apply(this, args);
  kept += this.size - before;
};

const HOST: HostImports = {
  "test:grow/host": {
    text: () => "written by the host",
    take: (bytes: Uint8Array) => bytes.reduce((sum, byte) => (sum * 31 + byte) >>> 0, bytes.length),
  },
};

const linkWith = async (engine = nativeEngine) => await (await engine.load(GROW, { name: "grow" })).link(HOST);
const restoring = linkWith();
/** Never restores, and has no slack. */
const exact = linkWith(createNativeEngine({ restore: false }));

type Step = readonly [name: string, ...args: number[]];

/** What one request answers, step by step; the last is its trap, if it has one. */
async function run(linked: LinkedComponent, steps: readonly Step[]): Promise<unknown[]> {
  return await inIsolate(linked, async (isolate: Isolate) => {
    const answers: unknown[] = [];
    for (const [name, ...args] of steps) {
      try {
        answers.push(await call(isolate, name, ...args));
      } catch (error) {
        if (error instanceof TypeError) throw error;
        answers.push(String(error));
        break;
      }
    }
    return answers;
  });
}

/** A request's answers, which must be those of an isolate that was made anew, and whether its instances are kept. */
async function request(...steps: Step[]): Promise<{ answers: unknown[]; kept: boolean }> {
  kept = 0;
  const answers = await run(await restoring, steps);
  const isKept = kept > 0;
  expect(answers).toEqual(await run(await exact, steps));
  return { answers, kept: isKept };
}

const LOOK: Step[] = [["size"], ["adapterSize"], ["set", 1], ["globals"], ["state"]];

Deno.test("a guest that grows its memory into the slack is restored, and finds nothing of it", async () => {
  for (const by of [1, 2, SLACK_PAGES - 1, SLACK_PAGES]) {
    for (const grow of by % 2 === 0 ? ["grow", "adapterGrow"] : ["grow"]) {
      const size = FIRST + by;
      const filled = await request(
        [grow, by],
        ["size"],
        ["adapterSize"],
        ["state"],
        ["fill", 0, 0xaa, size * PAGE],
        ["peek", size * PAGE - 1],
        ["adapterFill", PAGE * FIRST - 4, 0x55, (size - FIRST) * PAGE + 4],
        ["set", 77],
        ["state"],
      );
      expect(filled.answers.slice(0, 3)).toEqual([FIRST, size, size]);
      expect(filled.kept).toBe(true);
      expect((await request(...LOOK)).answers.slice(0, 4)).toEqual([FIRST, FIRST, 3 + 5 + 7, 507n]);
      // Pages are zero when they are grown, to the last byte.
      const grown = await request(["grow", by], ["peek", size * PAGE - 1], ["peek", FIRST * PAGE], ["state"]);
      expect(grown.answers.slice(0, 3)).toEqual([FIRST, 0, 0]);
    }
  }
});

Deno.test("a guest that grows its memory beyond the slack is made anew, up to its declared maximum", async () => {
  expect(await request(["grow", SLACK_PAGES + 1], ["size"], ["adapterSize"], ["state"])).toMatchObject({
    answers: [FIRST, FIRST + SLACK_PAGES + 1, FIRST + SLACK_PAGES + 1, expect.anything()],
    kept: false,
  });
  await request(...LOOK);
  const most = await request(["grow", 1], ["grow", MOST - FIRST - 1], ["size"], ["grow", 0], ["grow", 1], ["state"]);
  expect(most).toMatchObject({ answers: [FIRST, FIRST + 1, MOST, MOST, -1, expect.anything()], kept: false });
  // Step by step, over the edge of the slack.
  await request(["grow", SLACK_PAGES - 1], ["grow", 3], ["adapterGrow", 2], ["size"], ["grow", 1], ["grow", 0]);
  await request(...LOOK);
});

Deno.test("growth that fails or adds nothing changes nothing", async () => {
  for (const by of [MOST - FIRST + 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff]) {
    const { answers, kept } = await request(["grow", by], ["size"], ["grow", 0], ["grow", 1], ["grow", by], ["state"]);
    expect(answers.slice(0, 5)).toEqual([-1, FIRST, FIRST, FIRST, -1]);
    expect(kept).toBe(true);
  }
  await request(...LOOK);
});

Deno.test("the host reads and writes up to the apparent size of a memory, and no further", async () => {
  const beyond = /out of bounds of memory|beyond end of memory/;
  const end = FIRST * PAGE;
  expect((await request(["take", end - 5, 5])).answers).toHaveLength(1);
  expect((await request(["take", end - 4, 5])).answers[0]).toMatch(beyond);
  expect((await request(["grow", 1], ["fill", end - 4, 3, 9], ["take", end - 4, 5], ["state"])).kept).toBe(true);
  expect((await request(["grow", 1], ["take", end + PAGE - 4, 5])).answers[1]).toMatch(beyond);
  expect((await request(["text", end - 19], ["state"])).answers).toHaveLength(2);
  expect((await request(["text", end - 18])).answers[0]).toMatch(beyond);
  expect(
    (await request(["take", 0, 5], ["adapterGrow", 2], ["text", end + PAGE], ["take", end + PAGE, 19], ["state"]))
      .kept,
  )
    .toBe(true);
  expect((await request(["grow", 64], ["text", end + 64 * PAGE - 19], ["state"])).kept).toBe(true);
  expect((await request(["grow", 64], ["text", end + 64 * PAGE - 18])).answers[1]).toMatch(beyond);
  await request(["grow", 65], ["text", end + 65 * PAGE - 19], ["take", end + 65 * PAGE - 19, 19], ["state"]);
  await request(["grow", 64], ["state"]);
});

Deno.test("what a guest writes beyond the apparent size stays in its request", async () => {
  const at = (FIRST + 5) * PAGE;
  const steps: Step[] = [["peek", at], ["poke", at, 9], ["fill", (FIRST + SLACK_PAGES) * PAGE - 3, 1, 3], ["size"]];
  for (let i = 0; i < 3; i++) expect(await run(await restoring, steps)).toEqual([0, undefined, undefined, FIRST]);
  expect((await run(await restoring, [["peek", (FIRST + SLACK_PAGES) * PAGE]]))[0]).toMatch(/out of bounds/);
  expect((await run(await exact, steps))[0]).toMatch(/out of bounds/);
  await request(["grow", SLACK_PAGES], ["state"]);
});

Deno.test("slack does not exceed what memory an isolate may have", async () => {
  const engine = await nativeEngine.load(GROW, { name: "grow", limits: { ...DEFAULT_LIMITS, memoryMb: 1 } });
  const linked = await engine.link(HOST);
  expect(await run(linked, [["poke", 16 * PAGE - 1, 1], ["grow", 14], ["grow", 1]])).toEqual([undefined, FIRST, -1]);
  expect((await run(linked, [["poke", 16 * PAGE, 1]]))[0]).toMatch(/out of bounds/);
});

Deno.test("isolates at the same time each have a memory and a size of their own", async () => {
  const task = new Task({ function: "test" });
  await withTask(task, async () => {
    const isolates = [];
    for (let i = 0; i < 3; i++) isolates.push(await (await restoring).instantiate());
    for (const [i, isolate] of isolates.entries()) expect(await call(isolate, "adapterGrow", 2 * i)).toBe(FIRST);
    for (const [i, isolate] of isolates.entries()) expect(await call(isolate, "size")).toBe(FIRST + 2 * i);
  });
  task.end();
  for (let i = 0; i < 4; i++) await request(...LOOK);
});

Deno.test("random programs that grow answer the same restored as made anew", async () => {
  let seed = 11;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 2 ** 32 * below);
  };
  let restored = 0;
  for (let round = 0; round < 600; round++) {
    let size = FIRST;
    const steps: Step[] = [];
    const grow = (name: string, by: number) => {
      steps.push([name, by]);
      if (size + by <= MOST) size += by;
    };
    for (let i = random(10); i > 0; i--) {
      const bytes = size * PAGE;
      const at = random(2) === 0 ? random(bytes) : Math.max(bytes - 1 - random(2 * PAGE), 0);
      switch (random(11)) {
        case 0:
          grow("grow", random(4));
          break;
        case 1:
          grow("adapterGrow", 2 * random(3));
          break;
        case 2:
          grow(random(2) === 0 ? "grow" : "adapterGrow", 2 * random(36));
          break;
        case 3:
          steps.push(["size"], ["adapterSize"]);
          break;
        case 4:
          steps.push([random(2) === 0 ? "fill" : "adapterFill", at, random(256), bytes - at]);
          break;
        case 5:
          steps.push(["text", random(4) === 0 ? bytes - random(40) : at]);
          break;
        case 6:
          steps.push(["take", at, random(2 * (bytes - at))]);
          break;
        case 7:
          steps.push(["set", random(2 ** 32)]);
          break;
        default:
          steps.push(["poke", at, random(256)], ["peek", random(bytes)]);
      }
    }
    if ((await request(...steps, ...(round % 10 === 0 ? LOOK : []))).kept) restored++;
  }
  expect(restored).toBeGreaterThan(300);
});

type Section = readonly [id: number, ...content: number[]];

/** A core module of these sections. */
function source(...sections: readonly Section[]): ModuleSource {
  const bytes = new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...sections.flatMap(([id, ...content]) => [id, content.length, ...content]),
  ]);
  return { bytes, plan: { start: 0, end: bytes.length, shape: coreModuleShape(bytes, 0, bytes.length, "test") } };
}

const TYPES: Section = [1, 1, 0x60, 0, 1, 0x7f];
const FUNCTION: Section = [3, 1, 0];
const EXPORT: Section = [7, 1, 1, 0x6d, 2, 0];
/** One function: `memory.grow (i32.const 1)`, and one that answers a number. */
const GROWS: Section = [10, 1, 6, 0, 0x41, 1, 0x40, 0, 0x0b];
const STAYS: Section = [10, 1, 4, 0, 0x41, 1, 0x0b];
const TABLE: Section = [4, 1, 0x70, 0, 1];
const GLOBAL: Section = [6, 1, 0x7f, 0, 0x41, 0, 0x0b];
const NAME = new TextEncoder().encode("skerry:restore");
const memory = (...limits: number[]): Section => [5, 1, ...limits];
const IMPORT: Section = [2, 1, 0, 1, 0x6d, 2, 0, 1];

/** The first module has a memory, the others import it. */
function slackKinds(modules: readonly ModuleSource[], most?: number): (string | undefined)[] {
  const item: CoreItem = { kind: "export", instance: 0, name: "m", sort: "memory" };
  const instances = modules.map((_, module): CoreInstancePlan => ({
    module,
    owner: 0,
    imports: new Map(module === 0 ? [] : [["", new Map([["m", item]])]]),
  }));
  const slack = slackOf(modules, instances, most);
  // Whatever has been decided can be compiled.
  modules.forEach(({ bytes, plan }, index) => new WebAssembly.Module(prepared(bytes, plan, slack.get(index))));
  return modules.map((_, index) => {
    const made = slack.get(index);
    return made?.kind === "own" ? `${made.declared} of ${made.real}` : made?.kind;
  });
}

Deno.test("a memory has slack where it can grow, up to its maximum and what is left", () => {
  const own = (...limits: number[]) => source(TYPES, FUNCTION, memory(...limits), EXPORT, GROWS);
  expect(slackKinds([own(0, 1)])).toEqual([`1 of ${1 + SLACK_PAGES}`]);
  expect(slackKinds([own(1, 1, 9)])).toEqual(["1 of 9"]);
  expect(slackKinds([own(1, 3, 3)])).toEqual([undefined]);
  expect(slackKinds([own(0, 1)], 5)).toEqual(["1 of 6"]);
  expect(slackKinds([own(0, 1)], 0)).toEqual([undefined]);
  // Two share it.
  expect(slackKinds([own(0, 1), own(0, 2)])).toEqual(["1 of 33", "2 of 34"]);
  // Nobody grows it.
  expect(slackKinds([source(TYPES, FUNCTION, memory(0, 1), EXPORT, STAYS)])).toEqual([undefined]);
});

Deno.test("a memory has slack only if all that use it can be prepared for it", () => {
  const own = source(memory(0, 1), EXPORT);
  const grows = source(TYPES, IMPORT, FUNCTION, GROWS);
  expect(slackKinds([own, grows])).toEqual(["1 of 65", "imported"]);
  expect(slackKinds([own, grows, source(TYPES, IMPORT, FUNCTION, STAYS)])).toEqual(["1 of 65", "imported", undefined]);
  const refused = [
    // Data outside of the memory: instantiating it fails.
    source(TYPES, IMPORT, FUNCTION, GROWS, [11, 1, 0, 0x41, 0x80, 0x80, 4, 0x0b, 1, 7]),
    source(TYPES, IMPORT, FUNCTION, STAYS, [11, 1, 2, 0, 0x41, 0xff, 0xff, 3, 0x0b, 2, 7, 7]),
    // It wants a larger memory than there is.
    source(TYPES, [2, 1, 0, 1, 0x6d, 2, 0, 2], FUNCTION, GROWS),
    // A second memory.
    source(TYPES, IMPORT, FUNCTION, memory(0, 1), GROWS),
    // Constant expressions with a global that would have another index.
    source(TYPES, IMPORT, FUNCTION, [6, 2, 0x7f, 0, 0x41, 1, 0x0b, 0x7f, 0, 0x23, 0, 0x0b], GROWS),
    source(TYPES, IMPORT, FUNCTION, TABLE, GLOBAL, [9, 1, 0, 0x23, 0, 0x0b, 1, 0], GROWS),
    // A name that is ours.
    source(TYPES, [2, 2, ...IMPORT.slice(2), 14, ...NAME, 1, 0x66, 0, 0], FUNCTION, GROWS),
  ];
  for (const other of refused) expect(slackKinds([own, other, grows])).toEqual([undefined, undefined, undefined]);
  // The last byte is still inside.
  const data = source(TYPES, IMPORT, FUNCTION, GROWS, [11, 2, 0, 0x41, 0xff, 0xff, 3, 0x0b, 1, 7, 1, 1, 7]);
  expect(slackKinds([own, data])).toEqual(["1 of 65", "imported"]);
});

Deno.test("where no room is left for new memories, a restored one that has some is taken", async () => {
  const linked = await linkWith();
  const gate = new MemoryGate({ bytes: 2 ** 40, held: 1 });
  /** How many memories one request has made. */
  const made = async (): Promise<number> => {
    const before = gate.existing;
    const task = new Task({ function: "test" });
    task.memory = gate.open({ bytes: 0, memories: 1, room: SLACK_PAGES * PAGE });
    expect(task.memory.tight).toBe(true);
    await withTask(task, async () => await linked.instantiate());
    task.end();
    return gate.existing - before;
  };
  await inIsolate(linked, () => Promise.resolve());
  expect(await made()).toBe(0);
});
