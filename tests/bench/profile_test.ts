import { expect } from "@std/expect";
import { type CpuProfile, type ProfileNode, readProfile, renderReading } from "./profile.ts";

const node = (id: number, functionName: string, children: number[] = [], url = "", lineNumber = 0): ProfileNode => ({
  id,
  callFrame: { functionName, url, lineNumber },
  children,
});

// (root) → outer → inner → outer (recursion); (root) → (idle), (garbage collector), guest.
const NODES = [
  node(1, "(root)", [2, 5, 6, 7]),
  node(2, "outer", [3], "file:///home/x/skerry/runtime/a.ts", 9),
  node(3, "inner", [4], "file:///home/x/skerry/node_modules/@scope/pkg/dist/b.js", 0),
  node(4, "outer", [], "file:///home/x/skerry/runtime/a.ts", 9),
  node(5, "(idle)"),
  node(6, "(garbage collector)"),
  node(7, "guest", [], "wasm://wasm/abc"),
];

/** Each pair is a node and how long it ran. */
function profile(...ran: [node: number, us: number][]): CpuProfile {
  return { nodes: NODES, samples: [...ran.map(([id]) => id), 5], timeDeltas: [0, ...ran.map(([, us]) => us)] };
}

const costs = (list: readonly { name: string; selfUs: number; totalUs: number }[]) =>
  Object.fromEntries(list.map(({ name, selfUs, totalUs }) => [name, [selfUs, totalUs]]));

Deno.test("readProfile() divides time among functions and operations, and leaves idling out", () => {
  const reading = readProfile(profile([2, 10], [3, 20], [5, 1000], [6, 30], [7, 40]), Infinity, 10);
  expect(reading.busyUs).toBe(10);
  expect(costs(reading.functions)).toEqual({
    "outer runtime/a.ts:10": [1, 3],
    "inner @scope/pkg:1": [2, 2],
    "(garbage collector)": [3, 3],
    "guest": [4, 4],
  });
  expect(costs(reading.files)).toEqual({
    "runtime/a.ts": [1, 3],
    "@scope/pkg": [2, 2],
    "(garbage collector)": [3, 3],
    "WebAssembly": [4, 4],
  });
});

Deno.test("readProfile() counts a function once that is on the stack twice", () => {
  expect(costs(readProfile(profile([4, 10]), Infinity, 1).functions)).toEqual({
    "outer runtime/a.ts:10": [10, 10],
    "inner @scope/pkg:1": [0, 10],
  });
});

Deno.test("readProfile() takes only the end", () => {
  expect(readProfile(profile([2, 500_000], [7, 2_000]), 2, 1).busyUs).toBe(2_000);
});

Deno.test("renderReading() begins with the most expensive", () => {
  const text = renderReading(readProfile(profile([2, 10], [6, 30]), Infinity, 1), { most: 1 });
  expect(text).toContain("40.0 µs in V8");
  expect(text).toContain("| 30.0 | 75.0 % | (garbage collector) |");
  expect(text.split("(garbage collector)").length - 1).toBe(3);
  expect(text).not.toContain("outer");
});
