import { expect } from "@std/expect";
import { SkerryError } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { Task } from "../task.ts";
import { Growth } from "./growth.ts";
import { Meter } from "./metering.ts";

/** What becomes of a guest that asks for more when its deadline has passed. */
function late(canSuspend: boolean) {
  const meter = new Meter({ limits: DEFAULT_LIMITS, bytes: 0, allocates: false });
  const task = new Task({ function: "late", wallMs: -1 });
  const failures: unknown[] = [];
  const isolate = {
    task,
    clock: meter.clock(task),
    over: false,
    fuel: { granted: 0, atMs: 0 },
    growth: new Growth(),
    failed: (error: unknown) => failures.push(error),
  };
  const answer = meter.look({ isolate, canSuspend }, -1);
  const seen = { answer, ended: task.ended, codes: failures.map((error) => (error as SkerryError).code) };
  task.end();
  return { ...seen, met: [...task.met] };
}

Deno.test("a guest past its deadline traps, and ends its task only where there is stack enough for that", () => {
  const met = [["wallMs", 1]];
  expect(late(true)).toEqual({ answer: -1, ended: true, codes: [], met });
  // A guest that has filled the stack would have the task's clean-up fail half-way.
  expect(late(false)).toEqual({ answer: -1, ended: false, codes: ["deadline-exceeded"], met });
});
