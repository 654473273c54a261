import { expect } from "@std/expect";
import { claimsOf, compareSpecificity, expandPath, hostProblem, pathProblem, type Route } from "./route.ts";

const route = (path: string, host: string | null = null): Route => ({ path, host, methods: null });

Deno.test("pathProblem() takes every kind of path that Hono takes", () => {
  const paths = [
    "/",
    "/hello",
    "/hello/",
    "/a/b/c",
    "/users/:id",
    "/users/:id{[0-9]+}",
    "/users/:id{[0-9]{2,3}}/edit",
    "/d/:day{[0-9]{4}/[0-9]{2}}",
    "/x/:kind{cat|dog}",
    "/x/:kind{(?:cat|dog)s}",
    "/api/:version?",
    "/files/*",
    "/a/*/c",
    "/*",
    "/a:b",
    "/a b/é/(x)+$1",
    "/100%25",
    "/.well-known/x",
  ];
  for (const path of paths) expect([path, pathProblem(path)]).toEqual([path, undefined]);
});

Deno.test("pathProblem() says what to write instead", () => {
  const cases: [path: string, problem: string][] = [
    ["hello", 'write "/hello"'],
    ["//hello//x", 'write "/hello/x"'],
    ["/users/{id}", 'write ":id" for a parameter'],
    ["/users/[id]", 'write ":id" for a parameter'],
    ["/users/<id>", 'write ":id" for a parameter'],
    ["/files/**", 'write "*" for all that follows'],
    ["/files/[...path]", 'write "*" for all that follows'],
    ["/files/:path*", 'write "*" for all that follows'],
    ["/files/*.js", '"*" must be a whole segment'],
    ["/x?y=1", "holds a query or a fragment"],
    ["/x#y", "holds a query or a fragment"],
    ["/:id.json", 'write ":" and a name of letters'],
    ["/:", 'write ":" and a name of letters'],
    ["/:a?/b", "only the last segment can be optional"],
    ["/:a/:a", "two parameters named a"],
    ["/:a{[}", "is no regular expression"],
    ["/:a{(x)}", "write groups as (?:…)"],
    ["/:a{(?!x)y}", "write groups as (?:…)"],
    ["/:a{^x$}", 'take "^" and "$" out'],
    ["/:a{[0-9]+}/c++", "take the pattern out"],
    ["/:a{x/y}/:b", "spans segments"],
    ["/a%20b", 'write "a b"'],
    ["/caf%C3%A9", 'write "café"'],
    ["/100%", 'write "100%25"'],
    ["/a/../b", "never reaches a server"],
    ["/a\\b", "cannot stand in a path"],
    ["/a\nb", "cannot stand in a path"],
    ["/-/health", "belong to the platform"],
    ["/-", "belong to the platform"],
    ["/" + "x".repeat(2000), "longer than 1024"],
  ];
  for (const [path, problem] of cases) expect(pathProblem(path) ?? `${path} is fine`).toContain(problem);
});

Deno.test("hostProblem() takes names and wildcards in the form that a URL has them", () => {
  for (const host of ["example.com", "*.example.com", "localhost", "127.0.0.1", "[::1]", "xn--bcher-kva.example"]) {
    expect([host, hostProblem(host)]).toEqual([host, undefined]);
  }
  expect(hostProblem("bücher.example")).toBe('write "xn--bcher-kva.example"');
  for (const host of ["", "a b", "a/b", "user@a", "*", "*.*.a", "a."]) {
    expect([host, hostProblem(host)]).not.toEqual([host, undefined]);
  }
});

Deno.test("claimsOf() is the same for routes that differ only in the names of their parameters", () => {
  expect(claimsOf(route("/u/:id"))).toEqual(claimsOf(route("/u/:name")));
  expect(claimsOf(route("/u/:id{[0-9]+}"))).not.toEqual(claimsOf(route("/u/:id")));
  expect(claimsOf(route("/u"))).not.toEqual(claimsOf(route("/u", "a.example")));
  expect(claimsOf(route("/u/:id?"))).toEqual([...claimsOf(route("/u")), ...claimsOf(route("/u/:x"))]);
});

Deno.test("expandPath() writes an optional parameter as two paths", () => {
  expect(expandPath("/a/:b?")).toEqual(["/a", "/a/:b"]);
  expect(expandPath("/:b{[0-9]+}?")).toEqual(["/", "/:b{[0-9]+}"]);
  expect(expandPath("/a/:b")).toEqual(["/a/:b"]);
});

Deno.test("compareSpecificity() puts the most specific first", () => {
  const sorted = [
    route("/users/me", "api.example.com"),
    route("/*", "api.example.com"),
    route("/users/me", "*.api.example.com"),
    route("/users/me", "*.example.com"),
    route("/users/me/edit"),
    route("/users/me"),
    route("/users/:id{[0-9]+}"),
    route("/users/:id/edit"),
    route("/users/:id"),
    route("/users/:id/*"),
    route("/users/*"),
    route("/:any"),
    route("/*"),
  ];
  // Every pair, for sorting one shuffled list could hide a mistake.
  for (const [i, a] of sorted.entries()) {
    for (const [j, b] of sorted.entries()) {
      expect([a.path, b.path, Math.sign(compareSpecificity(a, b))]).toEqual([a.path, b.path, Math.sign(i - j)]);
    }
  }
});
