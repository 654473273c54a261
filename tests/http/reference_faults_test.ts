// What `jco serve` does wrong with real components, where no other test of a whole request shows that we do not.
import { expect } from "@std/expect";
import { onEachEngine, raw, serve } from "./_serve.ts";

const GUESTS = ["c-http", "c-p3"] as const;

onEachEngine("guests that fetch their own server over the network do not wait for each other", async (engine) => {
  await using server = await serve({
    engine,
    guests: (own) => {
      const grants = { http: { allow: [own] } };
      return { "c-http": { fixture: "c-http", grants }, "c-p3": { fixture: "c-p3", grants } };
    },
  });
  const { origin: own } = server;
  const call = (guest: string, url: string) => `${own}/${guest}/outgoing?url=${encodeURIComponent(url)}`;
  // Each of them has the server run three guests at once, one inside the other's call.
  const urls = GUESTS.flatMap((outer) =>
    GUESTS.flatMap((inner) => Array.from({ length: 10 }, () => call(outer, call(inner, `${own}/${inner}/hello`))))
  );
  const texts = await Promise.all(urls.map(async (url) => await (await fetch(url)).text()));
  expect(new Set(texts)).toEqual(new Set(["hello\n"]));
});

onEachEngine("a guest that waits for ever keeps nobody else from being served", async (engine) => {
  await using server = await serve({
    engine,
    guests: { "c-http": { fixture: "c-http" }, "c-p3": { fixture: "c-p3" } },
  });
  const leaving = new AbortController();
  const waiting = GUESTS.map((guest) =>
    server.fetch(`/${guest}/never`, { signal: leaving.signal }).catch(() => "left")
  );
  while (server.runtime.tasks.size < GUESTS.length) await new Promise((done) => setTimeout(done, 1));
  for (const guest of GUESTS) expect(await (await server.fetch(`/${guest}/hello`)).text()).toBe("hello\n");
  expect(server.runtime.tasks.size).toBe(GUESTS.length);
  leaving.abort();
  expect(await Promise.all(waiting)).toEqual(["left", "left"]);
});

onEachEngine("a connection serves on after a guest that trapped, exited, or left a body unread", async (engine) => {
  await using server = await serve({
    engine,
    guests: { "c-http": { fixture: "c-http" }, "c-p3": { fixture: "c-p3" } },
  });
  for (const guest of GUESTS) {
    const paths = ["trap", "hello", "exit?code=3", "set-error?code=6", "no-body?n=204", "no-body?n=200", "hello"];
    const heads = paths.map((path) => `GET /${guest}/${path} HTTP/1.1\r\nhost: x\r\n`);
    const post = `POST /${guest}/hello HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello`;
    const text = `${heads.join("\r\n")}\r\n${post}GET /${guest}/hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
    const { head, body } = await raw(server.port, text);
    const statuses = [...`${head}\r\n\r\n${body}`.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));
    expect([guest, statuses]).toEqual([guest, [500, 200, 502, 502, 204, 200, 200, 200, 200]]);
  }
});

onEachEngine("a Host chooses neither the path nor an authority that is none", async (engine) => {
  await using server = await serve({
    engine,
    guests: { "c-http": { fixture: "c-http" }, "c-p3": { fixture: "c-p3" } },
  });
  const get = (host: string) => `GET /c-p3/method-path HTTP/1.1\r\nhost:${host}\r\nconnection: close\r\n\r\n`;
  for (const host of [" x/c-http/hello?", " x#", " x?", " u:p@x", " a b", " x:99999"]) {
    const { head, body } = await raw(server.port, get(host));
    expect([host, head.slice(0, 12), JSON.parse(body).error.code]).toEqual([host, "HTTP/1.1 400", "request-malformed"]);
  }
  expect((await raw(server.port, get(""))).body).toMatch(/^authority=(127\.0\.0\.1|localhost):\d+$/m);
});

onEachEngine("the answer to HEAD never claims that GET has nothing, and the connection serves on", async (engine) => {
  await using server = await serve({
    engine,
    guests: { "c-http": { fixture: "c-http" }, "c-p3": { fixture: "c-p3" } },
  });
  for (const guest of GUESTS) {
    const request = (method: string, path: string, close = "") =>
      `${method} /${guest}/${path} HTTP/1.1\r\nhost: x\r\n${close}\r\n`;
    const text = request("HEAD", "hello") + request("HEAD", "big?bytes=200000") +
      request("GET", "hello", "connection: close\r\n");
    const { head, body } = await raw(server.port, text);
    const answers = `${head}\r\n\r\n${body}`.split(/(?=HTTP\/1\.1 )/);
    expect([guest, answers.length]).toEqual([guest, 3]);
    const [small = "", large = "", last = ""] = answers;
    for (const answer of [small, large]) {
      expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\n$/);
      expect(answer).not.toMatch(/^content-length: 0\r$/m);
    }
    expect(last).toMatch(/\r\n\r\n(6\r\n)?hello\n/);
  }
});
