import { expect } from "@std/expect";
import { currentTask, maybeTask, withTask } from "./context.ts";
import { SkerryError } from "./errors.ts";
import { MAX_LOG_BYTES, MAX_RECORDED_CALLS } from "./limits.ts";
import type { LogRecord } from "./log.ts";
import { Task, taskLocal } from "./task.ts";
import { formatTraceParent } from "./trace.ts";

Deno.test("currentTask() outside a task throws a clear error", () => {
  expect(maybeTask()).toBe(undefined);
  expect(() => currentTask()).toThrow(/no task is running here/);
});

Deno.test("a well-formed x-request-id is kept, anything else is replaced", () => {
  const ids = ["abc-1", "a".repeat(129), "evil\nline", "", null, "<script>"];
  const kept = ids.map((requestId) => {
    const task = new Task({ function: "f", requestId });
    task.end();
    return task.id === requestId;
  });
  expect(kept).toEqual([true, false, false, false, false, false]);
});

Deno.test("a task continues the caller's trace under a span of its own", () => {
  const header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const task = new Task({ function: "f", traceparent: header });
  task.end();
  expect(formatTraceParent(task.trace)).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
  expect(task.trace.spanId).not.toBe("b7ad6b7169203331");
  for (
    const bad of ["00-00000000000000000000000000000000-b7ad6b7169203331-01", "ff" + header.slice(2), "x", header + "0"]
  ) {
    const fresh = new Task({ function: "f", traceparent: bad });
    fresh.end();
    expect(fresh.trace.parentId).toBe(undefined);
  }
});

Deno.test("what became of a task is told in short, however long the reasons that its guest gives", () => {
  const records: LogRecord[] = [];
  const task = new Task({ function: "f", sink: (record) => records.push(record) });
  const long = "x".repeat(1_000_000);
  const { message } = new SkerryError("guest-error", `calling f: ${long}`);
  expect(message).toMatch(/^calling f: x{65525}… \(934475 characters more\)$/);
  task.conclude("error", long, { code: "guest-error", stack: long });
  task.conclude("error", "short", { code: "guest-error", stack: "at f" });
  task.end();
  const [first, second] = records;
  const told = `${long.slice(0, 65_536)}… (934464 characters more)`;
  expect([first!.message === told, first!.fields!.stack === told, first!.fields!.code]).toEqual([
    true,
    true,
    "guest-error",
  ]);
  expect([second!.message, second!.fields]).toEqual(["short", { code: "guest-error", stack: "at f" }]);
});

Deno.test("ending a task aborts its signal and runs its clean-up once, last first, whatever one of them throws", () => {
  const records: LogRecord[] = [];
  const task = new Task({ function: "f", sink: (record) => records.push(record) });
  const order: number[] = [];
  task.defer(() => order.push(1));
  task.defer(() => {
    throw new Error("bad clean-up");
  });
  const takeBack = task.defer(() => order.push(3));
  task.defer(() => order.push(4));
  takeBack();
  task.end(new SkerryError("caller-gone", "gone"));
  task.end();
  expect(order).toEqual([4, 1]);
  expect(task.signal.reason.code).toBe("caller-gone");
  expect(records.map((record) => record.message).join()).toContain("bad clean-up");
  task.defer(() => order.push(5));
  expect(order).toEqual([4, 1, 5]);
});

Deno.test("a task's deadline ends it", async () => {
  const task = new Task({ function: "f", wallMs: 1 });
  await new Promise((done) => task.signal.addEventListener("abort", done));
  expect(task.signal.reason.code).toBe("deadline-exceeded");
});

Deno.test("a caller who leaves ends the task, until its response is under way", () => {
  const [early, late] = [new AbortController(), new AbortController()];
  const left = new Task({ function: "f", caller: early.signal });
  early.abort();
  expect(left.signal.reason.code).toBe("caller-gone");
  const sending = new Task({ function: "f", caller: late.signal });
  sending.detachCaller();
  late.abort();
  expect(sending.ended).toBe(false);
  sending.end();
});

Deno.test("log records carry the task's ids, and past the limit are counted, not kept", () => {
  const records: LogRecord[] = [];
  const task = new Task({ function: "f", requestId: "r1", sink: (record) => records.push(record) });
  task.log("info", "hello", "stdout");
  expect(records[0]).toMatchObject({ function: "f", task: "r1", trace: task.trace.traceId, message: "hello" });
  for (let i = 0; i < 3; i++) task.log("info", "x".repeat(MAX_LOG_BYTES));
  task.end();
  expect(records.length).toBe(2);
  expect(records[1]!.message).toContain("3 log records dropped");
});

Deno.test("host calls are counted, and the last ones kept when the task records", () => {
  const task = new Task({ function: "f", record: true });
  for (let i = 0; i < MAX_RECORDED_CALLS + 5; i++) task.countCall(`call-${i % 2}`);
  task.end();
  expect(task.calls.get("call-0")).toBe(103);
  expect(task.recordedCalls.length).toBe(MAX_RECORDED_CALLS);
});

Deno.test("task-local state is one for each task through thousands of interleaved waits", async () => {
  const visits = taskLocal(() => ({ ids: [] as string[] }));
  const run = (n: number) => {
    const task = new Task({ function: "f", requestId: `t${n}` });
    return withTask(task, async () => {
      for (let step = 0; step < 5; step++) {
        await new Promise((done) => n % 2 === 0 ? setTimeout(done) : queueMicrotask(() => done(undefined)));
        visits().ids.push(currentTask().id);
      }
      const { ids } = visits();
      task.end();
      return ids.length === 5 && ids.every((id) => id === `t${n}`);
    });
  };
  const results = await Promise.all(Array.from({ length: 2000 }, (_, n) => run(n)));
  expect(results.every(Boolean)).toBe(true);
});

Deno.test("what runs when a task ends belongs to it, whoever ended it", async () => {
  const seen: string[] = [];
  const note = (what: string) => () => void seen.push(`${what}: ${maybeTask()?.id}`);
  const make = (id: string, wallMs = 1000) => {
    const task = new Task({ function: "f", requestId: id, wallMs });
    task.defer(note(`${id} cleans up`));
    task.signal.addEventListener("abort", note(`${id} aborts`));
    return task;
  };
  const [a, b] = [make("a"), make("b")];
  withTask(a, () => b.end());
  a.end();
  // One timer may serve many deadlines, and belongs to whoever set it.
  const late = withTask(make("d", 20), () => [make("c", 20)]);
  while (!late[0]!.ended) await new Promise((done) => setTimeout(done, 5));
  expect(seen.slice(0, 4)).toEqual(["b aborts: b", "b cleans up: b", "a aborts: a", "a cleans up: a"]);
  expect(seen.slice(4).sort()).toEqual(["c aborts: c", "c cleans up: c", "d aborts: d", "d cleans up: d"]);
});
