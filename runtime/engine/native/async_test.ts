import { expect } from "@std/expect";
import { ByteChannel } from "../../streams/bytes.ts";
import { taskLocal } from "../../task.ts";
import { waits } from "../mod.ts";
import { calledOff, readGuestStream, toGuestStream } from "../streams.ts";
import { call, inIsolate, linkFixture } from "./_testing.ts";

const running = taskLocal(() => ({ calls: 0, most: 0, aborted: 0 }));
const taken = taskLocal((): { stream: unknown } => ({ stream: undefined }));

function channel(...chunks: number[][]) {
  const { sink, source } = new ByteChannel();
  for (const chunk of chunks) sink.write(new Uint8Array(chunk));
  return { sink, source };
}

const HOST = {
  "test:async/host": {
    later: waits((n: number) =>
      calledOff(async (signal) => {
        const state = running();
        state.most = Math.max(state.most, ++state.calls);
        signal.addEventListener("abort", () => state.aborted++);
        for (let i = 0; i < 5; i++) await Promise.resolve();
        running().calls--;
        return n * 10;
      })
    ),
    bytes() {
      const { sink, source } = channel([1, 2, 3], [4]);
      Promise.resolve().then(() => {
        sink.write(new Uint8Array([5, 6, 7, 8, 9, 10, 11]));
        sink.close();
      });
      return toGuestStream(source);
    },
    promise: async () => {
      await Promise.resolve();
      return 77;
    },
    take(stream: unknown) {
      taken().stream = stream;
      return 3;
    },
  },
};

const linked = linkFixture("async", HOST);

async function collect(stream: unknown): Promise<number[]> {
  const bytes: number[] = [];
  for await (const chunk of stream as AsyncIterable<Uint8Array>) bytes.push(...chunk);
  return bytes;
}

Deno.test("two calls of the host run at once, and the guest waits for both", async () => {
  await inIsolate(await linked, async (isolate, task) => {
    expect(await call(isolate, "both", 4)).toBe(90);
    expect(running().most).toBe(2);
    expect(task.calls).toEqual(new Map([["test:async/host#later", 2]]));
    await isolate.ended;
  });
});

Deno.test("a call that is lowered synchronously suspends its guest alone", async () => {
  const link = await linked;
  const one = (n: number) => inIsolate(link, (isolate) => call(isolate, "sync", n));
  expect(await Promise.all([one(1), one(2), one(3)])).toEqual([10, 20, 30]);
});

Deno.test("two calls of one isolate are under way at once", async () => {
  await inIsolate(await linked, async (isolate) => {
    expect(await Promise.all([call(isolate, "both", 1), call(isolate, "sync", 5)])).toEqual([30, 50]);
    expect(running().most).toBe(3);
  });
});

Deno.test("a call that the guest takes back is called off", async () => {
  await inIsolate(await linked, async (isolate) => {
    const CANCELLED_BEFORE_RETURNED = 4;
    expect(await call(isolate, "cancel", 1)).toBe(CANCELLED_BEFORE_RETURNED);
    expect(running().aborted).toBe(1);
    await isolate.ended;
  });
});

Deno.test("a guest reads a stream of the host, in pieces of its own size", async () => {
  await inIsolate(await linked, async (isolate) => {
    expect(await call(isolate, "sumOfHost")).toBe(66);
    const { sink, source } = channel([100, 100]);
    const sum = call(isolate, "sum", toGuestStream(source));
    await Promise.resolve();
    sink.write(new Uint8Array(20).fill(1));
    sink.close();
    expect(await sum).toBe(220);
  });
});

Deno.test("any async iterable of chunks will do for a stream", async () => {
  await inIsolate(await linked, async (isolate) => {
    async function* chunks() {
      yield new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      await Promise.resolve();
      yield new Uint8Array([10]);
    }
    expect(await call(isolate, "sum", chunks())).toBe(55);
    expect(await call(isolate, "sum", new Blob([new Uint8Array([3, 4])]).stream())).toBe(7);
  });
});

Deno.test("the host reads a stream that the guest writes after it has returned", async () => {
  await inIsolate(await linked, async (isolate) => {
    expect(await collect(await call(isolate, "count", 5))).toEqual([0, 1, 2, 3, 4]);
    const stream = await call(isolate, "count", 1000) as AsyncIterableIterator<Uint8Array>;
    expect((await stream.next()).value).toEqual(new Uint8Array([0]));
    await stream.return!();
    await isolate.ended;
  });
});

Deno.test("a stream of the host that the guest hands back is the host's own", async () => {
  await inIsolate(await linked, async (isolate) => {
    const { sink, source } = channel([1, 2]);
    sink.close();
    expect(await call(isolate, "pass", toGuestStream(source))).toBe(source);
    const own = await call(isolate, "pass", await call(isolate, "count", 3));
    expect(await collect(own)).toEqual([0, 1, 2]);
    expect(await call(isolate, "give", await call(isolate, "count", 2))).toBe(3);
    expect(readGuestStream(taken().stream).state).toBe("open");
  });
});

Deno.test("futures go both ways", async () => {
  await inIsolate(await linked, async (isolate) => {
    expect(await call(isolate, "promise")).toBe(77);
    // A future is a thenable: to await a call is to await its future too.
    expect(await call(isolate, "future", 5)).toBe(5);
    await isolate.ended;
  });
});

Deno.test("a guest that ends without a result traps, and everyone hears of it", async () => {
  await inIsolate(await linked, async (isolate) => {
    const message = await call(isolate, "silent").catch((e) => e.message);
    expect(message).toBe("async-lifted export failed to produce a result");
    expect(await isolate.ended!.catch((e) => e.message)).toBe(message);
  });
});
