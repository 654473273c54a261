/**
 * Whole requests of guests that were built for release candidates of WASI 0.2, as components for Spin were in 2023 and 2024.
 *
 * @module
 */
import { expect } from "@std/expect";
import { kvOn, MemoryBackend } from "../../runtime/capabilities/kv/mod.ts";
import { onEachEngine, raw, serve } from "./_serve.ts";

function isWhole(request: string): boolean {
  const [head = "", body] = request.split("\r\n\r\n");
  if (body === undefined) return false;
  if (/transfer-encoding/i.test(head)) return request.endsWith("\r\n0\r\n\r\n");
  return body.length >= Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
}

/** A server whose every answer is `text`, with what it was asked in front. It sends trailers where it is asked for `/there`. */
function peer(text: string): { port: number; [Symbol.asyncDispose](): Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const conn of listener) {
      const buffer = new Uint8Array(4096);
      let asked = "";
      while (!isWhole(asked)) {
        const count = await conn.read(buffer);
        if (count === null) break;
        asked += new TextDecoder().decode(buffer.subarray(0, count));
      }
      const [line] = asked.split(" HTTP", 1);
      const body = `${text} ${line} ${/x-sent: (\w+)/i.exec(asked)?.[1] ?? "no"} ${
        asked.includes("ping") ? "ping" : ""
      }`;
      const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n${
        asked.includes("/there") ? "x-sum: 1\r\n" : ""
      }\r\n`;
      const answer = `HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`;
      await conn.write(new TextEncoder().encode(answer));
      conn.close();
    }
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving.catch(() => {});
    },
  };
}

onEachEngine("a component of the candidate of 2023-10-18 is served, and uses what it was granted", async (engine) => {
  await using other = peer("pong");
  const backend = new MemoryBackend();
  await using server = await serve({
    engine,
    capabilities: [kvOn(() => backend)],
    guests: {
      f: {
        fixture: "c-october",
        env: { A: "b" },
        grants: {
          kv: {},
          config: { values: { greeting: "Hello" } },
          http: { allow: [`http://127.0.0.1:${other.port}`] },
        },
      },
    },
  });
  const ask = async (path: string, init?: RequestInit) => await (await server.request(`/f/${path}`, init)).text();
  const echoed = await server.request("/f/echo", { method: "POST", body: "hello", headers: { "x-in": "there" } });
  expect([echoed.status, echoed.headers.get("x-candidate")]).toEqual([201, "2023-10-18"]);
  expect(await echoed.text()).toBe("POST there hello without trailers");
  expect(await ask("keep")).toBe("none");
  expect(await ask("keep?kept")).toBe("kept");
  expect(await ask("keep")).toBe("kept");
  expect(await ask("variable?greeting")).toBe("Hello");
  expect(await ask("wait")).toBe("then late enough");
  expect(await ask("env", { headers: { "x-request-id": "env" } })).toBe("A=b ");
  expect(server.recordsOf("env").map(({ message }) => message)).toContain("of October");
  expect(await ask(`outgoing?127.0.0.1:${other.port}`)).toBe("202 pong POST /there yes ping with trailers");
  expect(await ask("outgoing?127.0.0.1:9")).toBe("handle error: unexpected-error HTTP-request-denied");
  expect(await ask("outgoing?a b")).toBe("handle error: invalid-url HTTP-request-URI-invalid");
  expect((await server.request("/f/fail", { headers: { "x-request-id": "fail" } })).status).toBe(502);
  expect((await server.outcome("fail")).message).toMatch(/internal-error \(protocol-error: as asked\)/);
  // Whoever reads a body that broke off hears of it.
  const { body } = await raw(
    server.port,
    "POST /f/echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
  );
  expect(body).toContain("POST ab without trailers");
});

onEachEngine("a component of the candidate of 2023-11-10 is served, and asks others", async (engine) => {
  await using other = peer("pong");
  await using server = await serve({
    engine,
    guests: { f: { fixture: "c-november", grants: { http: { allow: [`http://127.0.0.1:${other.port}`] } } } },
  });
  const ask = async (path: string) => await (await server.request(`/f/${path}`)).text();
  expect(await ask("")).toBe("");
  expect(await ask(`?127.0.0.1:${other.port}`)).toBe("pong GET / no  without trailers");
  expect(await ask("?127.0.0.1:9")).toBe("denied");
});
