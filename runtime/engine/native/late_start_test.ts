import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { call, inIsolate, linkFixture } from "./_testing.ts";

const HOST = { "test:traces/host": { Thing: class {}, wait: () => {}, text: () => "", pair: () => [1, 2n] } };

Deno.test("an isolate that comes too late for its task leaves nothing for the next to start from", async () => {
  const linked = await linkFixture("traces", HOST);
  const late = new Task({ function: "test" });
  late.end();
  expect(() => withTask(late, () => linked.instantiate())).toThrow(/the isolate is over/);
  const fresh = await inIsolate(linked, (isolate) => call(isolate, "state"));
  expect(() => withTask(late, () => linked.instantiate())).toThrow(/the isolate is over/);
  expect(await inIsolate(linked, (isolate) => call(isolate, "state"))).toBe(fresh);
});
