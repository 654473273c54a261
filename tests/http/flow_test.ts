// How far ahead a sender can get of a reader: what lies between them is memory of the host.
import { expect } from "@std/expect";
import type { Fixture } from "../fixtures/mod.ts";
import { onEachEngine, serve } from "./_serve.ts";

const BOTH: readonly Fixture[] = ["c-http", "c-p3"];
const guests = { "c-http": { fixture: "c-http" }, "c-p3": { fixture: "c-p3" } } as const;

const CHUNK = 64 * 1024;
/** Chunks on their way at most: in the queues of the host on both sides, in the guest, and in Web streams. */
const MAX_UNDER_WAY = 8;

onEachEngine("an echo has a few chunks under way, however long it is", async (engine) => {
  await using server = await serve({ engine, guests });
  const total = 512;
  for (const guest of BOTH) {
    let sent = 0;
    let received = 0;
    let most = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === total) return controller.close();
        controller.enqueue(new Uint8Array(CHUNK).fill(sent++));
        most = Math.max(most, sent - Math.floor(received / CHUNK));
      },
    }, { highWaterMark: 0 });
    const response = await server.request(`/${guest}/echo`, { method: "POST", body });
    const wrong: number[] = [];
    for await (const piece of response.body!) {
      for (let at = 0; at < piece.length; at += 1000) {
        if (piece[at] !== Math.floor((received + at) / CHUNK) % 256) wrong.push(received + at);
      }
      received += piece.length;
    }
    expect([guest, received, wrong]).toEqual([guest, total * CHUNK, []]);
    expect(most).toBeGreaterThan(0);
    expect([guest, most, most <= MAX_UNDER_WAY]).toEqual([guest, most, true]);
  }
});

/** A body without an end, and how much of it has been taken. */
function endlessBody(): { readonly body: ReadableStream<Uint8Array>; readonly chunks: number } {
  let chunks = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      chunks++;
      controller.enqueue(new Uint8Array(CHUNK));
    },
  }, { highWaterMark: 0 });
  return {
    body,
    get chunks() {
      return chunks;
    },
  };
}

onEachEngine("a caller who does not read stops the sending of what it sends", async (engine) => {
  await using server = await serve({ engine, guests });
  for (const guest of BOTH) {
    const endless = endlessBody();
    const headers = { "x-request-id": `unread-${guest}` };
    const response = await server.request(`/${guest}/echo`, { method: "POST", body: endless.body, headers });
    await settled(() => endless.chunks);
    expect([guest, endless.chunks, endless.chunks <= MAX_UNDER_WAY]).toEqual([guest, endless.chunks, true]);
    await response.body!.cancel();
    expect((await server.outcome(`unread-${guest}`)).fields?.["code"]).toBe("caller-gone");
  }
});

onEachEngine("a body comes back whole, whether its pieces are all there or come one by one", async (engine) => {
  await using server = await serve({ engine, guests: { ...guests, "rust-http": { fixture: "rust-http" } } });
  for (const guest of [...BOTH, "rust-http"]) {
    for (const sizes of [[20_480, 29_520], [1, 20_000, 1, 40_000], [17_000, 17_000, 17_000], [60_000]]) {
      for (const together of [true, false]) {
        const body = new ReadableStream<Uint8Array>({
          async start(controller) {
            for (const [n, size] of sizes.entries()) {
              controller.enqueue(new Uint8Array(size).fill(n + 1));
              if (!together) await new Promise((done) => setTimeout(done, 5));
            }
            controller.close();
          },
        });
        const sent = sizes.flatMap((size, n) => Array.from({ length: size }, () => n + 1));
        const response = await server.request(`/${guest}/echo`, { method: "POST", body });
        const received = new Uint8Array(await response.arrayBuffer());
        expect([guest, sizes, together, received.length]).toEqual([guest, sizes, together, sent.length]);
        expect(received.every((byte, at) => byte === sent[at])).toBe(true);
      }
    }
  }
});

/** Turns of the event loop after which nothing that can happen has not happened, if nothing is computed meanwhile. */
async function settled(progress: () => number): Promise<void> {
  for (let before = -1; before < progress();) {
    before = progress();
    for (let i = 0; i < 50; i++) await new Promise((done) => setTimeout(done));
  }
}

onEachEngine("a reader who pauses stops the sender, whatever the size of its pieces", async (engine) => {
  await using server = await serve({ engine, guests });
  for (const guest of BOTH) {
    for (const [piece, total] of [[100, 1 << 18], [CHUNK, 2 << 20], [1 << 20, 8 << 20]] as const) {
      let [sent, received] = [0, 0];
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent >= total) return controller.close();
          controller.enqueue(new Uint8Array(piece).fill(7));
          sent += piece;
        },
      }, { highWaterMark: 0 });
      const response = await server.request(`/${guest}/echo`, { method: "POST", body });
      const reader = response.body!.getReader();
      let most = 0;
      for (let pauses = 0;;) {
        if (received >= pauses * total / 4) {
          pauses++;
          await settled(() => sent);
          most = Math.max(most, sent - received);
        }
        const { value, done } = await reader.read();
        if (done) break;
        received += value.length;
      }
      expect([guest, piece, received]).toEqual([guest, piece, sent]);
      const bound = MAX_UNDER_WAY * CHUNK + 2 * piece;
      expect([guest, piece, most, most <= bound]).toEqual([guest, piece, most, true]);
    }
  }
});

onEachEngine("a guest that does not read stops its caller's sending", async (engine) => {
  await using server = await serve({ engine, guests });
  for (const guest of BOTH) {
    const endless = endlessBody();
    const response = await server.request(`/${guest}/never?headers=1`, { method: "POST", body: endless.body });
    await settled(() => endless.chunks);
    expect([guest, endless.chunks, endless.chunks <= MAX_UNDER_WAY]).toEqual([guest, endless.chunks, true]);
    await response.body!.cancel();
  }
});

onEachEngine("what a guest has left behind waits for a slow reader", async (engine) => {
  await using server = await serve({ engine, guests: { "c-p3": { fixture: "c-p3" } } });
  for (const bytes of [5, 100_000, 300_000]) {
    const response = await server.request(`/c-p3/big?bytes=${bytes}`);
    // Longer than a guest that has ended without ending its body is waited for.
    await new Promise((done) => setTimeout(done, 2_500));
    expect((await response.text()).length).toBe(bytes);
  }
});
