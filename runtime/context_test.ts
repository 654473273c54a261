import { expect } from "@std/expect";
import { currentTask, enterTask, maybeTask, startTask, withTask } from "./context.ts";
import { Task } from "./task.ts";

const task = (id: string) => new Task({ function: "f", requestId: id });
const turn = () => new Promise<void>((done) => setTimeout(done));
const here = () => maybeTask()?.id;

Deno.test("a started task is the current one while its body runs, and nobody's after that", async () => {
  const a = task("a");
  expect(startTask(a, () => currentTask())).toBe(a);
  expect(here()).toBe(undefined);
  expect(() => {
    startTask(a, () => {
      throw new Error("early");
    });
  }).toThrow("early");
  expect(here()).toBe(undefined);
  await turn();
  expect(here()).toBe(undefined);
  a.end();
});

Deno.test("what is left to run later belongs to a started task that was entered, and what is after it does not", async () => {
  const a = task("a");
  const seen: (string | undefined)[] = [];
  const note = () => void seen.push(here());
  const later = startTask(a, () => {
    enterTask();
    enterTask();
    setTimeout(note);
    queueMicrotask(note);
    return (async () => {
      await turn();
      note();
    })();
  });
  expect(here()).toBe(undefined);
  const after = Promise.resolve().then(() => here());
  await later;
  expect(seen).toEqual(["a", "a", "a"]);
  expect([await after, here()]).toEqual([undefined, undefined]);
  a.end();
});

Deno.test("tasks that are started in one another, entered or not, each come back to the one before", async () => {
  const [a, b, c] = [task("a"), task("b"), task("c")];
  for (const enterA of [false, true]) {
    for (const enterB of [false, true]) {
      const seen: (string | undefined)[] = [];
      const later: Promise<unknown>[] = [];
      const note = () => {
        seen.push(here());
        // Only what is in the storage reaches what runs later, and a task is, as soon as another begins in it.
        later.push(Promise.resolve().then(() => seen.push(`later ${here()}`)));
      };
      withTask(c, () => {
        startTask(a, () => {
          if (enterA) enterTask();
          startTask(b, () => {
            if (enterB) enterTask();
            seen.push(here());
          });
          note();
          withTask(b, note);
          note();
        });
        note();
      });
      await Promise.all(later);
      expect([enterA, enterB, ...seen]).toEqual(
        [enterA, enterB, "b", "a", "b", "a", "c", "later a", "later b", "later a", "later c"],
      );
      expect(here()).toBe(undefined);
    }
  }
  for (const each of [a, b, c]) each.end();
});

Deno.test("where there is no stack left to enter a started task, it stays the current one, and so does the one before it", () => {
  const [a, b] = [task("a"), task("b")];
  const frames = (count: number, ...words: number[]): void => count === 0 ? enterTask() : frames(count - 1, ...words);
  let overflows = 0;
  const attempt = (count: number, words: number[]) => {
    startTask(a, () => {
      try {
        frames(count, ...words);
      } catch {
        overflows++;
      }
      expect(here()).toBe("a");
    });
    expect(here()).toBe("b");
  };
  withTask(b, () => {
    // Frames of many sizes end at many distances from the end of the stack.
    for (let size = 0; size < 30; size++) {
      const words = Array.from({ length: size }, () => 0);
      const before = overflows;
      let [fits, fails] = [0, 100_000];
      while (fails - fits > 1) {
        const middle = (fits + fails) >> 1;
        const was = overflows;
        attempt(middle, words);
        if (overflows > was) fails = middle;
        else fits = middle;
      }
      for (let count = fits - 3; count < fails + 6; count++) attempt(count, words);
      expect(overflows).toBeGreaterThan(before);
    }
  });
  expect(here()).toBe(undefined);
  for (const each of [a, b]) each.end();
});

Deno.test("thousands of started tasks that wait at the same time are not mixed up", async () => {
  const wrong: string[] = [];
  const run = (n: number) => {
    const own = task(`t${n}`);
    const check = () => currentTask() === own || wrong.push(own.id);
    return startTask(own, () => {
      check();
      if (n % 3 === 0) return;
      enterTask();
      return (async () => {
        for (let step = 0; step < 5; step++) {
          if (n % 2 === 0) await turn();
          else await undefined;
          check();
          // A request that another one makes in this process.
          startTask(task(`inner-${n}-${step}`), () => here() !== `inner-${n}-${step}` && wrong.push(`inner ${n}`));
          check();
        }
      })();
    });
  };
  await Promise.all(Array.from({ length: 3000 }, (_, n) => run(n)));
  expect(wrong).toEqual([]);
  expect(here()).toBe(undefined);
});
