import { expect } from "@std/expect";
import { ByteChannel, ChunkQueue, emptySource } from "./bytes.ts";
import { sourceOf, streamOf } from "./web.ts";
import { settled, timer, waitAny, Wakers } from "./waitable.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

Deno.test("a chunk queue splits large chunks and joins small ones", () => {
  const queue = new ChunkQueue();
  queue.push(bytes(1, 2, 3, 4));
  queue.push(bytes(5));
  queue.push(bytes(6, 7));
  expect([...queue.take(3)]).toEqual([1, 2, 3]);
  expect([...queue.take(3)]).toEqual([4, 5]);
  expect(queue.size).toBe(2);
  expect([...queue.take(100)]).toEqual([6, 7]);
  expect(queue.take(100).byteLength).toBe(0);
});

Deno.test("a chunk queue keeps every byte in order over many pushes and takes", () => {
  const queue = new ChunkQueue();
  const out: number[] = [];
  let next = 0;
  for (let round = 0; round < 500; round++) {
    queue.push(Uint8Array.from({ length: round % 7 }, () => next++ % 251));
    out.push(...queue.take(round % 5));
  }
  out.push(...queue.take(Infinity));
  expect(out.length).toBe(next);
  expect(out.every((value, at) => value === at % 251)).toBe(true);
});

Deno.test("a channel's reader sees the end only after the last byte", () => {
  const { sink, source } = new ByteChannel();
  sink.write(bytes(1, 2));
  sink.abort("broken");
  expect(source.state).toBe("open");
  expect(source.remaining).toBe(undefined);
  expect([...source.take(9)]).toEqual([1, 2]);
  expect(source.state).toBe("errored");
  expect(source.error).toBe("broken");
});

Deno.test("a channel says how much is left once the writer has closed it", () => {
  const { sink, source } = new ByteChannel();
  sink.write(bytes(1, 2));
  expect(source.remaining).toBe(undefined);
  sink.close();
  sink.write(bytes(3));
  expect(source.remaining).toBe(2);
});

Deno.test("a channel has no room past its high-water mark, and wakes the writer when there is room again", () => {
  const { sink, source } = new ByteChannel(4);
  sink.write(bytes(1, 2, 3, 4));
  expect(sink.room).toBe(0);
  expect(sink.ready).toBe(false);
  let woken = 0;
  sink.subscribe(() => woken++);
  source.take(1);
  expect(woken).toBe(1);
  expect(sink.room).toBe(1);
  expect(sink.flushed).toBe(false);
});

Deno.test("a channel whose reader has cancelled takes no more", () => {
  const { sink, source } = new ByteChannel();
  sink.write(bytes(1));
  source.cancel();
  expect(sink.state).toBe("closed");
  expect(source.ready).toBe(true);
  expect(source.take(1).byteLength).toBe(0);
});

Deno.test("waitAny() resolves at the first that is ready and leaves no subscription behind", async () => {
  const [a, b] = [new Wakers(), new Wakers()];
  let ready = false;
  const waiting = waitAny([
    { ready: false, subscribe: (wake) => a.add(wake) },
    {
      get ready() {
        return ready;
      },
      subscribe: (wake) => b.add(wake),
    },
  ]);
  expect([a.size, b.size]).toEqual([1, 1]);
  a.wakeAll(); // A false alarm: it must go on waiting, still subscribed to both.
  expect([a.size, b.size]).toEqual([1, 1]);
  ready = true;
  b.wakeAll();
  await waiting;
  expect([a.size, b.size]).toEqual([0, 0]);
});

Deno.test("waitAny() unsubscribes when its signal aborts, and never resolves", async () => {
  const wakers = new Wakers();
  const controller = new AbortController();
  let resolved = false;
  waitAny([{ ready: false, subscribe: (wake) => wakers.add(wake) }, timer(Infinity)], controller.signal)
    .then(() => resolved = true);
  controller.abort();
  await new Promise((done) => setTimeout(done));
  expect(wakers.size).toBe(0);
  expect(resolved).toBe(false);
});

Deno.test("a timer in the past is ready, and settled() is ready after a rejection", async () => {
  expect(timer(performance.now()).ready).toBe(true);
  const rejected = settled(Promise.reject(new Error("no")));
  expect(rejected.ready).toBe(false);
  await waitAny([rejected]);
  expect(rejected.ready).toBe(true);
});

Deno.test("sourceOf() asks the Web stream only when its reader finds nothing", async () => {
  let pulls = 0;
  const source = sourceOf(
    new ReadableStream({
      pull(controller) {
        pulls++;
        if (pulls === 3) controller.close();
        else controller.enqueue(bytes(pulls));
      },
    }, { highWaterMark: 0 }),
  );
  expect(pulls).toBe(0);
  await waitAny([source]);
  expect(pulls).toBe(1);
  expect([...source.take(10)]).toEqual([1]);
  expect(pulls).toBe(1);
  expect(source.take(10).byteLength).toBe(0);
  await waitAny([source]);
  expect([...source.take(10)]).toEqual([2]);
  await waitAny([source]);
  expect(source.state).toBe("closed");
});

Deno.test("sourceOf() ends as errored when the Web stream does", async () => {
  const source = sourceOf(new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) }));
  await waitAny([source]);
  expect(source.state).toBe("errored");
  expect(String(source.error)).toContain("gone");
});

Deno.test("streamOf() passes bytes, the end, errors and cancellation on", async () => {
  const whole = new ByteChannel();
  whole.sink.write(bytes(1, 2));
  whole.sink.close();
  expect([...new Uint8Array(await new Response(streamOf(whole.source)).arrayBuffer())]).toEqual([1, 2]);

  const broken = new ByteChannel();
  const ends: unknown[] = [];
  const reader = streamOf(broken.source, { onEnd: (how, reason) => ends.push([how, reason]) }).getReader();
  broken.sink.write(bytes(1));
  expect((await reader.read()).done).toBe(false);
  broken.sink.abort("why");
  await expect(reader.read()).rejects.toBe("why");
  expect(ends).toEqual([["errored", "why"]]);

  const left = new ByteChannel();
  await streamOf(left.source, { onEnd: (how) => ends.push(how) }).cancel();
  expect(left.sink.state).toBe("closed");
  expect(ends.at(-1)).toBe("cancelled");
});

Deno.test("streamOf() breaks off when its signal aborts, once", async () => {
  const controller = new AbortController();
  const ends: unknown[] = [];
  const reader = streamOf(new ByteChannel().source, {
    signal: controller.signal,
    onEnd: (how) => ends.push(how),
  }).getReader();
  const read = reader.read();
  controller.abort(new Error("too late"));
  await expect(read).rejects.toThrow("too late");
  expect(ends).toEqual(["errored"]);
});

Deno.test("streamOf() of a source that has ended is an empty body", async () => {
  expect(await new Response(streamOf(emptySource)).text()).toBe("");
});
