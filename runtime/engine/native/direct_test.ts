import { expect } from "@std/expect";
import { WitError } from "../../errors.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { direct, type DirectForm } from "../direct.ts";
import { waits } from "../mod.ts";
import type { LinkedComponent } from "../mod.ts";
import { inIsolate, linkFixture } from "./_testing.ts";

const GUEST = "test:values/guest@1.2.0";

/** A guest that hands its bytes to `form`, and answers what that answers. */
function linkBytes(form: DirectForm): Promise<LinkedComponent> {
  const plain = waits(() => {
    throw new Error("the plain form was called");
  });
  direct(plain, form);
  const host = new Proxy({}, { get: (_, name) => name === "bytes" ? plain : () => 0 });
  return linkFixture("values", { "test:values/host@1.2.0": host });
}

const bytesOf = (linked: LinkedComponent, bytes: Uint8Array, hostCallBytes = DEFAULT_LIMITS.hostCallBytes) =>
  inIsolate(linked, async (isolate, task) => {
    const back = await isolate.exports[GUEST]!["bytes"]!(bytes);
    return { back, calls: [...task.calls] };
  }, { limits: { ...DEFAULT_LIMITS, hostCallBytes } });

Deno.test("a direct form gets a view of the guest's memory, and its call is counted", async () => {
  let view: Uint8Array | undefined;
  const linked = await linkBytes({
    call: (bytes: Uint8Array) => {
      view = bytes;
      return bytes.slice();
    },
  });
  const { back, calls } = await bytesOf(linked, new Uint8Array([1, 2, 3]));
  expect(back).toEqual(new Uint8Array([1, 2, 3]));
  expect(view!.buffer.byteLength % 65_536).toBe(0);
  expect(calls).toEqual([["test:values/host#bytes", 1]]);
});

Deno.test("what a direct form answers is copied at once, so it may lend what it needs again", async () => {
  const own = new Uint8Array(70_000);
  const linked = await linkBytes({
    call: (bytes: Uint8Array) => {
      own.set(bytes);
      // Before any promise of the engine's or the host's goes on.
      queueMicrotask(() => own.fill(0));
      return own.subarray(0, bytes.length);
    },
  });
  for (const length of [0, 10, 70_000]) {
    const sent = new Uint8Array(length).fill(9);
    expect((await bytesOf(linked, sent)).back).toEqual(sent);
  }
});

Deno.test("a direct form that has to wait is called when its guest goes on, and not before", async () => {
  const own = new Uint8Array(4);
  const steps: string[] = [];
  const linked = await linkBytes({
    before: () => {
      steps.push("before");
      return new Promise((done) => setTimeout(done, 1));
    },
    call: () => {
      steps.push("call");
      queueMicrotask(() => own.fill(0));
      return own.fill(5);
    },
  });
  const going = bytesOf(linked, new Uint8Array(1));
  await Promise.resolve();
  expect(steps).toEqual(["before"]);
  expect((await going).back).toEqual(new Uint8Array([5, 5, 5, 5]));
  expect(steps).toEqual(["before", "call"]);
});

Deno.test("a direct form's errors end the guest, at once and after a wait", async () => {
  for (const before of [undefined, () => new Promise<void>((done) => setTimeout(done, 1))]) {
    const broken = { message: "the host is broken" };
    const linked = await linkBytes({
      ...(before === undefined ? {} : { before }),
      call: () => {
        throw new Error(broken.message);
      },
    });
    await expect(bytesOf(linked, new Uint8Array(1))).rejects.toThrow(broken.message);
  }
  const unforeseen = await linkBytes({
    before: () => Promise.reject(new WitError("no result to carry it")),
    call: () => new Uint8Array(),
  });
  await expect(bytesOf(unforeseen, new Uint8Array(1))).rejects.toThrow("no result to carry it");
});

Deno.test("an isolate that has ended while a direct form waited does not call it any more", async () => {
  let called = false;
  const waiting = Promise.withResolvers<void>();
  const linked = await linkBytes({
    before: () => waiting.promise,
    call: () => {
      called = true;
      return new Uint8Array();
    },
  });
  await inIsolate(linked, (isolate) => {
    isolate.exports[GUEST]!["bytes"]!(new Uint8Array(1)).catch(() => {});
    isolate.dispose();
    return Promise.resolve();
  });
  waiting.resolve();
  await new Promise((done) => setTimeout(done));
  expect(called).toBe(false);
});

Deno.test("limits.hostCallBytes holds for the views of a direct form", async () => {
  const linked = await linkBytes({ call: (bytes: Uint8Array) => bytes.slice() });
  expect((await bytesOf(linked, new Uint8Array(1000), 1064)).back).toEqual(new Uint8Array(1000));
  await expect(bytesOf(linked, new Uint8Array(1001), 1064)).rejects.toThrow("limits.hostCallBytes");
});
