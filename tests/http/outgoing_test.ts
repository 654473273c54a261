import { expect } from "@std/expect";
import { onEachEngine, serve, type ServeOptions } from "./_serve.ts";
import { echo } from "../_echo.ts";

/** The guests that call out: WASI 0.2 and 0.3. Their `/outgoing` does the same. */
const GUESTS = ["c-http", "c-p3"] as const;

interface Origin extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Resolves when a request to `/never` has come, and when it has gone. */
  readonly reached: Promise<void>;
  readonly gone: Promise<void>;
}

/** Another server, for guests to call. */
function origin(): Origin {
  const reached = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/echo") {
      const length = request.headers.get("content-length") ?? "chunked";
      return echo(request, { "x-length": length });
    }
    if (pathname === "/headers") return Response.json(Object.fromEntries(request.headers));
    if (pathname === "/cookies") {
      const headers = new Headers([["set-cookie", "a=1"], ["set-cookie", "b=2"]]);
      return new Response("crumbs", { status: 418, headers });
    }
    if (pathname === "/drip") {
      const drip = new TextEncoder().encode("drip\n");
      return new Response(new ReadableStream({ start: (controller) => controller.enqueue(drip) }));
    }
    request.signal.addEventListener("abort", () => gone.resolve());
    reached.resolve();
    await gone.promise;
    return new Response();
  });
  const { port } = server.addr;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    reached: reached.promise,
    gone: gone.promise,
    async [Symbol.asyncDispose]() {
      gone.resolve();
      await server.shutdown();
    },
  };
}

const options = (engine: ServeOptions["engine"], allow: string[]): ServeOptions => ({
  engine,
  guests: Object.fromEntries(GUESTS.map((name) => [name, { fixture: name, grants: { http: { allow } } }])),
});

const outgoing = (guest: string, url: string, query = "") =>
  `/${guest}/outgoing?url=${encodeURIComponent(url)}${query}`;

onEachEngine("a guest calls the origin it was granted, with the ids of its task", async (engine) => {
  await using other = origin();
  await using server = await serve(options(engine, [other.url]));
  for (const guest of GUESTS) {
    const headers = { "x-request-id": `call-of-${guest}`, traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
    const response = await server.fetch(outgoing(guest, `${other.url}/headers`), { headers });
    const seen = await response.json();
    expect(seen["x-request-id"]).toBe(`call-of-${guest}`);
    expect(seen["traceparent"]).toMatch(new RegExp(`^00-${"a".repeat(32)}-(?!${"b".repeat(16)})[0-9a-f]{16}-01$`));
    expect(seen["host"]).toBe(`127.0.0.1:${other.port}`);
  }
});

onEachEngine("a guest sends a body to another server and passes its answer on", async (engine) => {
  await using other = origin();
  await using server = await serve(options(engine, [other.url]));
  for (const guest of GUESTS) {
    const response = await server.fetch(outgoing(guest, `${other.url}/echo`, "&method=POST&body=hello"));
    expect(await response.text()).toBe("hello");
    const teapot = await server.fetch(outgoing(guest, `${other.url}/cookies`));
    expect([teapot.status, await teapot.text()]).toEqual([418, "crumbs"]);
  }
  const long = await server.fetch(outgoing("c-http", `${other.url}/echo`, "&method=POST&bytes=1000000"));
  expect(long.headers.get("x-length")).toBe("chunked");
  expect((await long.bytes()).length).toBe(1_000_000);
  const whole = await server.fetch(outgoing("c-http", `${other.url}/echo`, "&method=POST&body=hello&length=5"));
  expect([whole.headers.get("x-length"), await whole.text()]).toEqual(["5", "hello"]);
  const cookies = await server.fetch(outgoing("c-http", `${other.url}/cookies`));
  expect([cookies.headers.getSetCookie(), await cookies.text()]).toEqual([["a=1", "b=2"], "crumbs"]);
});

onEachEngine("a guest may not call what it was not granted, and the log says what to add", async (engine) => {
  await using other = origin();
  await using server = await serve(options(engine, ["https://*.example.com"]));
  for (const guest of GUESTS) {
    const headers = { "x-request-id": `denied-${guest}` };
    const response = await server.fetch(outgoing(guest, `${other.url}/echo`), { headers });
    expect(await response.text()).toContain("HTTP-request-denied");
    expect(server.recordsOf(`denied-${guest}`).map(({ message }) => message)).toContainEqual(
      expect.stringContaining(`"grants": { "http": { "allow": ["${other.url}"] } }`),
    );
  }
});

onEachEngine("a guest is told why a call failed", async (engine) => {
  await using other = origin();
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nobody = `http://127.0.0.1:${(closed.addr as Deno.NetAddr).port}`;
  closed.close();
  await using server = await serve(options(engine, [other.url, nobody, "http://no-such-island.invalid"]));
  const failures = [
    [nobody, "", "connection-refused"],
    ["http://no-such-island.invalid", "", "DNS-error"],
  ] as const;
  // Only the guest of 0.2 has options for these.
  const others = [
    ["ftp://example.com", "", "HTTP-protocol-error"],
    [`${other.url}/never`, "&first-ms=5", "connection-read-timeout"],
    [`${other.url}/drip`, "&between-ms=5", "connection-read-timeout"],
    [`${other.url}/echo`, "&method=POST&body=hello&length=9", "HTTP-request-body-size"],
  ] as const;
  for (const guest of GUESTS) {
    for (const [url, query, code] of guest === "c-http" ? [...failures, ...others] : failures) {
      const response = await server.fetch(outgoing(guest, url, query));
      expect([guest, url, await response.text()]).toEqual([guest, url, expect.stringContaining(code)]);
    }
  }
});

for (const guest of GUESTS) {
  onEachEngine(`a call that a guest of ${guest} drops is called off`, async (engine) => {
    await using other = origin();
    await using server = await serve(options(engine, [other.url]));
    const url = encodeURIComponent(`${other.url}/never`);
    // A call that is dropped before it has come anywhere is called off as well, but nobody sees it.
    let reached = false;
    other.reached.then(() => reached = true);
    for (let ms = 20; !reached; ms *= 2) {
      const response = await server.fetch(`/${guest}/outgoing-drop?url=${url}&ms=${ms}`);
      await response.body?.cancel();
    }
    await other.gone;
  });

  onEachEngine(`a call of ${guest} is called off when its caller leaves`, async (engine) => {
    await using other = origin();
    await using server = await serve(options(engine, [other.url]));
    const leaving = new AbortController();
    const response = server.fetch(outgoing(guest, `${other.url}/never`), { signal: leaving.signal });
    await other.reached;
    leaving.abort();
    await response.catch(() => {});
    await other.gone;
  });
}

onEachEngine("a guest has many calls under way at once", async (engine) => {
  await using other = origin();
  await using server = await serve(options(engine, [other.url]));
  const response = await server.fetch(
    `/c-http/outgoing-many?url=${encodeURIComponent(`${other.url}/headers`)}&n=60`,
  );
  expect(await response.text()).toBe("good 60\n");
});
