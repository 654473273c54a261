// What nobody should write, and somebody will: each gets one clear error, and everything else is served on.
import { expect } from "@std/expect";
import { Hono } from "hono";
import { join } from "node:path";
import { component, functions } from "../routes/mod.ts";
import { prepare } from "../runtime/cli/build.ts";
import type { LogRecord } from "../runtime/log.ts";
import { isSince } from "./_deno.ts";
import { withFolder } from "./_folder.ts";
import { manifest, Server, writeFunction } from "./_server.ts";
import { fixture, fixturePath } from "./fixtures/mod.ts";

/** The same random bytes each time. */
function noise(count: number): Uint8Array<ArrayBuffer> {
  let word = 12345;
  return Uint8Array.from({ length: count }, () => (word = Math.imul(word, 1103515245) + 12345 >>> 0) >>> 16);
}

/** A component with all `from` in it made `to`, which is as long. */
function renamed(bytes: Uint8Array, from: string, to: string): Uint8Array<ArrayBuffer> {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  expect([text.includes(from), from.length]).toEqual([true, to.length]);
  return Uint8Array.from(text.replaceAll(from, to), (character) => character.charCodeAt(0));
}

const whole = await fixture("small");
const preamble = whole.slice(0, 8);

/** Components that are none, or that nobody can serve, and what is said of each. */
const COMPONENTS: Readonly<Record<string, readonly [bytes: Uint8Array, said: RegExp]>> = {
  "cut-early": [whole.slice(0, 100), /cut-early: .*(offset|end)/],
  "cut-late": [whole.slice(0, whole.length - 3), /cut-late: .*(offset|end)/],
  empty: [new Uint8Array(0), /empty: .*this is not a WebAssembly file/],
  noise: [noise(5000), /noise: .*this is not a WebAssembly file/],
  "noise-inside": [Uint8Array.of(...preamble, ...noise(5000)), /noise-inside: .*offset/],
  packed: [
    Uint8Array.of(0x1f, 0x8b, 8, 0),
    /reading \S+packed\/function\.json:\d+:\d+: source: "main\.wasm" cannot be served: decoding packed: .* gunzip/,
  ],
  "nothing-inside": [preamble, /nothing-inside: it exports nothing, but serving HTTP needs wasi:http/],
  core: [Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), /core: this is a core WebAssembly module/],
  "import-unknown": [
    renamed(whole, "wasi:cli/exit@", "acme:cli/exit@"),
    /import-unknown\/function\.json:\d+:\d+: source: "main\.wasm" .* import-unknown: .*acme:cli\/exit@0\.2\.12/,
  ],
  "import-not-granted": [await fixture("c-caps"), /import-not-granted: .*"kv": \{\}/s],
};

/** Manifests that nobody can serve, and what is said of each. */
const MANIFESTS: Readonly<Record<string, readonly [text: string, said: RegExp]>> = {
  "no-json": ["{ name: hello }", /no-json\/function\.json:1:3: is not JSON/],
  "no-object": ["[]", /no-object\/function\.json:1:1: must be an object/],
  "unknown-key": [
    manifest([{ path: "/unknown-key" }], "unknown-key").replace("{", '{"timeout":5,'),
    /timeout: no such key/,
  ],
  "bad-value": [
    manifest([{ path: "bad-value" }], "bad-value"),
    /routes\[0\]\.path: "bad-value" must begin with a slash/,
  ],
  "a-folder": [
    manifest([{ path: "/a-folder" }], "a-folder").replace("main.wasm", "sub.wasm"),
    /a-folder\/function\.json:\d+:\d+: source: sub\.wasm is a folder, not a file; write "main\.wasm"/,
  ],
  "no-source": [
    manifest([{ path: "/no-source" }], "no-source").replace("main.wasm", "gone.wasm"),
    /no-source.*gone\.wasm/s,
  ],
};

const SAID = { ...COMPONENTS, ...MANIFESTS };

/** A folder of all of them, and a good one. */
async function writeAll(directory: string): Promise<void> {
  await writeFunction(join(directory, "good"), [{ path: "/good/*" }], await fixturePath("small"), "good");
  for (const [name, [bytes]] of Object.entries(COMPONENTS)) {
    await writeFunction(join(directory, name), [{ path: `/${name}/*` }], await fixturePath("small"), name);
    await Deno.writeFile(join(directory, name, "main.wasm"), bytes);
  }
  for (const [name, [text]] of Object.entries(MANIFESTS)) {
    await writeFunction(join(directory, name), [], await fixturePath("small"), name);
    await Deno.writeTextFile(join(directory, name, "function.json"), text);
  }
  await Deno.mkdir(join(directory, "a-folder", "sub.wasm"));
}

/** Requests that are none, and the statuses that may answer them. A connection that is just closed is an answer too. */
const REQUESTS: readonly string[] = [
  "hello\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01",
  "GET /good/ HTTP/9.9\r\nhost: a\r\n\r\n",
  "GET  /good/ HTTP/1.1\r\nhost: a\r\n\r\n",
  "GET /good/\0 HTTP/1.1\r\nhost: a\r\n\r\n",
  "GET http://[::1 HTTP/1.1\r\nhost: a\r\n\r\n",
  "GET /good/ HTTP/1.1\r\nhost: a b/c\r\n\r\n",
  "GET /good/ HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n",
  "GET /good/ HTTP/1.1\r\nhost: a\r\nx: \x00\r\n\r\n",
  `GET /good/ HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(1 << 20)}\r\n\r\n`,
  `GET /${"y".repeat(1 << 20)} HTTP/1.1\r\nhost: a\r\n\r\n`,
  "POST /good/ HTTP/1.1\r\nhost: a\r\ncontent-length: ten\r\nconnection: close\r\n\r\n0123456789",
  "POST /good/ HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\nconnection: close\r\n\r\n0123",
  "POST /good/ HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nzz\r\n",
];

/** Sends it, says that no more comes, and gives the status of the answer: `closed` if there is none. */
async function answerTo(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  let answer = "";
  try {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    await connection.closeWrite();
    const buffer = new Uint8Array(4096);
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      answer += new TextDecoder().decode(buffer.subarray(0, count));
    }
  } catch {
    // It was closed before all was sent.
  }
  return /^HTTP\/1\.[01] (\d+)/.exec(answer)?.[1] ?? "closed";
}

/** Asks for everything, and that the good one answers after each. */
async function askAll(url: string): Promise<void> {
  const get = (path: string) => fetch(new URL(path, url));
  const good = async () => expect(await (await get("/good/")).text()).toBe("hello from a small guest\n");
  await good();
  for (const name of Object.keys(COMPONENTS)) {
    const response = await get(`/${name}/`);
    const { error } = await response.json();
    expect([name, response.status, error.code]).toEqual([name, 503, "function-broken"]);
    await good();
  }
  for (const request of REQUESTS) {
    const status = await answerTo(Number(new URL(url).port), request);
    // Before 2.9, Deno reads no more of a body than the function, and this one reads none.
    const unread = request.includes("chunked") && !isSince("2.9.0");
    expect([request.slice(0, 80), status]).toEqual([
      request.slice(0, 80),
      unread ? "200" : expect.stringMatching(/^(closed|4\d\d|505)$/),
    ]);
    await good();
  }
}

for (const task of ["start", "dev"] as const) {
  Deno.test(`deno task ${task} says once what is wrong with each function, and serves the good one on`, async () => {
    await withFolder(async (directory) => {
      await writeAll(join(directory, "components"));
      await using server = await Server.start(task, directory, { env: { SKERRY_LOG: "pretty" } });
      const url = await server.url("/");
      for (const [, said] of Object.values(SAID)) await server.saw(said);
      await askAll(url);
      for (const name of Object.keys(SAID)) {
        const times = server.output.split(`[${name}] host: broken`).length - 1;
        expect([name, times]).toEqual([name, 1]);
      }
      expect(server.output).not.toMatch(/\n +at /);
      expect(server.output).not.toContain("internal");
      server.stop();
      expect((await server.status).code).toBe(0);
    });
  });
}

Deno.test("deno task build says what is wrong with each function, and builds nothing", async () => {
  await withFolder(async (directory) => {
    await writeAll(join(directory, "components"));
    const error = await prepare(join(directory, "components"), join(directory, "dist")).then(() => null, (e) => e);
    expect(error).toMatchObject({ code: "build-failed" });
    for (const [, said] of Object.values(SAID)) expect(error.message).toMatch(said);
    await expect(Deno.stat(join(directory, "dist"))).rejects.toThrow(Deno.errors.NotFound);
  });
});

Deno.test("an app of one's own answers 503 for what is broken, and serves the rest", async () => {
  await withFolder(async (directory) => {
    await writeAll(directory);
    const records: LogRecord[] = [];
    const app = new Hono().route("/", await functions(directory, { sink: (record) => records.push(record) }));
    for (const [name, [, said]] of Object.entries(SAID)) {
      const told = records.filter(({ message }) => said.test(message));
      expect([name, told.length]).toEqual([name, 1]);
    }
    for (const name of Object.keys(COMPONENTS)) {
      const one = component(join(directory, name, "main.wasm"), { sink: () => {} });
      const own = new Hono().all("/one", one).get("/own", (c) => c.text("own"));
      for (const response of [await app.request(`/${name}/`), await own.request("/one")]) {
        const { error } = await response.json();
        expect([name, response.status, error.code]).toEqual([name, 503, "function-broken"]);
      }
      expect(await (await own.request("/own")).text()).toBe("own");
      expect(await (await app.request("/good/")).text()).toBe("hello from a small guest\n");
    }
  });
});
