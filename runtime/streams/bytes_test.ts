import { expect } from "@std/expect";
import { append, ByteChannel, lend } from "./bytes.ts";
import { ChunkQueue } from "./chunk_queue.ts";
import { bounded } from "./bounded.ts";

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

Deno.test("a chunk queue copies what is appended, and joins what is small", () => {
  const queue = new ChunkQueue();
  const memory = bytes(1, 2, 3);
  for (let i = 0; i < 1000; i++) {
    memory.fill(i);
    queue.append(memory, 65_536);
  }
  memory.fill(0);
  expect(queue.size).toBe(3000);
  let chunks = 0;
  for (let at = 0; at < 3000; chunks++) {
    for (const byte of queue.take(3000)) expect(byte).toBe(Math.floor(at++ / 3) % 256);
  }
  expect(chunks).toBeLessThan(3);
});

Deno.test("a chunk queue makes a chunk as large as what was last taken at once, and no larger than asked", () => {
  const queue = new ChunkQueue();
  const memoryOf = (most: number) => {
    queue.append(new Uint8Array(64).fill(0xff), most);
    queue.append(new Uint8Array(64).fill(0xff), most);
    const { buffer } = queue.take(10);
    while (queue.size > 0) queue.take(Infinity);
    return buffer.byteLength;
  };
  // The first time nobody knows, and what is written first may be all.
  expect(memoryOf(1000)).toBe(64);
  queue.append(new Uint8Array(256).fill(0xff), 1000);
  queue.take(Infinity);
  expect(memoryOf(1000)).toBe(256);
  queue.append(new Uint8Array(256).fill(0xff), 1000);
  queue.take(Infinity);
  expect(memoryOf(100)).toBe(100);
});

Deno.test("a chunk queue has what is written first as text, if that is short and ASCII, until somebody takes bytes", () => {
  const ascii = (text: string) => new TextEncoder().encode(text);
  const queue = new ChunkQueue();
  expect(queue.takeText()).toBe(undefined);
  queue.append(ascii("{"), 1000);
  queue.append(ascii("a".repeat(100)), 1000);
  expect([queue.size, queue.takeText(), queue.size]).toEqual([101, `{${"a".repeat(100)}`, 0]);
  expect(queue.takeText()).toBe(undefined);
  // Its reader has come.
  queue.append(ascii("more"), 1000);
  expect([queue.takeText(), queue.take(9)]).toEqual([undefined, ascii("more")]);
  for (const second of [ascii("b".repeat(600)), Uint8Array.of(0xc3, 0xa4)]) {
    for (const write of ["push", "append"] as const) {
      const mixed = new ChunkQueue();
      mixed.append(ascii("a"), 1000);
      mixed[write](second, 1000);
      expect([mixed.takeText(), mixed.size]).toEqual([undefined, 1 + second.byteLength]);
      expect([...mixed.take(1), ...mixed.take(1000)]).toEqual([97, ...second]);
    }
  }
  const cleared = new ChunkQueue();
  cleared.append(ascii("a"), 1000);
  cleared.clear();
  expect([cleared.takeText(), cleared.take(1).length]).toEqual([undefined, 0]);
});

Deno.test("a chunk queue keeps every byte in order, whoever writes and however, and gives no memory away twice", () => {
  let seed = 1;
  const random = (below: number) => (seed = seed * 48_271 % 2_147_483_647) % below;
  const queue = new ChunkQueue();
  let [written, read] = [0, 0];
  const next = (length: number) => Uint8Array.from({ length }, () => written++ % 251);
  for (let round = 0; round < 3000; round++) {
    const chunk = next(random(4) === 0 ? random(3000) : random(20));
    if (random(3) === 0) queue.push(chunk);
    else queue.append(chunk, random(2) === 0 ? 8192 : 64);
    if (random(2) === 0) continue;
    const taken = queue.take(random(2) === 0 ? random(100) : 100_000);
    for (const byte of taken) if (byte !== read++ % 251) throw new Error(`byte ${read - 1} is wrong`);
    // Who has taken all there was may do with its memory what he likes.
    if (queue.size === 0 && taken.byteLength > 0) structuredClone(taken.buffer, { transfer: [taken.buffer] });
  }
  while (queue.size > 0) {
    for (const byte of queue.take(5000)) if (byte !== read++ % 251) throw new Error(`byte ${read - 1} is wrong`);
  }
  expect(read).toBe(written);
  expect(written).toBeGreaterThan(100_000);
});

Deno.test("a channel takes copies as it takes chunks", () => {
  const { sink, source } = new ByteChannel(4);
  let woken = 0;
  source.subscribe(() => woken++);
  const memory = bytes(1, 2, 3);
  append(sink, memory);
  expect([woken, sink.room]).toEqual([1, 1]);
  append(sink, new Uint8Array());
  append(sink, memory);
  memory.fill(0);
  expect(sink.ready).toBe(false);
  sink.close();
  append(sink, memory);
  expect([...source.take(3), ...source.take(9)]).toEqual([1, 2, 3, 1, 2, 3]);
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

Deno.test("a channel has more room while its reader is fast, and as much as at first when it has become slow", () => {
  let now = 0;
  const { sink, source } = new ByteChannel({ highWater: 4, burst: 10, clock: () => now });
  /** Fills it, and lets the reader take all of that after `ms`; answers how much there was room for. */
  const round = (ms: number) => {
    const { room } = sink;
    sink.write(new Uint8Array(room));
    expect([sink.room, sink.ready]).toEqual([0, false]);
    now += ms;
    expect(source.take(1000).byteLength).toBe(room);
    return room;
  };
  // Slow, or neither fast nor slow.
  expect([round(1000), round(50), round(9)]).toEqual([4, 4, 4]);
  expect([round(1), round(8), round(50), round(9), round(101), round(1), round(1)]).toEqual([4, 8, 10, 10, 10, 4, 8]);
});

Deno.test("a channel that is never full stays as small as it is", () => {
  const { sink, source } = new ByteChannel({ highWater: 4, burst: 10, clock: () => 0 });
  for (let i = 0; i < 100; i++) {
    sink.write(bytes(1, 2, 3));
    source.take(3);
  }
  expect(sink.room).toBe(4);
});

Deno.test("a channel takes no room back that it has offered, however fast its reader", () => {
  let now = 0;
  let seed = 7;
  const random = (below: number) => (seed = seed * 48_271 % 2_147_483_647) % below;
  const { sink, source } = new ByteChannel({ highWater: 16, burst: 100, clock: () => now });
  for (let i = 0; i < 5000; i++) {
    const { room } = sink;
    now += random(3) === 0 ? 200 : 1;
    source.take(random(150));
    expect(sink.room).toBeGreaterThanOrEqual(room);
    sink.write(new Uint8Array(Math.min(random(60), sink.room)));
  }
});

Deno.test("a channel whose reader has cancelled takes no more", () => {
  const { sink, source } = new ByteChannel();
  sink.write(bytes(1));
  source.cancel();
  expect(sink.state).toBe("closed");
  expect(source.ready).toBe(true);
  expect(source.take(1).byteLength).toBe(0);
});

Deno.test("a loan goes through bounded(), and counts", () => {
  const { sink, source } = new ByteChannel();
  const short = bounded(source, 3, () => "too long");
  sink.write(bytes(1, 2, 3, 4));
  expect([...lend(short, 2)]).toEqual([1, 2]);
  expect(short.take(1).byteLength).toBe(1);
  expect(short.state).toBe("open");
  expect(lend(short, 1).byteLength).toBe(0);
  expect([short.state, short.error, sink.state]).toEqual(["errored", "too long", "closed"]);
  expect(lend(short, 1).byteLength).toBe(0);
});
