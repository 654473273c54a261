import { expect } from "@std/expect";
import { FairLine, FairLines, waitInLine } from "./fair_line.ts";

class Line extends FairLine<Waiter> {
  readonly name: string;
  mayHave = Infinity;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

interface Waiter {
  readonly leave: () => void;
}

/** Lines by their names, and who was served in which order. */
function world(...names: string[]) {
  const lines = new FairLines<Waiter, Line>();
  const of = Object.fromEntries(names.map((name) => [name, new Line(name)]));
  const served: string[] = [];
  const join = (name: string) => {
    const waiter = { leave: () => leave() };
    const leave = lines.join(of[name]!, waiter);
    return waiter;
  };
  const serve = (count: number) =>
    lines.serve(() => served.length < count, (line) => {
      if (line.mayHave === 0) return false;
      line.mayHave--;
      served.push(line.name);
      line.waiting.first!.leave();
      return true;
    });
  return { lines, of, served, join, serve };
}

Deno.test("lines are served in turn, one each, and who comes anew stands behind all others", () => {
  const { lines, served, join, serve } = world("a", "b", "c");
  for (const name of ["a", "a", "a", "b", "c"]) join(name);
  expect([lines.size, lines.waiting]).toEqual([3, 5]);
  serve(2);
  join("b");
  serve(10);
  expect(served).toEqual(["a", "b", "c", "a", "b", "a"]);
  expect([lines.size, lines.waiting, [...lines]]).toEqual([0, 0, []]);
});

Deno.test("a line that may have no more is passed over, and nobody is asked twice for nothing", () => {
  const { lines, of, served, join, serve } = world("a", "b");
  of.a!.mayHave = 1;
  for (const name of ["a", "a", "b", "b", "b"]) join(name);
  serve(10);
  expect(served).toEqual(["a", "b", "b", "b"]);
  expect([...lines]).toEqual([of.a]);
  of.a!.mayHave = 1;
  serve(10);
  expect([served.length, lines.size]).toEqual([5, 0]);
});

Deno.test("who leaves its line has no turn, and its line none when it was the last", () => {
  const { lines, served, join, serve } = world("a", "b");
  const [first, , only] = [join("a"), join("a"), join("b")];
  first.leave();
  expect([lines.size, lines.waiting]).toEqual([2, 2]);
  only.leave();
  serve(10);
  expect([served, lines.size]).toEqual([["a"], 0]);
});

/** One who waits, what was done with it, and the signal that it listens to. */
function waits(options: { readonly mostMs?: number; readonly aborted?: boolean } = {}) {
  const controller = new AbortController();
  if (options.aborted) controller.abort("gone before");
  const events: string[] = [];
  let admit = () => {};
  const outcome = waitInLine({
    join: (give) => {
      admit = give;
      return () => events.push("leaves");
    },
    take: () => {
      events.push("takes");
      return "its turn";
    },
    signal: controller.signal,
    mostMs: options.mostMs ?? 3_600_000,
    late: () => new Error("late"),
  });
  return { outcome, events, controller, admit: () => admit() };
}

Deno.test("a wait ends with its turn, and its signal and its time have nothing more to say", async () => {
  const { outcome, events, controller, admit } = waits({ mostMs: 1 });
  admit();
  controller.abort("gone");
  await new Promise((done) => setTimeout(done, 2));
  expect([await outcome, events]).toEqual(["its turn", ["takes", "leaves"]]);
});

Deno.test("a wait ends with its signal, and its time, and leaves the line", async () => {
  const gone = waits();
  gone.controller.abort("gone");
  await expect(gone.outcome).rejects.toBe("gone");
  const before = waits({ aborted: true });
  await expect(before.outcome).rejects.toBe("gone before");
  const late = waits({ mostMs: 1 });
  await expect(late.outcome).rejects.toThrow("late");
  late.controller.abort("gone");
  expect([gone, before, late].map(({ events }) => events)).toEqual([["leaves"], ["leaves"], ["leaves"]]);
});
