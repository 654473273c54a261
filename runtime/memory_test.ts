import { expect } from "@std/expect";
import { FREE_GROWTH_BYTES } from "./limits.ts";
import { memoryBudget, MemoryGate, NO_MEMORY } from "./memory.ts";

const MIB = 1024 * 1024;
const need = (mb: number) => ({ bytes: mb * MIB, memories: 1 });

Deno.test("what isolates have and grow by is counted, and given back once", () => {
  const gate = new MemoryGate({ bytes: 100 * MIB });
  const account = gate.open(need(10));
  expect(account.grow(20 * MIB)).toBe(true);
  expect([gate.used, gate.memories, account.bytes]).toEqual([30 * MIB, 1, 30 * MIB]);
  account.close();
  account.close();
  expect([gate.used, gate.memories]).toEqual([0, 0]);
  expect(account.grow(MIB)).toBe(false);
});

Deno.test("growing leaves a part of the budget for new isolates, and a little is always there", () => {
  const gate = new MemoryGate({ bytes: 100 * MIB });
  const account = gate.open(need(50));
  expect(account.grow(45 * MIB)).toBe(false);
  expect(account.grow(40 * MIB)).toBe(true);
  expect(gate.fits(need(10))).toBe(true);
  expect(gate.fits(need(11))).toBe(false);
  expect(gate.open(need(10)).grow(FREE_GROWTH_BYTES)).toBe(true);
});

Deno.test("growing waits until others have ended, in the order of asking", async () => {
  const gate = new MemoryGate({ bytes: 100 * MIB });
  const [a, b, c] = [gate.open(need(80)), gate.open(need(1)), gate.open(need(1))];
  const order: string[] = [];
  const large = b!.waitToGrow(60 * MIB).then((granted) => order.push(`large ${granted}`));
  // It would fit, but another was first.
  expect(c!.grow(2 * MIB)).toBe(false);
  const small = c!.waitToGrow(2 * MIB).then((granted) => order.push(`small ${granted}`));
  expect(gate.waiting).toBe(2);
  a!.close();
  await Promise.all([large, small]);
  expect(order).toEqual(["large true", "small true"]);
  expect([gate.used, gate.waited, gate.refused]).toEqual([64 * MIB, 2, 0]);
});

Deno.test("who ends while it waits gets nothing, and what it had is given back", async () => {
  const gate = new MemoryGate({ bytes: 100 * MIB });
  const [a, b] = [gate.open(need(80)), gate.open(need(1))];
  const waiting = b!.waitToGrow(60 * MIB);
  b!.close();
  expect(await waiting).toBe(false);
  expect([gate.used, gate.waiting, gate.refused]).toEqual([80 * MIB, 0, 1]);
  // Granted and ended before it could go on.
  const c = gate.open(NO_MEMORY);
  const granted = c.waitToGrow(60 * MIB);
  a!.close();
  c.close();
  await granted;
  expect(gate.used).toBe(0);
});

Deno.test("who would wait for ever is refused: more than there is, or all wait for each other", async () => {
  const gate = new MemoryGate({ bytes: 100 * MIB });
  const alone = gate.open(need(50));
  expect(await alone.waitToGrow(60 * MIB)).toBe(false);
  const others = [gate.open(need(20)), gate.open(need(20))];
  expect(await alone.waitToGrow(91 * MIB)).toBe(false);
  const [first, second, third] = [alone, ...others].map((account) => account.waitToGrow(30 * MIB));
  expect(await third).toBe(false);
  others[1]!.close();
  // Of the two that are left, both waiting, the one that came last hears no.
  expect(await second).toBe(false);
  others[0]!.close();
  expect(await first).toBe(true);
});

Deno.test("dead memories are collected before there are too many", async () => {
  const gate = new MemoryGate({ bytes: 100 * MIB, memories: 400 });
  let most = 0;
  for (let i = 0; i < 6000; i++) {
    gate.made(new WebAssembly.Memory({ initial: 0 }));
    most = Math.max(most, gate.existing);
    if (i % 50 === 0) await new Promise((done) => setTimeout(done));
  }
  expect(most).toBeLessThan(4000);
});

Deno.test("the budget is a part of what the machine has", async () => {
  const budget = await memoryBudget();
  expect(budget).toBeGreaterThan(0);
  expect(budget).toBeLessThan(Deno.systemMemoryInfo().total);
});

Deno.test("isolates have room to grow in while there are few, and what V8 can hold bounds all", () => {
  const gate = new MemoryGate({ bytes: 1000 * MIB, held: 100 * MIB });
  const roomy = { bytes: MIB, memories: 1, room: 4 * MIB };
  const accounts = Array.from({ length: 3 }, () => gate.open(roomy));
  expect(accounts.map(({ tight }) => tight)).toEqual([false, false, true]);
  expect(gate.fits({ bytes: 89 * MIB, memories: 1 })).toBe(true);
  expect(gate.fits({ bytes: 90 * MIB, memories: 1 })).toBe(false);
  expect(gate.mayFit({ bytes: 101 * MIB, memories: 1 })).toBe(false);
  expect(accounts[0]!.grow(80 * MIB)).toBe(false);
  for (const account of accounts) account.close();
  expect(gate.open(roomy).tight).toBe(false);
  expect(gate.fits({ bytes: 95 * MIB, memories: 1 })).toBe(true);
});

Deno.test("a function whose isolates grow as they like leaves something to grow by for those of another", async () => {
  const gate = new MemoryGate({ bytes: 1000 * MIB });
  const [busy, quiet] = [{ bytes: 0, memories: 0 }, { bytes: 0, memories: 0 }];
  const many = Array.from({ length: 8 }, () => gate.open(need(1), busy));
  const other = gate.open(need(1), quiet);
  let grown = 0;
  for (let i = 0; many[i % many.length]!.grow(10 * MIB); i++) grown += 10;
  expect([grown > 800, grown < 880]).toEqual([true, true]);
  expect(busy.bytes).toBe((8 + grown) * MIB);
  const waiting = many.map((account) => account.waitToGrow(10 * MIB));
  // They have much and wait; it has little and does not.
  expect([other.grow(20 * MIB), quiet.bytes]).toEqual([true, 21 * MIB]);
  for (const account of [...many, other]) account.close();
  await Promise.all(waiting);
  expect([busy, quiet, gate.used, gate.waiting]).toEqual([
    { bytes: 0, memories: 0 },
    { bytes: 0, memories: 0 },
    0,
    0,
  ]);
});

Deno.test("the only isolate of a function may have all that there is to grow by", () => {
  const gate = new MemoryGate({ bytes: 100 * MIB });
  const share = { bytes: 0, memories: 0 };
  const account = gate.open(need(50), share);
  expect([account.grow(40 * MIB), share.bytes]).toEqual([true, 90 * MIB]);
});
