import { expect } from "@std/expect";
import { Admission, type FunctionShare, type Place } from "./admission.ts";
import { MemoryGate } from "./memory.ts";

const share = (name: string, some: Partial<FunctionShare["limits"]> = {}): FunctionShare => ({
  name,
  limits: { isolates: 100, queue: 100, queueWaitMs: 60_000, ...some },
});
const never = new AbortController().signal;

Deno.test("a place is given at once while there is one, and given back once", () => {
  const admission = new Admission({ isolates: 2 });
  const place = admission.tryEnter(share("a"))!;
  expect(admission.tryEnter(share("b"))).toBeDefined();
  expect(admission.tryEnter(share("b"))).toBe(undefined);
  place.leave();
  place.leave();
  expect(admission.running).toBe(1);
});

Deno.test("a function has no more isolates than its share, however many places are free", async () => {
  const admission = new Admission({ isolates: 100 });
  const place = admission.tryEnter(share("a", { isolates: 1 }))!;
  const order: string[] = [];
  const second = admission.enter(share("a", { isolates: 1 }), never).then((place) => (order.push("second"), place));
  expect(admission.tryEnter(share("b"))).toBeDefined();
  await Promise.resolve();
  expect(order).toEqual([]);
  place.leave();
  await second;
  expect(order).toEqual(["second"]);
});

Deno.test("a quiet function does not wait for a busy one's whole line", async () => {
  const admission = new Admission({ isolates: 1 });
  const order: string[] = [];
  let place: Place = admission.tryEnter(share("busy"))!;
  const enter = (name: string) =>
    admission.enter(share(name), never).then((left) => {
      order.push(name);
      place = left;
    });
  const all = [...Array.from({ length: 5 }, () => enter("busy")), enter("quiet")];
  for (let i = 0; i < 6; i++) {
    place.leave();
    await new Promise((done) => setTimeout(done));
  }
  await Promise.all(all);
  expect(order.indexOf("quiet")).toBeLessThan(2);
  expect(order.length).toBe(6);
});

Deno.test("a full line refuses, and so does a wait that takes too long", async () => {
  const admission = new Admission({ isolates: 1 });
  admission.tryEnter(share("a"));
  const waiting = admission.enter(share("a", { queue: 1, queueWaitMs: 1 }), never);
  await expect(admission.enter(share("a", { queue: 1 }), never)).rejects.toThrow(/1 requests wait already/);
  await expect(waiting).rejects.toThrow(/no place came free within 1 ms/);
  expect(admission.waiting).toBe(0);
});

Deno.test("a caller who leaves gives its place in the line up", async () => {
  const admission = new Admission({ isolates: 1 });
  const place = admission.tryEnter(share("a"))!;
  const controller = new AbortController();
  const gone = admission.enter(share("a"), controller.signal);
  const next = admission.enter(share("a"), never);
  controller.abort(new Error("left"));
  await expect(gone).rejects.toThrow("left");
  place.leave();
  (await next).leave();
  expect([admission.running, admission.waiting]).toEqual([0, 0]);
  await expect(admission.enter(share("a"), AbortSignal.abort(new Error("gone before")))).resolves.toBeDefined();
});

Deno.test("places are never lost nor made over thousands of comings and goings", async () => {
  const admission = new Admission({ isolates: 7 });
  let most = 0;
  await Promise.all(Array.from({ length: 3000 }, async (_, n) => {
    const controller = new AbortController();
    if (n % 11 === 0) setTimeout(() => controller.abort(new Error("left")), n % 5);
    const place = await admission.enter(share(`f${n % 5}`, { isolates: 3, queue: 10_000 }), controller.signal)
      .catch(() => undefined);
    if (place === undefined) return;
    most = Math.max(most, admission.running);
    if (n % 3 === 0) await new Promise((done) => setTimeout(done));
    place.leave();
  }));
  expect(most).toBe(7);
  expect([admission.running, admission.waiting]).toEqual([0, 0]);
});

Deno.test("who refuses is said: the function with its own isolates, or the process", async () => {
  const admission = new Admission({ isolates: 2 });
  const one = { isolates: 1, queue: 1, queueWaitMs: 1 };
  const refusal = (share: FunctionShare) => admission.enter(share, never).catch(({ code, message }) => [code, message]);
  admission.tryEnter(share("a", one));
  const late = refusal(share("a", one));
  expect(await refusal(share("a", one))).toEqual(["function-busy", expect.stringContaining("limits.isolates")]);
  expect(await late).toEqual(["function-busy", expect.stringContaining("limits.queueWaitMs")]);
  admission.tryEnter(share("b"));
  const other = refusal(share("c", one));
  expect(await refusal(share("c", one))).toEqual(["overloaded", expect.stringContaining("SKERRY_MAX_ISOLATES")]);
  await other;
});

const MIB = 1024 * 1024;

Deno.test("an isolate waits for memory, and those that need less go on", async () => {
  const memory = new MemoryGate({ bytes: 100 * MIB });
  const admission = new Admission({ isolates: 100, memory });
  const large = { ...share("large"), memory: { bytes: 60 * MIB, memories: 1 } };
  const small = { ...share("small"), memory: { bytes: 10 * MIB, memories: 1 } };
  const first = admission.tryEnter(large)!;
  expect(admission.tryEnter(large)).toBe(undefined);
  let admitted = false;
  const second = admission.enter(large, never).then((place) => (admitted = true, place));
  const others = [admission.tryEnter(small)!, await admission.enter(small, never)];
  expect([memory.used, memory.memories]).toEqual([80 * MIB, 3]);
  others[0]!.leave();
  await Promise.resolve();
  expect(admitted).toBe(false);
  first.leave();
  (await second).leave();
  others[1]!.leave();
  expect([memory.used, memory.memories, admission.running, admission.waiting]).toEqual([0, 0, 0, 0]);
});

Deno.test("there are no more memories than V8 makes quickly, and what others give back is for those who wait", async () => {
  const memory = new MemoryGate({ bytes: 100 * MIB, memories: 2 });
  const admission = new Admission({ isolates: 100, memory });
  const two = { ...share("two"), memory: { bytes: 0, memories: 2 } };
  const account = memory.open({ bytes: 0, memories: 1 });
  const waiting = admission.enter(two, never);
  expect(admission.waiting).toBe(1);
  account.close();
  (await waiting).leave();
  const refused = admission.enter({ ...share("three"), memory: { bytes: 0, memories: 3 } }, never);
  await expect(refused).rejects.toThrow("SKERRY_MEMORY_MB");
});

Deno.test("who has a place already gets another beyond those of the process, within its own limit", async () => {
  const admission = new Admission({ isolates: 1 });
  const first = admission.tryEnter(share("one"))!;
  const holder = { depth: 0 };
  const behind = share("behind", { isolates: 1 });
  expect(admission.tryEnter(behind)).toBe(undefined);
  const beyond = admission.tryEnterBeyond(behind, holder)!;
  expect(admission.running).toBe(2);
  expect(admission.tryEnterBeyond(behind, { depth: 0 })).toBe(undefined);
  const waiting = admission.enter(share("two"), never);
  beyond.leave();
  expect([admission.running, admission.waiting]).toEqual([1, 1]);
  first.leave();
  (await waiting).leave();
  expect(admission.running).toBe(0);
});

Deno.test("each holder of a place has one beyond, more only up to twice the places, and the next as it leaves", async () => {
  const admission = new Admission({ isolates: 2 });
  const held = [admission.tryEnter(share("front"))!, admission.tryEnter(share("front"))!];
  const [greedy, modest] = [{ depth: 0 }, { depth: 0 }];
  const beyond = [admission.tryEnterBeyond(share("b"), greedy)!, admission.tryEnterBeyond(share("b"), greedy)!];
  expect(admission.tryEnterBeyond(share("b"), greedy)).toBe(undefined);
  const own = admission.tryEnterBeyond(share("b"), modest)!;
  expect(own).toBeDefined();
  let admitted = 0;
  const third = admission.enter(share("b"), never, greedy).then((place) => (admitted++, place));
  const outside = admission.enter(share("b"), never);
  own.leave();
  beyond[0]!.leave();
  (await third).leave();
  expect([admitted, admission.waiting]).toEqual([1, 1]);
  for (const place of [beyond[1]!, ...held]) place.leave();
  (await outside).leave();
  expect([admission.running, admission.waiting]).toEqual([0, 0]);
});

Deno.test("when those who wait for others have all memory, one at each depth of calls gets more", async () => {
  const memory = new MemoryGate({ bytes: 2 * MIB });
  const admission = new Admission({ isolates: 100, memory });
  const one = { ...share("one"), memory: { bytes: MIB, memories: 1 } };
  const held = [admission.tryEnter(one)!, admission.tryEnter({ ...one, name: "other" })!];
  const outside = admission.enter(one, never);
  const lent = admission.tryEnterBeyond(one, { depth: 0 })!;
  const deeper = admission.tryEnterBeyond(one, { depth: 1 })!;
  expect(memory.used).toBe(4 * MIB);
  expect(admission.tryEnterBeyond(one, { depth: 0 })).toBe(undefined);
  const next = admission.enter(one, never, { depth: 0 });
  lent.leave();
  (await next).leave();
  expect([memory.used, admission.waiting]).toEqual([3 * MIB, 1]);
  for (const place of [deeper, ...held]) place.leave();
  (await outside).leave();
  const large = { ...share("large"), memory: { bytes: 3 * MIB, memories: 1 } };
  expect(admission.tryEnterBeyond(large, { depth: 0 })).toBe(undefined);
  expect([memory.used, admission.running]).toEqual([0, 0]);
});

/** How many isolates of `one` have a place, if it takes all that it may have. */
function takeAll(admission: Admission, one: FunctionShare): number {
  let taken = 0;
  while (admission.tryEnter(one) !== undefined) taken++;
  return taken;
}

Deno.test("however many functions take all the memory that they may have, there is some for another", () => {
  const admission = new Admission({ isolates: 10_000, memory: new MemoryGate({ bytes: 4096 * MIB }) });
  const quiet = { ...share("quiet"), memory: { bytes: MIB, memories: 1 } };
  for (let i = 0; i < 10; i++) {
    const busy = { ...share(`busy-${i}`, { isolates: 10_000 }), memory: { bytes: 100 * MIB, memories: 1 } };
    expect(takeAll(admission, busy)).toBeLessThan(40);
    const place = admission.tryEnter(quiet);
    expect(place).toBeDefined();
    place!.leave();
  }
});

Deno.test("however many memories a function has, there are some for another, and room that V8 holds", () => {
  for (
    const memory of [
      new MemoryGate({ bytes: 2 ** 40, memories: 5500, held: 2 ** 40 }),
      new MemoryGate({ bytes: 2 ** 40, held: 100 * MIB }),
    ]
  ) {
    const admission = new Admission({ isolates: 10_000, memory });
    const busy = { ...share("busy", { isolates: 10_000 }), memory: { bytes: 2 * MIB, memories: 100 } };
    expect(takeAll(admission, busy)).toBeGreaterThan(40);
    expect(admission.tryEnter({ ...share("quiet"), memory: { bytes: MIB, memories: 1 } })).toBeDefined();
  }
});

Deno.test("a process without memory says so", async () => {
  const admission = new Admission({ isolates: 100, memory: new MemoryGate({ bytes: MIB }) });
  const one = { ...share("one", { queueWaitMs: 1 }), memory: { bytes: MIB, memories: 1 } };
  admission.tryEnter(one);
  await expect(admission.enter(one, never)).rejects.toMatchObject({ code: "overloaded" });
});

Deno.test("who has a place already gets the next one before those who have none", async () => {
  const admission = new Admission({ isolates: 100 });
  const busy = share("busy", { isolates: 2 });
  const places = [admission.tryEnter(busy)!, admission.tryEnter(busy)!];
  const order: string[] = [];
  const enter = (name: string, place?: Place) =>
    admission.enter(busy, never, place && { depth: 0, place }).then((place) => (order.push(name), place));
  const outside = enter("outside");
  const inside = enter("inside", places[0]!);
  places[1]!.leave();
  (await inside).leave();
  (await outside).leave();
  expect(order).toEqual(["inside", "outside"]);
});

Deno.test("a call that could only wait for itself is refused at once, and waits where others will leave", async () => {
  const admission = new Admission({ isolates: 100 });
  const [one, two] = [share("one", { isolates: 1 }), share("two", { isolates: 2 })];
  const outer = { depth: 0, place: admission.tryEnter(one)! };
  await expect(admission.enter(one, never, outer)).rejects.toMatchObject({ code: "loop-detected" });
  const inner = { depth: 1, place: admission.tryEnter(two)!, calledBy: outer };
  await expect(admission.enter(one, never, inner)).rejects.toMatchObject({ code: "loop-detected" });
  const other = { depth: 0, place: admission.tryEnter(two)! };
  const waiting = admission.enter(two, never, inner);
  await expect(admission.enter(two, never, other)).rejects.toMatchObject({ code: "function-busy" });
  expect(admission.waiting).toBe(1);
  other.place.leave();
  (await waiting).leave();
  // Whoever called it has gone: it waits for others, not for itself.
  const left = { depth: 1, place: inner.place, calledBy: outer };
  outer.place.leave();
  const again = admission.tryEnter(one)!;
  const later = admission.enter(one, never, left);
  again.leave();
  (await later).leave();
  inner.place.leave();
  expect([admission.running, admission.waiting]).toEqual([0, 0]);
});
