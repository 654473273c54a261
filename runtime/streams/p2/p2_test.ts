import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { SkerryError, WitError } from "../../errors.ts";
import { DEFAULT_LIMITS, MAX_READ_BYTES } from "../../limits.ts";
import { Task } from "../../task.ts";
import { ByteChannel } from "../bytes.ts";
import { alwaysReady, timer, type Waitable, Wakers } from "../waitable.ts";
import { InputStream, type IoError, OutputStream, poll, Pollable, type StreamError } from "./mod.ts";

const bytes = (length: number, value = 1) => new Uint8Array(length).fill(value);

/** Runs `body` in a task of its own. */
async function inTask<T>(body: (task: Task) => T | Promise<T>): Promise<T> {
  const task = new Task({ function: "test" });
  try {
    return await withTask(task, () => body(task));
  } finally {
    task.end();
  }
}

function streamError(body: () => unknown): StreamError {
  try {
    body();
  } catch (error) {
    if (error instanceof WitError) return error.payload as StreamError;
    throw error;
  }
  throw new Error("expected a stream-error");
}

class Switch implements Waitable {
  readonly wakers = new Wakers();
  ready = false;
  subscribe(wake: () => void) {
    return this.wakers.add(wake);
  }
  set() {
    this.ready = true;
    this.wakers.wakeAll();
  }
}

Deno.test("poll() answers at once with the indexes of all that are ready", () =>
  inTask(async () => {
    const ready = await poll([alwaysReady, new Switch(), alwaysReady].map((waitable) => new Pollable(waitable)));
    expect(ready).toEqual(Uint32Array.of(0, 2));
  }));

Deno.test("poll() traps on an empty list", () =>
  inTask(async () => {
    await expect(poll([])).rejects.toThrow(SkerryError);
  }));

Deno.test("poll() traps on a list that is longer than a guest may have handles", async () => {
  const task = new Task({ function: "test", limits: { ...DEFAULT_LIMITS, handles: 2000 } });
  await withTask(task, async () => {
    const pollables = Array.from({ length: 2000 }, () => new Pollable(alwaysReady));
    expect((await poll(pollables)).length).toBe(2000);
    expect(() => poll([...pollables, pollables[0]!])).toThrow(/limits\.handles/);
  });
  expect([...task.met]).toEqual([["handles", 1]]);
  task.end();
});

Deno.test("poll() waits for thousands of pollables and leaves no subscription behind", () =>
  inTask(async () => {
    const switches = Array.from({ length: 5000 }, () => new Switch());
    const pollables = switches.map((waitable) => new Pollable(waitable));
    for (let round = 0; round < 3; round++) {
      const polling = poll(pollables);
      expect(switches[7]!.wakers.size).toBe(1);
      switches[4321]!.set();
      expect(await polling).toEqual(Uint32Array.of(4321));
      expect(switches.every((waitable) => waitable.wakers.size === 0)).toBe(true);
      switches[4321]!.ready = false;
    }
  }));

Deno.test("what waits when its task ends is left waiting, without a subscription", async () => {
  const waitable = new Switch();
  const task = new Task({ function: "test" });
  let went = false;
  withTask(task, () => void new Pollable(waitable).block()!.then(() => went = true));
  expect(waitable.wakers.size).toBe(1);
  task.end();
  expect(waitable.wakers.size).toBe(0);
  waitable.set();
  await new Promise((resolve) => setTimeout(resolve));
  expect(went).toBe(false);
});

Deno.test("a guest that polls what is always ready lets timers run", () =>
  inTask(async () => {
    const pollable = new Pollable(alwaysReady);
    let over = false;
    setTimeout(() => over = true, 5);
    while (!over) await poll([pollable]);
    over = false;
    setTimeout(() => over = true, 5);
    while (!over) await pollable.block();
  }));

Deno.test("a pollable of a timer becomes ready", () =>
  inTask(async () => {
    const pollable = new Pollable(timer(performance.now() + 3));
    await pollable.block();
    expect(pollable.ready()).toBe(true);
  }));

Deno.test("an input stream gives what is there, at most what was asked for, and nothing without waiting", () => {
  const { sink, source } = new ByteChannel();
  const stream = new InputStream(source);
  expect(stream.read(10n).length).toBe(0);
  expect(stream.subscribe().ready()).toBe(false);
  sink.write(bytes(5));
  expect(stream.subscribe().ready()).toBe(true);
  expect(stream.read(0n).length).toBe(0);
  expect(stream.read(3n).length).toBe(3);
  expect(stream.skip(2n ** 64n - 1n)).toBe(2n);
});

Deno.test("an input stream bounds what one read of 2^64 bytes takes", () => {
  const { sink, source } = new ByteChannel();
  sink.write(bytes(3 * MAX_READ_BYTES));
  expect(new InputStream(source).read(2n ** 64n - 1n).length).toBe(MAX_READ_BYTES);
});

Deno.test("an input stream waits in its blocking functions", () =>
  inTask(async () => {
    const { sink, source } = new ByteChannel();
    const stream = new InputStream(source);
    const reading = stream.blockingRead(10n);
    sink.write(bytes(4));
    expect((await reading).length).toBe(4);
    const skipping = stream.blockingSkip(10n);
    sink.write(bytes(6));
    expect(await skipping).toBe(6n);
    const last = stream.blockingRead(10n);
    sink.close();
    await expect(last).rejects.toMatchObject({ payload: { tag: "closed" } });
  }));

Deno.test("an input stream tells the end after the last byte, and a failure once", () => {
  const { sink, source } = new ByteChannel();
  sink.write(bytes(1));
  sink.abort(new WitError("broken", "it broke"));
  const stream = new InputStream(source);
  expect(stream.read(9n).length).toBe(1);
  const failure = streamError(() => stream.read(9n));
  expect(failure.tag).toBe("last-operation-failed");
  expect((failure as { val: IoError }).val.toDebugString()).toBe("it broke");
  expect(streamError(() => stream.read(9n))).toEqual({ tag: "closed" });
  expect(streamError(() => stream.read(0n))).toEqual({ tag: "closed" });
});

Deno.test("an io error does not show a guest the host's own words", () => {
  const { sink, source } = new ByteChannel();
  sink.abort(new Error("ENOENT /secret/path"));
  const failure = streamError(() => new InputStream(source).read(1n)) as { val: IoError };
  expect(failure.val.toDebugString()).toBe("the stream failed");
});

Deno.test("dropping an input stream cancels its source", () => {
  const { sink, source } = new ByteChannel();
  new InputStream(source)[Symbol.dispose]();
  expect(sink.state).toBe("closed");
});

Deno.test("an output stream permits what there is room for, and a write beyond that traps", () => {
  const { sink, source } = new ByteChannel(8);
  const stream = new OutputStream(sink);
  expect(stream.checkWrite()).toBe(8n);
  stream.write(bytes(5));
  expect(stream.checkWrite()).toBe(3n);
  expect(() => stream.write(bytes(4))).toThrow(SkerryError);
  expect(() => stream.writeZeroes(2n ** 64n - 1n)).toThrow(SkerryError);
  stream.writeZeroes(3n);
  expect(stream.checkWrite()).toBe(0n);
  expect(stream.subscribe().ready()).toBe(false);
  stream.flush();
  expect([...source.take(100)]).toEqual([1, 1, 1, 1, 1, 0, 0, 0]);
  expect(stream.subscribe().ready()).toBe(true);
});

Deno.test("an output stream keeps what was written, whatever the guest does to its memory after that", () => {
  const { sink, source } = new ByteChannel();
  const memory = bytes(4, 7);
  new OutputStream(sink).write(memory);
  memory.fill(0);
  expect([...source.take(4)]).toEqual([7, 7, 7, 7]);
});

Deno.test("an output stream's blocking functions take at most 4096 bytes and wait for room", () =>
  inTask(async () => {
    const { sink, source } = new ByteChannel(1000);
    const stream = new OutputStream(sink);
    await expect(stream.blockingWriteAndFlush(bytes(4097))).rejects.toThrow(SkerryError);
    await expect(stream.blockingWriteZeroesAndFlush(4097n)).rejects.toThrow(SkerryError);
    const writing = (async () => {
      await stream.blockingWriteAndFlush(bytes(4096));
      await stream.blockingWriteZeroesAndFlush(10n);
    })();
    let taken = 0;
    for (let i = 0; i < 100 && taken < 4106; i++) {
      const chunk = source.take(5000);
      expect(chunk.length).toBeLessThanOrEqual(1000);
      taken += chunk.length;
      await new Promise((resolve) => setTimeout(resolve));
    }
    await writing;
    expect(taken).toBe(4106);
  }));

Deno.test("an output stream is closed when its reader has gone, and tells a failure once", () =>
  inTask(async () => {
    const gone = new ByteChannel();
    const stream = new OutputStream(gone.sink);
    gone.source.cancel();
    for (
      const call of [
        () => stream.checkWrite(),
        () => stream.write(bytes(1)),
        () => stream.flush(),
        () => stream.writeZeroes(1n),
      ]
    ) expect(streamError(call)).toEqual({ tag: "closed" });
    for (
      const call of [
        () => stream.blockingFlush(),
        () => stream.blockingWriteAndFlush(bytes(1)),
      ]
    ) await expect(call()).rejects.toMatchObject({ payload: { tag: "closed" } });
    const failed = new ByteChannel();
    failed.sink.abort(new Error("broken"));
    const other = new OutputStream(failed.sink);
    expect(streamError(() => other.checkWrite()).tag).toBe("last-operation-failed");
    expect(streamError(() => other.checkWrite()).tag).toBe("closed");
  }));

Deno.test("splice moves no more than there is room for, and ends with its source", () =>
  inTask(async () => {
    const from = new ByteChannel();
    const to = new ByteChannel(4);
    const [input, output] = [new InputStream(from.source), new OutputStream(to.sink)];
    from.sink.write(bytes(6));
    expect(output.splice(input, 100n)).toBe(4n);
    expect(output.splice(input, 100n)).toBe(0n);
    to.source.take(4);
    expect(output.splice(input, 1n)).toBe(1n);
    to.source.take(4);
    expect(await output.blockingSplice(input, 100n)).toBe(1n);
    const waiting = output.blockingSplice(input, 100n);
    from.sink.close();
    await expect(waiting).rejects.toMatchObject({ payload: { tag: "closed" } });
  }));

Deno.test("splice copies what its source only lends, and hands on what it gives away", () =>
  inTask(async () => {
    for (const lends of [true, false]) {
      const from = new ByteChannel();
      const own = bytes(10);
      const lend = (max: number) => {
        const taken = from.source.take(max);
        own.set(taken);
        return own.subarray(0, taken.byteLength);
      };
      const { source } = from;
      const lending = {
        ...{ error: undefined, take: (max: number) => source.take(max), cancel() {} },
        ...(lends ? { lend } : {}),
        get state() {
          return source.state;
        },
        get ready() {
          return source.ready;
        },
        subscribe: (wake: () => void) => source.subscribe(wake),
      };
      const to = new ByteChannel();
      const [input, output] = [new InputStream(lending), new OutputStream(to.sink)];
      const moved: bigint[] = [];
      for (const value of [1, 2, 3]) {
        const chunk = bytes(4, value);
        from.sink.write(chunk);
        moved.push(output.splice(input, 3n), await output.blockingSplice(input, 100n));
        own.fill(9);
      }
      expect(moved).toEqual([3n, 1n, 3n, 1n, 3n, 1n]);
      const all: number[] = [];
      while (to.source.ready) all.push(...to.source.take(100));
      expect(all).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    }
  }));

Deno.test("a blocking splice waits for bytes, and for room, and then moves what it can", () =>
  inTask(async () => {
    const from = new ByteChannel();
    const to = new ByteChannel(4);
    const [input, output] = [new InputStream(from.source), new OutputStream(to.sink)];
    const first = output.blockingSplice(input, 100n);
    from.sink.write(bytes(3));
    expect(await first).toBe(3n);
    from.sink.write(bytes(9));
    expect(await output.blockingSplice(input, 100n)).toBe(1n);
    const second = output.blockingSplice(input, 100n);
    to.source.take(2);
    expect(await second).toBe(2n);
    to.source.cancel();
    await expect(output.blockingSplice(input, 1n)).rejects.toMatchObject({ payload: { tag: "closed" } });
  }));
