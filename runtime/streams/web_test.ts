import { expect } from "@std/expect";
import { ByteChannel, emptySource, lend } from "./bytes.ts";
import { waitAny } from "./waitable.ts";
import { sourceOf, streamOf } from "./web.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

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

/** A byte stream that fills what it is given, as a socket does; `before` sees the memory first. */
function socket(chunks: readonly Uint8Array[], before: (view: Uint8Array) => void = () => {}) {
  const rest = [...chunks];
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: 100,
    pull(controller) {
      const view = controller.byobRequest!.view as Uint8Array;
      before(view);
      const chunk = rest.shift();
      if (chunk === undefined) {
        controller.close();
        return controller.byobRequest!.respond(0);
      }
      const part = chunk.subarray(0, view.byteLength);
      if (part.byteLength < chunk.byteLength) rest.unshift(chunk.subarray(part.byteLength));
      view.set(part);
      controller.byobRequest!.respond(part.byteLength);
    },
  });
}

Deno.test("sourceOf() reads into one buffer, over and over, while its bytes are only lent", async () => {
  const before: (number | undefined)[] = [];
  const source = sourceOf(socket([1, 2, 3, 4].map((n) => bytes(n, n)), (view) => before.push(view[0])));
  const seen: number[] = [];
  while (source.state === "open") {
    await waitAny([source]);
    for (let lent = lend(source, 1); lent.byteLength > 0; lent = lend(source, 1)) seen.push(...lent);
  }
  expect(seen).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  // Each read finds what was read before it: the memory is the same.
  expect(before).toEqual([0, 1, 2, 3, 4]);
});

Deno.test("what was taken from sourceOf() stays as it is when more is read", async () => {
  for (const size of [1, 10, 600, 1000]) {
    const source = sourceOf(socket([1, 2, 3, 4].map((n) => new Uint8Array(1000).fill(n))), undefined, 1024);
    const taken: Uint8Array[] = [];
    while (source.state === "open") {
      await waitAny([source]);
      for (let n = 0; source.ready && source.state === "open"; n++) {
        // Now and then it is lent, and what was taken before must not suffer.
        const part = n % 3 === 2 ? lend(source, size).slice() : source.take(size);
        if (part.byteLength === 0) break;
        taken.push(part);
      }
    }
    expect(Array.from(taken, (part) => [...part]).flat()).toEqual(
      [1, 2, 3, 4].flatMap((n) => new Array(1000).fill(n)),
    );
  }
});

Deno.test("sourceOf() asks for much at once only where much is there, and for no more than is announced", async () => {
  const asked = async (chunks: Uint8Array[], expected?: number) => {
    const sizes: number[] = [];
    const source = sourceOf(socket(chunks, (view) => sizes.push(view.byteLength)), undefined, expected);
    while (source.state === "open") {
      await waitAny([source]);
      source.take(Infinity);
    }
    return sizes.map((size) => size / 1024);
  };
  expect(await asked([new Uint8Array(5 << 20)])).toEqual([64, 256, ...new Array(11).fill(512)]);
  expect(await asked(new Array(3).fill(new Uint8Array(1000)))).toEqual([64, 64, 64, 64]);
  expect(await asked([new Uint8Array(3000)], 3000)).toEqual([3000 / 1024, 11.71875]);
  expect(await asked([new Uint8Array(10)], 10)).toEqual([1, 1]);
});

Deno.test("sourceOf() of a byte stream ends as it does, and cancels it", async () => {
  const source = sourceOf(
    new ReadableStream({ type: "bytes", pull: (controller) => controller.error(new Error("gone")) }),
  );
  await waitAny([source]);
  expect([source.state, String(source.error)]).toEqual(["errored", "Error: gone"]);
  let reason: unknown;
  const pulled = Promise.withResolvers<void>();
  const left = sourceOf(
    new ReadableStream({
      type: "bytes",
      pull: () => {
        pulled.resolve();
        return new Promise(() => {});
      },
      cancel: (why) => void (reason = why),
    }),
  );
  const waiting = waitAny([left]);
  await pulled.promise;
  left.cancel("enough");
  await waiting;
  expect([left.state, reason]).toEqual(["closed", "enough"]);
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

Deno.test("streamOf() ends with its last bytes, so that nobody who has them can leave too early", async () => {
  const { sink, source } = new ByteChannel();
  const ends: unknown[] = [];
  const reader = streamOf(source, { onEnd: (how) => ends.push(how) }).getReader();
  sink.write(bytes(1, 2));
  sink.close();
  expect((await reader.read()).value).toEqual(bytes(1, 2));
  await reader.cancel();
  expect(ends).toEqual(["closed"]);
});

Deno.test("a reader who has as many bytes as were announced has not left, whatever its writer still does", async () => {
  for (const [length, how] of [[2, "closed"], [3, "cancelled"], [undefined, "cancelled"]] as const) {
    const { sink, source } = new ByteChannel();
    const ends: unknown[] = [];
    const reader = streamOf(source, { length, onEnd: (how) => ends.push(how) }).getReader();
    sink.write(bytes(1, 2));
    await reader.read();
    await reader.cancel();
    sink.close();
    expect([length, ...ends]).toEqual([length, how]);
  }
});
