// A body that is far larger than what a server may hold, over a socket, to a server in a process of its own.
import { expect } from "@std/expect";
import { createHash } from "node:crypto";
import { otherDeno, readsAhead } from "../_deno.ts";
import { prepared, Server } from "../_server.ts";

const MIB = 1024 * 1024;
const CHUNK = 64 * 1024;

/** How much may be sent before the first byte is read: the kernel's buffers, on both sides and both ways. */
const MAX_HELD = 48 * MIB;

/** What is sent first, and read at once. */
const WARM = 32 * MIB;

/** By how much the server's memory may grow: what V8 has not collected yet counts too. */
const MAX_GROWTH = 96 * MIB;

/** The newest version that does not read ahead of who serves, for the server; the client may be any. */
const other = readsAhead() ? await otherDeno("2.8.2") : { path: Deno.execPath() };

/** The most memory that a process has had so far. */
async function peakBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(status)![1]) * 1024;
}

/** Bytes that do not repeat within a chunk or from chunk to chunk. */
function chunkAt(n: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(CHUNK / 4);
  for (let i = 0, word = n + 1; i < words.length; i++) words[i] = word = Math.imul(word, 1664525) + 1013904223;
  return new Uint8Array(words.buffer);
}

/** Sends `total` bytes, reads nothing until sending has come to a stop, and then all. */
async function echo(url: string, total: number): Promise<{ held: number; received: number; whole: boolean }> {
  const [sentHash, receivedHash] = [createHash("sha256"), createHash("sha256")];
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === total) return controller.close();
      const chunk = chunkAt(sent / CHUNK);
      sentHash.update(chunk);
      sent += CHUNK;
      controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
  const response = await fetch(url, { method: "POST", body });
  for (let before = -1; before < sent;) {
    before = sent;
    await new Promise((done) => setTimeout(done, 300));
  }
  const held = sent;
  let received = 0;
  for await (const piece of response.body!) {
    receivedHash.update(piece);
    received += piece.length;
  }
  return { held, received, whole: sentHash.digest("hex") === receivedHash.digest("hex") };
}

interface Case {
  readonly engine: "native" | "jco";
  readonly guest: "c-http" | "c-p3";
  readonly bytes: number;
  /** Whether its memory has a bound. */
  readonly flat: boolean;
}

const CASES: readonly Case[] = [
  { engine: "native", guest: "c-http", bytes: 128 * MIB, flat: true },
  { engine: "native", guest: "c-p3", bytes: 128 * MIB, flat: true },
  { engine: "jco", guest: "c-http", bytes: 128 * MIB, flat: true },
  // What jco's generated code makes for each piece of a stream is collected late: as much again as the body.
  { engine: "jco", guest: "c-p3", bytes: 64 * MIB, flat: false },
];

for (const { engine, guest, bytes, flat } of CASES) {
  const holds = flat ? ", and the server does not grow with it" : "";
  Deno.test(`${engine}: a large echo of ${guest} over HTTP comes back whole, and no faster than it is read${holds}`, async () => {
    const deno = "path" in other ? other.path : Deno.execPath();
    await prepared(async (directory) => {
      await using server = await Server.start("start", directory, { deno, env: { SKERRY_ENGINE: engine } });
      const url = await server.url(guest === "c-p3" ? "p3/echo" : "echo");
      // What the heap takes to be at work at all is there before, and the kernel's buffers begin small again.
      const warm = await fetch(url, { method: "POST", body: new Uint8Array(WARM), headers: { connection: "close" } });
      expect((await warm.bytes()).length).toBe(WARM);
      const before = Deno.build.os === "linux" ? await peakBytes(server.pid) : null;
      const { held, received, whole } = await echo(url, bytes);
      expect([received, whole]).toEqual([bytes, true]);
      if ("missing" in other) return;
      expect(held).toBeLessThan(MAX_HELD);
      if (flat && before !== null) expect(await peakBytes(server.pid) - before).toBeLessThan(MAX_GROWTH);
    }, engine);
  });
}
