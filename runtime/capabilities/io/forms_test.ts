// The rules of `wasi:io/streams`, asked of both forms of its functions: the one that every engine can call, and the one
// that works on the guest's memory.
import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { directForm } from "../../engine/direct.ts";
import { SkerryError, WitError } from "../../errors.ts";
import { MAX_READ_BYTES } from "../../limits.ts";
import { ByteChannel } from "../../streams/bytes.ts";
import { InputStream, type IoError, OutputStream, type StreamError } from "../../streams/p2/mod.ts";
import { sourceOf } from "../../streams/web.ts";
import { Task } from "../../task.ts";
import "./p2.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The functions that have two forms. */
interface Form {
  read(stream: InputStream, length: bigint): Bytes;
  blockingRead(stream: InputStream, length: bigint): Promise<Bytes>;
  write(stream: OutputStream, bytes: Bytes): void;
  blockingWriteAndFlush(stream: OutputStream, bytes: Bytes): Promise<void>;
}

const plain: Form = {
  read: (stream, length) => stream.read(length),
  blockingRead: async (stream, length) => await stream.blockingRead(length),
  write: (stream, bytes) => stream.write(bytes),
  blockingWriteAndFlush: async (stream, bytes) => await stream.blockingWriteAndFlush(bytes),
};

const formOf = (method: object) => directForm(method)!;

/** A view of memory that is something else as soon as the call is over. */
function lent<T>(bytes: Bytes, call: (view: Bytes) => T): T {
  const memory = new Uint8Array(bytes.length + 2);
  memory.set(bytes, 1);
  try {
    return call(memory.subarray(1, bytes.length + 1));
  } finally {
    memory.fill(0xee);
  }
}

const onMemory: Form = {
  read: (stream, length) => (formOf(InputStream.prototype.read).call(stream, length) as Bytes).slice(),
  async blockingRead(stream, length) {
    const { before, call } = formOf(InputStream.prototype.blockingRead);
    await before!(stream, length);
    return (call(stream, length) as Bytes).slice();
  },
  write: (stream, bytes) => lent(bytes, (view) => formOf(OutputStream.prototype.write).call(stream, view)) as undefined,
  async blockingWriteAndFlush(stream, bytes) {
    await lent(bytes, (view) => formOf(OutputStream.prototype.blockingWriteAndFlush).call(stream, view));
  },
};

function inBothForms(name: string, body: (form: Form) => void | Promise<void>): void {
  for (const [which, form] of [["plain", plain], ["direct", onMemory]] as const) {
    Deno.test(`${name}: ${which}`, async () => {
      const task = new Task({ function: "test" });
      try {
        await withTask(task, () => body(form));
      } finally {
        task.end();
      }
    });
  }
}

const bytes = (length: number, value = 1) => new Uint8Array(length).fill(value);

/** The `stream-error` that `body` throws, or rejects with. */
async function streamError(body: () => unknown): Promise<StreamError> {
  try {
    await body();
  } catch (error) {
    if (error instanceof WitError) return error.payload as StreamError;
    throw error;
  }
  throw new Error("expected a stream-error");
}

inBothForms("a read gives what is there, at most what was asked for, and nothing without waiting", (form) => {
  const { sink, source } = new ByteChannel();
  const stream = new InputStream(source);
  expect(form.read(stream, 10n).length).toBe(0);
  sink.write(bytes(5));
  expect(form.read(stream, 0n).length).toBe(0);
  expect(form.read(stream, 3n)).toEqual(bytes(3));
  expect(stream.subscribe().ready()).toBe(true);
  expect(form.read(stream, 2n ** 64n - 1n)).toEqual(bytes(2));
  expect(stream.subscribe().ready()).toBe(false);
  sink.write(bytes(3 * MAX_READ_BYTES));
  expect(form.read(stream, 2n ** 64n - 1n).length).toBe(MAX_READ_BYTES);
});

inBothForms("a blocking read waits for the first byte, or the end", async (form) => {
  const { sink, source } = new ByteChannel();
  const stream = new InputStream(source);
  const reading = form.blockingRead(stream, 10n);
  sink.write(bytes(4, 7));
  expect(await reading).toEqual(bytes(4, 7));
  const last = streamError(() => form.blockingRead(stream, 10n));
  sink.close();
  expect(await last).toEqual({ tag: "closed" });
  expect(await streamError(() => form.blockingRead(stream, 0n))).toEqual({ tag: "closed" });
});

inBothForms("a read tells the end after the last byte, and a failure once", async (form) => {
  for (const read of [form.read, form.blockingRead]) {
    const { sink, source } = new ByteChannel();
    sink.write(bytes(1));
    sink.abort(new WitError("broken", "it broke"));
    const stream = new InputStream(source);
    expect((await read(stream, 9n)).length).toBe(1);
    const failure = await streamError(() => read(stream, 9n));
    expect((failure as { val: IoError }).val.toDebugString()).toBe("it broke");
    expect(await streamError(() => read(stream, 9n))).toEqual({ tag: "closed" });
    expect(await streamError(() => read(stream, 0n))).toEqual({ tag: "closed" });
  }
});

inBothForms("reads of a body's stream give every byte once, in order", async (form) => {
  let sent = 0;
  const body = new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: 1000,
    pull(controller) {
      const view = controller.byobRequest!.view as Bytes;
      const length = Math.min(view.length, 300_000 - sent, 1 + sent * 7 % 90_000);
      if (length === 0) controller.close();
      for (let i = 0; i < length; i++) view[i] = sent++ % 251;
      controller.byobRequest!.respond(length);
    },
  });
  const stream = new InputStream(sourceOf(body));
  let read = 0;
  const check = (part: Bytes) => {
    for (const byte of part) if (byte !== read++ % 251) throw new Error(`byte ${read - 1} is wrong`);
  };
  const end = await streamError(async () => {
    for (let n = 1;; n++) {
      check(await form.blockingRead(stream, BigInt(n * 37 % 5000 + 1)));
      check(form.read(stream, BigInt(n * 91 % 5000)));
    }
  });
  expect([end.tag, read]).toEqual(["closed", 300_000]);
});

inBothForms("a write takes no more than check-write permits, and traps beyond that", (form) => {
  const { sink, source } = new ByteChannel(8);
  const stream = new OutputStream(sink);
  expect(stream.checkWrite()).toBe(8n);
  form.write(stream, bytes(5));
  form.write(stream, bytes(0));
  expect(stream.checkWrite()).toBe(3n);
  expect(() => form.write(stream, bytes(4))).toThrow(SkerryError);
  form.write(stream, bytes(3, 2));
  expect(stream.checkWrite()).toBe(0n);
  expect(stream.subscribe().ready()).toBe(false);
  expect(() => form.write(stream, bytes(1))).toThrow("check-write permits 0");
  expect([...source.take(5), ...source.take(100)]).toEqual([1, 1, 1, 1, 1, 2, 2, 2]);
  expect(stream.subscribe().ready()).toBe(true);
});

inBothForms("a blocking write takes at most 4096 bytes, and waits for room for each of them", async (form) => {
  const { sink, source } = new ByteChannel(1000);
  const stream = new OutputStream(sink);
  await expect(form.blockingWriteAndFlush(stream, bytes(4097))).rejects.toThrow(SkerryError);
  await form.blockingWriteAndFlush(stream, bytes(3, 9));
  expect([...source.take(9)]).toEqual([9, 9, 9]);
  const contents = Uint8Array.from({ length: 4096 }, (_, i) => i % 251);
  const writing = form.blockingWriteAndFlush(stream, contents);
  const taken: number[] = [];
  while (taken.length < 4096) {
    const chunk = source.take(5000);
    expect(chunk.length).toBeLessThanOrEqual(1000);
    taken.push(...chunk);
    await new Promise((resolve) => setTimeout(resolve));
  }
  await writing;
  expect(taken).toEqual([...contents]);
});

inBothForms("a write to a reader that has gone is closed, and a failure is told once", async (form) => {
  for (const write of [form.write, form.blockingWriteAndFlush]) {
    const gone = new ByteChannel();
    const stream = new OutputStream(gone.sink);
    gone.source.cancel();
    expect(await streamError(() => write(stream, bytes(1)))).toEqual({ tag: "closed" });
    const failed = new ByteChannel();
    failed.sink.abort(new Error("broken"));
    const other = new OutputStream(failed.sink);
    expect((await streamError(() => write(other, bytes(1)))).tag).toBe("last-operation-failed");
    expect(await streamError(() => write(other, bytes(1)))).toEqual({ tag: "closed" });
  }
});

inBothForms("a splice after reads and writes moves the bytes between them, and no more than fit", (form) => {
  const from = new ByteChannel();
  const to = new ByteChannel(8);
  const [input, output] = [new InputStream(from.source), new OutputStream(to.sink)];
  from.sink.write(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9));
  form.write(output, form.read(input, 2n));
  expect(output.splice(input, 3n)).toBe(3n);
  form.write(output, form.read(input, 1n));
  expect(output.splice(input, 2n ** 64n - 1n)).toBe(2n);
  expect(output.splice(input, 1n)).toBe(0n);
  const all: number[] = [];
  while (to.source.ready) all.push(...to.source.take(3));
  expect(all).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(form.read(input, 9n)).toEqual(Uint8Array.of(9));
});
