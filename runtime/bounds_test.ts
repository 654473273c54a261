import { expect } from "@std/expect";
import { boundedRequest } from "./bounds.ts";
import { withTask } from "./context.ts";
import type { SkerryError } from "./errors.ts";
import { Fields } from "./http/fields.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { ByteChannel } from "./streams/bytes.ts";
import { Task } from "./task.ts";

/** A task that reads a byte more than it may. */
class Reader {
  readonly task: Task = new Task({ function: "reads", limits: { ...DEFAULT_LIMITS, requestBodyBytes: 1 } });
  readonly source;
  cleanups = 0;

  constructor() {
    this.task.signal.addEventListener("abort", () => this.cleanups++);
    this.task.defer(() => this.cleanups++);
    // One that takes as much stack as those of the host may.
    const down = (calls: number): number => calls === 0 ? this.cleanups++ : down(calls - 1);
    this.task.defer(() => down(100));
    const channel = new ByteChannel();
    channel.sink.write(new Uint8Array(2));
    const body = { source: channel.source, trailers: Promise.resolve(undefined) };
    const request = { method: "GET", scheme: "http", authority: "a", pathWithQuery: "/", fields: new Fields(), body };
    this.source = boundedRequest(request, this.task).body!.source;
  }

  read(): number {
    return withTask(this.task, () => this.source.take(10).byteLength);
  }

  get seen(): readonly unknown[] {
    return [this.task.ended && (this.task.reason as SkerryError).code, this.source.state, this.cleanups];
  }
}

const OVER = ["request-too-large", "errored", 3];

Deno.test("a body over its limit ends its task at once", () => {
  const reader = new Reader();
  expect(reader.read()).toBe(0);
  expect(reader.seen).toEqual(OVER);
  expect([...reader.task.met]).toEqual([["requestBodyBytes", 1]]);
});

Deno.test("a guest that reads too much on a stack that is nearly full loses no clean-up", async () => {
  const told: Reader[] = [];
  let readers: Reader[] = [];
  const attempt = (): void => {
    const reader = readers.pop();
    if (reader === undefined) return;
    try {
      reader.read();
      told.push(reader);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  };
  // From the deepest call up: the first readers have no stack at all, the last have plenty.
  const down = (): void => {
    try {
      down();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    attempt();
  };
  // Code that has never run takes more stack at its first call than ever again.
  readers = Array.from({ length: 10 }, () => new Reader());
  for (let i = 0; i < 10; i++) attempt();
  const all = readers = Array.from({ length: 2000 }, () => new Reader());
  const left = [...all];
  down();
  await new Promise((done) => setTimeout(done));
  expect(told.length).toBeGreaterThan(10);
  for (const reader of told) expect(reader.seen).toEqual(OVER);
  // The others' guests have heard of the full stack, and end as those do that trap.
  for (const reader of left) {
    reader.task.end();
    expect(reader.cleanups).toBe(3);
  }
});
