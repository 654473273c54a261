import { expect } from "@std/expect";
import { pathProblem } from "../runtime/manifest/route.ts";
import type { Route } from "../runtime/mod.ts";
import { RouteTable } from "./table.ts";

interface Named {
  readonly name: string;
  readonly routes: readonly Route[];
}

/** A function of one route: `"GET,POST a.example/path"`, with methods and host optional. */
function fn(written: string): Named {
  const [, methods, host, path] = /^(?:([A-Z,]+) )?([^/]*)(\/.*)$/.exec(written)!;
  return {
    name: written,
    routes: [{ path: path!, host: host || null, methods: methods?.split(",") ?? null }],
  };
}

const tableOf = (...written: string[]) => new RouteTable(written.map(fn));

/** Who takes `"METHOD host/path"`: the function, or what the platform answers. */
function who(table: RouteTable<Named>, request: string): string {
  const [, method, host, path] = /^(?:([A-Z]+) )?([^/]*)(\/.*)$/.exec(request)!;
  const match = table.match(method ?? "GET", host || "localhost", path!);
  if (match.kind === "found") return match.entry.name;
  return match.kind === "not-found" ? "404" : `405 ${match.allow}`;
}

Deno.test("the most specific route takes a request, in whatever order functions are read", () => {
  const written = ["/*", "/:any", "/users/*", "/users/:id", "/users/:id{[0-9]+}", "/users/me", "/users/me/*", "/"];
  const expected: Record<string, string> = {
    "/": "/",
    "/x": "/:any",
    "/x/y": "/*",
    "/users": "/users/*",
    "/users/": "/users/*",
    "/users/7": "/users/:id{[0-9]+}",
    "/users/seven": "/users/:id",
    "/users/me": "/users/me",
    "/users/me/x": "/users/me/*",
    "/users/x/y": "/users/*",
  };
  for (const order of [written, written.toReversed()]) {
    const table = tableOf(...order);
    for (const [path, name] of Object.entries(expected)) expect([path, who(table, path)]).toEqual([path, name]);
  }
});

Deno.test("a path that no function has is 404, even when there is no function at all", () => {
  expect(who(tableOf("/a"), "/b")).toBe("404");
  expect(who(tableOf("/a"), "/a/")).toBe("404");
  expect(who(tableOf("/a"), "/A")).toBe("404");
  expect(who(tableOf(), "/")).toBe("404");
});

Deno.test("a method that no function takes at a path is 405, with all that are taken", () => {
  const table = tableOf("POST /a", "GET,QUERY /a", "DELETE /*");
  expect(who(table, "PATCH /a")).toBe("405 GET, HEAD, POST, DELETE, QUERY");
  expect(who(table, "PATCH /b")).toBe("405 DELETE");
  expect(who(table, "OPTIONS /a")).toBe("405 GET, HEAD, POST, DELETE, QUERY");
});

Deno.test("a route without the method steps aside for a less specific one that has it", () => {
  const table = tableOf("PUT /users/me", "GET /users/:id");
  expect(who(table, "PUT /users/me")).toBe("PUT /users/me");
  expect(who(table, "GET /users/me")).toBe("GET /users/:id");
  expect(who(table, "POST /users/me")).toBe("405 GET, HEAD, PUT");
});

Deno.test("HEAD is answered by a GET route, unless another lists HEAD itself", () => {
  expect(who(tableOf("GET /a"), "HEAD /a")).toBe("GET /a");
  expect(who(tableOf("POST /a"), "HEAD /a")).toBe("405 POST");
  for (const order of [["GET /a", "HEAD /a"], ["HEAD /a", "GET /a"]]) {
    expect(who(tableOf(...order), "HEAD /a")).toBe("HEAD /a");
    expect(who(tableOf(...order), "GET /a")).toBe("GET /a");
  }
});

Deno.test("OPTIONS goes to a function that lists it, or that takes every method", () => {
  expect(who(tableOf("GET,OPTIONS /a"), "OPTIONS /a")).toBe("GET,OPTIONS /a");
  expect(who(tableOf("/a"), "OPTIONS /a")).toBe("/a");
});

Deno.test("a route with a host beats every route without, and a name beats a wildcard", () => {
  const table = tableOf("/a", "*.example.com/*", "*.api.example.com/*", "www.example.com/:any", "GET only.example/b");
  expect(who(table, "localhost/a")).toBe("/a");
  expect(who(table, "www.example.com/a")).toBe("www.example.com/:any");
  expect(who(table, "shop.example.com/a")).toBe("*.example.com/*");
  expect(who(table, "v1.api.example.com/a")).toBe("*.api.example.com/*");
  expect(who(table, "example.com/b")).toBe("404");
  expect(who(table, "notexample.com/b")).toBe("404");
  expect(who(table, "POST only.example/b")).toBe("405 GET, HEAD");
  expect(who(table, "POST other.example/b")).toBe("404");
  expect(table.usesHosts).toBe(true);
  expect(tableOf("/a").usesHosts).toBe(false);
});

Deno.test("an optional parameter takes both paths, each as specific as it is", () => {
  const table = tableOf("/a/:b?", "/a/*");
  expect(who(table, "/a")).toBe("/a/:b?");
  expect(who(table, "/a/x")).toBe("/a/:b?");
  expect(who(table, "/a/x/y")).toBe("/a/*");
});

Deno.test("alternatives in a pattern hold for the whole segment", () => {
  const table = tableOf("/pet/:kind{cat|dog}");
  expect(who(table, "/pet/cat")).toBe("/pet/:kind{cat|dog}");
  expect(who(table, "/pet/dog")).toBe("/pet/:kind{cat|dog}");
  expect(who(table, "/pet/catz")).toBe("404");
  expect(who(table, "/pet/zdog")).toBe("404");
});

Deno.test("every mixture of paths makes a table that finds each of them", () => {
  const pieces = ["a", "b.c", ":x", ":y", ":n{[0-9]{1,3}}", ":d{[0-9]+/[0-9]+}", ":k{a|b}", "*", "é (x)+$"];
  const example: Record<string, string> = { ":x": "q", ":y": "q", "*": "q", ":n{[0-9]{1,3}}": "12", ":k{a|b}": "b" };
  example[":d{[0-9]+/[0-9]+}"] = "1/2";
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let round = 0; round < 300; round++) {
    const paths = Array.from({ length: 1 + random(8) }, () => {
      const used = Array.from({ length: 1 + random(4) }, () => pieces[random(pieces.length)]!);
      return "/" + used.join("/");
    }).filter((path) => pathProblem(path) === undefined);
    const table = tableOf(...paths);
    for (const path of paths) {
      const url = path.split(/\/(?![^{]*\})/).map((segment) => example[segment] ?? segment).join("/");
      expect([paths, url, who(table, url)]).not.toEqual([paths, url, "404"]);
    }
  }
});
