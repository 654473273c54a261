import { expect } from "@std/expect";
import { Admission, type FunctionShare, type Leave } from "./admission.ts";

const share = (name: string, some: Partial<FunctionShare["limits"]> = {}): FunctionShare => ({
  name,
  limits: { isolates: 100, queue: 100, queueWaitMs: 60_000, ...some },
});
const never = new AbortController().signal;

Deno.test("a place is given at once while there is one, and given back once", () => {
  const admission = new Admission({ isolates: 2 });
  const leave = admission.tryEnter(share("a"))!;
  expect(admission.tryEnter(share("b"))).toBeDefined();
  expect(admission.tryEnter(share("b"))).toBe(undefined);
  leave();
  leave();
  expect(admission.running).toBe(1);
});

Deno.test("a function has no more isolates than its share, however many places are free", async () => {
  const admission = new Admission({ isolates: 100 });
  const leave = admission.tryEnter(share("a", { isolates: 1 }))!;
  const order: string[] = [];
  const second = admission.enter(share("a", { isolates: 1 }), never).then((leave) => (order.push("second"), leave));
  expect(admission.tryEnter(share("b"))).toBeDefined();
  await Promise.resolve();
  expect(order).toEqual([]);
  leave();
  await second;
  expect(order).toEqual(["second"]);
});

Deno.test("a quiet function does not wait for a busy one's whole line", async () => {
  const admission = new Admission({ isolates: 1 });
  const order: string[] = [];
  let leave: Leave = admission.tryEnter(share("busy"))!;
  const enter = (name: string) =>
    admission.enter(share(name), never).then((left) => {
      order.push(name);
      leave = left;
    });
  const all = [...Array.from({ length: 5 }, () => enter("busy")), enter("quiet")];
  for (let i = 0; i < 6; i++) {
    leave();
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
  await expect(admission.enter(share("a", { queue: 1 }), never)).rejects.toThrow(/1 wait already/);
  await expect(waiting).rejects.toThrow(/no place within 1 ms/);
  expect(admission.waiting).toBe(0);
});

Deno.test("a caller who leaves gives its place in the line up", async () => {
  const admission = new Admission({ isolates: 1 });
  const leave = admission.tryEnter(share("a"))!;
  const controller = new AbortController();
  const gone = admission.enter(share("a"), controller.signal);
  const next = admission.enter(share("a"), never);
  controller.abort(new Error("left"));
  await expect(gone).rejects.toThrow("left");
  leave();
  (await next)();
  expect([admission.running, admission.waiting]).toEqual([0, 0]);
  await expect(admission.enter(share("a"), AbortSignal.abort(new Error("gone before")))).resolves.toBeDefined();
});

Deno.test("places are never lost nor made over thousands of comings and goings", async () => {
  const admission = new Admission({ isolates: 7 });
  let most = 0;
  await Promise.all(Array.from({ length: 3000 }, async (_, n) => {
    const controller = new AbortController();
    if (n % 11 === 0) setTimeout(() => controller.abort(new Error("left")), n % 5);
    const leave = await admission.enter(share(`f${n % 5}`, { isolates: 3, queue: 10_000 }), controller.signal)
      .catch(() => undefined);
    if (leave === undefined) return;
    most = Math.max(most, admission.running);
    if (n % 3 === 0) await new Promise((done) => setTimeout(done));
    leave();
  }));
  expect(most).toBe(7);
  expect([admission.running, admission.waiting]).toEqual([0, 0]);
});
