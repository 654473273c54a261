import { expect } from "@std/expect";
import { HeapUse, isHeapTight } from "./heap.ts";

const MB = 1024 * 1024;

/** A heap of 1000 MiB, of which so much is used. */
function heap() {
  const now = { usedMb: 100 };
  return { now, statistics: () => ({ used_heap_size: now.usedMb * MB, heap_size_limit: 1000 * MB }) };
}

Deno.test("a guest that makes no objects may hold what it likes until the heap is nearly full", () => {
  const { now, statistics } = heap();
  const use = new HeapUse(false, statistics);
  now.usedMb = 500;
  use.start();
  now.usedMb = 749;
  expect(use.look(1, 0)).toBeUndefined();
  now.usedMb = 751;
  expect(use.look(1, 0)).toMatch(
    /no room for what it holds: 751 of the process's 1000 MiB are used, and it has added 251/,
  );
});

Deno.test("a guest that has added little goes on, however full others have made the heap", () => {
  const { now, statistics } = heap();
  const use = new HeapUse(false, statistics);
  use.start();
  now.usedMb = 160;
  use.stop();
  // Others, meanwhile.
  now.usedMb = 900;
  use.start();
  now.usedMb = 903;
  expect(use.look(1, 0)).toBeUndefined();
  now.usedMb = 905;
  expect(use.look(1, 0)).toMatch(/and it has added 65/);
});

Deno.test("a guest that makes objects has its own limit besides", () => {
  const { now, statistics } = heap();
  const use = new HeapUse(true, statistics);
  use.start();
  now.usedMb = 100 + 512 + 2;
  expect(use.look(1, 0)).toBeUndefined();
  now.usedMb++;
  expect(use.look(1, 0)).toMatch(/its objects take 515 MiB \(limits\.memoryMb is 1\)/);
});

Deno.test("a single array is held against the guest's limit before it is made", () => {
  const { statistics } = heap();
  const use = new HeapUse(true, statistics);
  use.start();
  // Eight bytes for each unit, as most have at least.
  const units = (mb: number) => mb * MB / 8;
  expect(use.look(8, units(8 + 32))).toBeUndefined();
  expect(use.look(8, units(8 + 128) + 1)).toMatch(/makes an array of some 137 MiB at once \(limits\.memoryMb is 8\)/);
});

Deno.test("guests are watched when half of the heap is used, and that is asked every few milliseconds", () => {
  const { now, statistics } = heap();
  let asked = 0;
  const tight = (at: number) => isHeapTight(at, () => (asked++, statistics()));
  const later = performance.now() + 1e9;
  expect([tight(later), tight(later + 4), asked]).toEqual([false, false, 1]);
  now.usedMb = 501;
  expect([tight(later + 4), tight(later + 5), tight(later + 9), asked]).toEqual([false, true, true, 2]);
  // What other tests ask is asked anew.
  isHeapTight(-Infinity);
});
