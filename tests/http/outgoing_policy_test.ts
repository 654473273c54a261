/**
 * What guests of both WASI versions may reach, through whole requests.
 *
 * @module
 */
import { expect } from "@std/expect";
import { lookup } from "node:dns/promises";
import { kindOf } from "../../runtime/capabilities/http/address.ts";
import { ENGINES, onEachEngine, serve, type ServeOptions } from "./_serve.ts";

const GUESTS = ["c-http", "c-p3"] as const;

function guestsWith(allow: unknown[]): ServeOptions["guests"] {
  return Object.fromEntries(GUESTS.map((name) => [name, { fixture: name, grants: { http: { allow } } }]));
}

/** Another server. It counts its requests, and sends `/away` elsewhere. */
function origin() {
  const paths: string[] = [];
  const server = Deno.serve({ hostname: "0.0.0.0", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    paths.push(`${request.method} ${pathname}`);
    if (pathname !== "/away") return new Response("reached");
    return new Response("moved", { status: 302, headers: { location: "/inside" } });
  });
  return { port: server.addr.port, paths, [Symbol.asyncDispose]: () => server.shutdown() };
}

const outgoing = (guest: string, url: string, method = "GET") =>
  `/${guest}/outgoing?method=${method}&url=${encodeURIComponent(url)}`;

onEachEngine("a rule lets through some methods and paths, and a redirection is not followed", async (engine) => {
  await using other = origin();
  const url = `http://127.0.0.1:${other.port}`;
  const allow = [{ origin: url, methods: ["GET"], path: "/v1" }, { origin: url, methods: ["GET"], path: "/away" }];
  await using server = await serve({ engine, guests: guestsWith(allow) });
  for (const guest of GUESTS) {
    other.paths.length = 0;
    const ask = async (path: string, method?: string) =>
      await (await server.request(outgoing(guest, url + path, method))).text();
    expect(await ask("/v1/x")).toBe("reached");
    expect(await ask("/away")).toBe("moved");
    for (const [path, method] of [["/v1/x", "POST"], ["/v2"], ["/v10"], ["/v1/../v2"], ["/v1/%2e%2e/v2"]] as const) {
      expect([guest, path, await ask(path, method)]).toEqual([
        guest,
        path,
        expect.stringContaining("HTTP-request-denied"),
      ]);
    }
    expect(other.paths).toEqual(["GET /v1/x", "GET /away"]);
  }
});

// The name of this machine, where it has a name that leads to itself.
const own = Deno.hostname().toLowerCase();
const addresses = await lookup(own, { all: true }).catch(() => []);
const kinds = addresses.map(({ address }) => kindOf(address));
const usable = /^[a-z0-9.-]*[a-z][a-z0-9-]*$/.test(own) && kinds.length > 0 &&
  kinds.every((kind) => kind === "loopback" || kind === "private") && addresses.some(({ family }) => family === 4);

for (const engine of ENGINES) {
  Deno.test({
    name: `${engine.name}: a name that leads to this machine or its network needs a grant that says so`,
    ignore: !usable,
    async fn() {
      await using other = origin();
      const url = `http://${own}:${other.port}`;
      for (const privateNetworks of [false, true]) {
        await using server = await serve({ engine, guests: guestsWith([{ origin: url, privateNetworks }]) });
        for (const guest of GUESTS) {
          const text = await (await server.request(outgoing(guest, url))).text();
          expect([guest, text]).toEqual([
            guest,
            privateNetworks ? "reached" : expect.stringContaining("destination-IP-prohibited"),
          ]);
        }
        expect(other.paths.length).toBe(privateNetworks ? GUESTS.length : 0);
      }
    },
  });
}
