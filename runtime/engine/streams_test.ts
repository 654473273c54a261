import { expect } from "@std/expect";
import { withTask } from "../context.ts";
import { SkerryError, WitError } from "../errors.ts";
import { ByteChannel, type ByteSource } from "../streams/bytes.ts";
import { waitAny } from "../streams/waitable.ts";
import { Task } from "../task.ts";
import {
  CALL_OFF,
  calledOff,
  dropGuestFuture,
  dropGuestStream,
  guestError,
  hostStreamsOpen,
  readGuestFuture,
  readGuestStream,
  toGuestResult,
  toGuestStream,
} from "./streams.ts";

/** A guest's stream as jco hands it over: a read waits until `push` or `end`. */
function reader() {
  const waiting: ((result: { done: boolean; value?: Uint8Array<ArrayBuffer> | number[] }) => void)[] = [];
  const counts: number[] = [];
  let dropped = 0;
  return {
    counts,
    get dropped() {
      return dropped;
    },
    push: (value: Uint8Array<ArrayBuffer> | number[]) => waiting.shift()!({ done: false, value }),
    end: () => waiting.shift()!({ done: true }),
    stream: {
      read({ count }: { count: number }) {
        counts.push(count);
        return new Promise<{ done: boolean; value?: Uint8Array<ArrayBuffer> | number[] }>((resolve) =>
          waiting.push(resolve)
        );
      },
      [Symbol.dispose]() {
        dropped++;
      },
    },
  };
}

Deno.test("readGuestStream() reads one chunk at a time, and none before it is asked", async () => {
  const guest = reader();
  const source = readGuestStream(guest.stream);
  expect(guest.counts.length).toBe(0);
  expect(source.take(10).length).toBe(0);
  expect(guest.counts.length).toBe(1);
  guest.push(new Uint8Array([1, 2, 3]));
  await waitAny([source]);
  expect(guest.counts.length).toBe(1);
  expect([...source.take(2)]).toEqual([1, 2]);
  expect([...source.take(2)]).toEqual([3]);
  expect(guest.counts.length).toBe(1);
});

Deno.test("readGuestStream() takes arrays of numbers, and ends after the last byte", async () => {
  const guest = reader();
  const source = readGuestStream(guest.stream);
  source.take(1);
  guest.push([7, 8]);
  await waitAny([source]);
  expect([...source.take(9)]).toEqual([7, 8]);
  expect(source.state).toBe("open");
  source.take(1);
  guest.end();
  await waitAny([source]);
  expect(source.state).toBe("closed");
});

Deno.test("readGuestStream() drops the guest's end once, when it is cancelled", () => {
  const guest = reader();
  const source = readGuestStream(guest.stream);
  source.cancel();
  source.cancel();
  expect([source.state, guest.dropped]).toEqual(["closed", 1]);
});

Deno.test("readGuestStream() breaks off and drops the guest's end when the task ends", async () => {
  const guest = reader();
  const task = new Task({ function: "t" });
  const source = withTask(task, () => readGuestStream(guest.stream));
  const waited = waitAny([source]);
  task.end(new SkerryError("caller-gone", "gone"));
  await waited;
  expect([source.state, guest.dropped]).toEqual(["errored", 1]);
  expect((source.error as SkerryError).code).toBe("caller-gone");
});

Deno.test("readGuestStream() takes what is a source as it is, none as the end, and refuses the rest", () => {
  const { source } = new ByteChannel();
  expect(readGuestStream(source)).toBe(source);
  expect(readGuestStream(undefined).state).toBe("closed");
  expect(() => readGuestStream({})).toThrow(TypeError);
});

Deno.test("toGuestStream() hands out chunks as they come, and ends without failing when the source breaks off", async () => {
  const { sink, source } = new ByteChannel();
  const stream = toGuestStream(source);
  const first = stream.next();
  sink.write(new Uint8Array([1]));
  expect([...(await first).value!]).toEqual([1]);
  const last = stream.next();
  sink.abort(new Error("broken"));
  expect(await last).toEqual({ done: true, value: undefined });
});

Deno.test("toGuestStream() cancels the source when the guest drops its end", async () => {
  const { sink, source } = new ByteChannel();
  expect(await toGuestStream(source).return()).toEqual({ done: true, value: undefined });
  expect(sink.state).toBe("closed");
});

Deno.test("toGuestStream() reads its source in the task that it was made in", async () => {
  const task = new Task({ function: "t" });
  const tasks: unknown[] = [];
  const { maybeTask } = await import("../context.ts");
  const channel = new ByteChannel();
  channel.sink.write(new Uint8Array([1]));
  const source: ByteSource = {
    state: "open",
    error: undefined,
    ready: true,
    take(max) {
      tasks.push(maybeTask());
      return channel.source.take(max);
    },
    cancel: () => {},
    subscribe: () => () => {},
  };
  const stream = withTask(task, () => toGuestStream(source));
  await stream.next();
  expect(tasks).toEqual([task]);
  task.end();
});

/** A source that always has another byte. */
const endless = (): ByteSource => ({
  state: "open",
  error: undefined,
  ready: true,
  take: () => new Uint8Array(1),
  cancel() {},
  subscribe(wake) {
    wake();
    return () => {};
  },
});

Deno.test("toGuestStream() lets others run, however far its source is ahead of the guest", async () => {
  const task = new Task({ function: "t" });
  let others = false;
  const timer = setTimeout(() => others = true);
  const stream = withTask(task, () => toGuestStream(endless()));
  while (!others) await stream.next();
  clearTimeout(timer);
  task.end();
});

Deno.test("hostStreamsOpen() knows whether a stream of the host is still under way", () => {
  const task = new Task({ function: "t" });
  withTask(task, () => {
    const channels = Array.from({ length: 200 }, () => new ByteChannel());
    for (const { source } of channels) toGuestStream(source);
    for (const { sink } of channels.slice(1)) sink.close();
    expect(hostStreamsOpen()).toBe(true);
    channels[0]!.source.cancel();
    expect(hostStreamsOpen()).toBe(false);
  });
  const other = new Task({ function: "other" });
  expect(withTask(other, hostStreamsOpen)).toBe(false);
  task.end();
  other.end();
});

Deno.test("readGuestFuture() starts a lazy future, and gives up when the task ends", async () => {
  let reads = 0;
  const lazy = { then: (resolve: (value: number) => void) => (reads++, resolve(5)) };
  expect(reads).toBe(0);
  expect(await readGuestFuture<number>(lazy)).toBe(5);
  expect(reads).toBe(1);

  const task = new Task({ function: "t" });
  const never = withTask(task, () => readGuestFuture({ then() {} }));
  task.end(new SkerryError("deadline-exceeded", "late"));
  await expect(never).rejects.toThrow("late");
});

Deno.test("dropGuestStream() drops the guest's end without reading it", () => {
  const guest = reader();
  dropGuestStream(guest.stream);
  const { sink, source } = new ByteChannel();
  dropGuestStream(source);
  dropGuestStream(undefined);
  expect([guest.dropped, guest.counts.length, sink.state]).toEqual([1, 0, "closed"]);
});

Deno.test("dropGuestFuture() drops a future unread where it can, and reads it where it cannot", async () => {
  let dropped = 0;
  dropGuestFuture({
    then: () => {
      throw new Error("read");
    },
    [Symbol.dispose]: () => void dropped++,
  });
  expect(dropped).toBe(1);
  let reads = 0;
  dropGuestFuture({ then: (_: unknown, reject: (reason: unknown) => void) => (reads++, reject(new Error("trapped"))) });
  await Promise.resolve();
  expect(reads).toBe(1);
});

Deno.test("toGuestResult() turns a rejection into an err", async () => {
  const toError = (thrown: unknown) => String(thrown);
  expect(await toGuestResult(Promise.resolve(1), toError)).toEqual({ tag: "ok", val: 1 });
  expect(await toGuestResult(Promise.reject("no"), toError)).toEqual({ tag: "err", val: "no" });
});

Deno.test("calledOff() tells the host function when the guest takes its call back, and leaves no rejection", async () => {
  const signals: AbortSignal[] = [];
  const call = calledOff((signal) => {
    signals.push(signal);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("called off"))));
  });
  expect(signals[0]!.aborted).toBe(false);
  call[CALL_OFF]();
  expect(signals[0]!.aborted).toBe(true);
  await new Promise((resolve) => setTimeout(resolve));
  expect(await calledOff(() => Promise.resolve(5))).toBe(5);
});

Deno.test("guestError() knows the err of an exported function from a trap", () => {
  expect(guestError(new WitError({ tag: "x" }))).toEqual({ payload: { tag: "x" } });
  expect(guestError(new WitError())).toEqual({ payload: undefined });
  expect(guestError({ tag: "internal-error", val: "boom" })).toEqual({
    payload: { tag: "internal-error", val: "boom" },
  });
  expect(guestError(new WebAssembly.RuntimeError("unreachable"))).toBe(undefined);
});
