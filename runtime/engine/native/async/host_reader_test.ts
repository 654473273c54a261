import { expect } from "@std/expect";
import type { NativeIsolate } from "../isolate.ts";
import { COPY_COMPLETED, COPY_DROPPED, type ReadableBuffer, SharedStream } from "./copy.ts";
import { GuestStreamReader } from "./host_reader.ts";

const u8 = { kind: "u8" } as ConstructorParameters<typeof SharedStream>[0];

/** A stream of bytes between a host and a guest whose steps are the test's. */
function stream() {
  const scheduler = { external: 0, post: (run: () => void) => run() };
  const isolate = { over: false, scheduler } as unknown as NativeIsolate;
  const shared = new SharedStream(u8);
  return { isolate, shared, scheduler, reader: new GuestStreamReader(isolate, shared) };
}

/** What a guest writes, from memory that is something else as soon as it is over; answers how that went. */
function write(shared: SharedStream, ...bytes: number[]): { progress: number; result: number | undefined } {
  const memory = Uint8Array.from(bytes);
  const outcome = { progress: 0, result: undefined as number | undefined };
  const buffer: ReadableBuffer = {
    ofHost: false,
    isZeroLength: bytes.length === 0,
    atOnce: Infinity,
    get remain() {
      return memory.length - outcome.progress;
    },
    read(count) {
      const from = outcome.progress;
      outcome.progress += count;
      return memory.subarray(from, from + count);
    },
  };
  shared.write(undefined, buffer, (reclaim) => {
    reclaim();
    outcome.result = COPY_COMPLETED;
  }, (result) => outcome.result = result);
  if (outcome.result !== undefined) memory.fill(0);
  return outcome;
}

Deno.test("the host has all that a guest writes before it stops, and no more than it asked for", async () => {
  const { shared, reader } = stream();
  const reading = reader.read({ count: 10 });
  expect(write(shared, 1, 2, 3, 4)).toEqual({ progress: 4, result: COPY_COMPLETED });
  expect(write(shared, 5, 6, 7, 8)).toEqual({ progress: 4, result: COPY_COMPLETED });
  expect(write(shared, 9, 10, 11)).toEqual({ progress: 2, result: COPY_COMPLETED });
  const blocked = write(shared, 11, 12);
  expect(blocked.result).toBe(undefined);
  expect(await reading).toEqual({ done: false, value: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) });
  // It waits for as long as the host does not read.
  await new Promise((done) => setTimeout(done));
  expect(blocked).toEqual({ progress: 0, result: undefined });
  expect(await reader.read({ count: 1 })).toEqual({ done: false, value: Uint8Array.of(11) });
  expect(blocked).toEqual({ progress: 1, result: COPY_COMPLETED });
});

Deno.test("a guest that goes on to write when the host has what it asked for waits until it asks again", async () => {
  const { shared, reader } = stream();
  const reading = reader.read({ count: 10 });
  write(shared, 1);
  expect(await reading).toEqual({ done: false, value: Uint8Array.of(1) });
  const second = write(shared, 2);
  expect(second.result).toBe(undefined);
  expect(await reader.read({ count: 10 })).toEqual({ done: false, value: Uint8Array.of(2) });
});

Deno.test("bytes that a guest wrote just before it dropped its end come before the end", async () => {
  const { shared, reader, scheduler } = stream();
  const reading = reader.read({ count: 10 });
  write(shared, 1, 2);
  shared.drop();
  expect(await reading).toEqual({ done: false, value: Uint8Array.of(1, 2) });
  expect(scheduler.external).toBe(1);
  expect(await reader.read({ count: 10 })).toEqual({ done: true, value: undefined });
  expect(scheduler.external).toBe(0);
  expect(await reader.read({ count: 10 })).toEqual({ done: true, value: undefined });
});

Deno.test("large pieces come one by one, in order, and none is lost when the host asks for less", async () => {
  const { shared, reader } = stream();
  const big = (value: number) => new Array(20_000).fill(value);
  const reading = reader.read({ count: 100_000 });
  for (const value of [1, 2, 3]) write(shared, ...big(value));
  shared.drop();
  const all: number[] = [...(await reading).value as Uint8Array];
  for (let next = await reader.read({ count: 7000 }); !next.done; next = await reader.read({ count: 7000 })) {
    expect(next.value!.length).toBeLessThanOrEqual(7000);
    all.push(...next.value as Uint8Array);
  }
  expect(all).toEqual([1, 2, 3].flatMap(big));
});

Deno.test("a stream with bytes that the host has read does not go back as it is", async () => {
  const { isolate, shared, reader } = stream();
  const reading = reader.read({ count: 100_000 });
  write(shared, ...new Array(20_000).fill(1));
  write(shared, ...new Array(20_000).fill(2));
  await reading;
  expect(GuestStreamReader.take(reader, isolate)).toBe(undefined);
  await reader.read({ count: 100_000 });
  expect(GuestStreamReader.take(reader, isolate)).toBe(shared);
});

Deno.test("a host that wants no more forgets what it has not asked for, and tells the guest", async () => {
  const { shared, reader } = stream();
  const reading = reader.read({ count: 100_000 });
  write(shared, ...new Array(20_000).fill(1));
  write(shared, ...new Array(20_000).fill(2));
  await reading;
  reader[Symbol.dispose]();
  expect(await reader.read({ count: 1 })).toEqual({ done: true, value: undefined });
  expect(write(shared, 3).result).toBe(COPY_DROPPED);
});

Deno.test("nothing is taken of a write beyond the bound, whoever comes first, and its reader hears of all that there was", async () => {
  for (const first of ["reader", "writer"]) {
    const { shared, reader } = stream();
    const told: number[] = [];
    reader.bound(5, (written) => told.push(written));
    const beginning = reader.read({ count: 10 });
    expect(write(shared, 1, 2).progress).toBe(2);
    expect(await beginning).toEqual({ done: false, value: Uint8Array.of(1, 2) });
    const reading = first === "reader" ? reader.read({ count: 10 }) : undefined;
    const beyond = write(shared, 3, 4, 5, 6);
    expect(await (reading ?? reader.read({ count: 10 }))).toEqual({ done: true, value: undefined });
    expect([first, beyond, told]).toEqual([first, { progress: 0, result: COPY_DROPPED }, [6]]);
    expect(write(shared, 7)).toEqual({ progress: 0, result: COPY_DROPPED });
  }
});

Deno.test("as many bytes as the bound are taken, in as many writes", async () => {
  const { shared, reader } = stream();
  reader.bound(3, () => expect("exceeded").toBe("not exceeded"));
  const reading = reader.read({ count: 10 });
  write(shared, 1);
  write(shared, 2, 3);
  shared.drop();
  expect(await reading).toEqual({ done: false, value: Uint8Array.of(1, 2, 3) });
  expect((await reader.read({ count: 10 })).done).toBe(true);
});
