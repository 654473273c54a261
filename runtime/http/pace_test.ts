import { expect } from "@std/expect";
import { DEFAULT_LIMITS } from "../limits.ts";
import { Task } from "../task.ts";
import { BodyPace } from "./pace.ts";

Deno.test("a wait that found no stack for its timer is timed when the guest waits again", async () => {
  const task = new Task({ function: "f", limits: { ...DEFAULT_LIMITS, requestBodyWaitMs: 1 } });
  const pace = new BodyPace(task);
  const { setTimeout } = globalThis;
  globalThis.setTimeout = Object.assign((): never => {
    throw new RangeError("Maximum call stack size exceeded");
  }, { __promisify__: setTimeout.__promisify__ });
  try {
    expect(() => pace.waiting()).toThrow(RangeError);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  pace.waiting();
  await new Promise((done) => task.signal.addEventListener("abort", done));
  expect(task.signal.reason).toMatchObject({ code: "request-timeout" });
});
