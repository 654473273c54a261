import { expect } from "@std/expect";
import { errorCodeOf, HttpFailure } from "./error_code.ts";
import { isAuthority, isPathWithQuery, methodName, methodOf, schemeName, schemeOf } from "./values.ts";

Deno.test("methods keep their case, and only tokens are methods", () => {
  expect(methodOf("PATCH")).toEqual({ tag: "patch" });
  expect(methodOf("get")).toEqual({ tag: "other", val: "get" });
  expect(methodName({ tag: "delete" })).toBe("DELETE");
  expect(methodName({ tag: "other", val: "PURGE" })).toBe("PURGE");
  for (const val of ["", "A B", "GET\r\n", "GET /"]) expect(methodName({ tag: "other", val })).toBe(undefined);
});

Deno.test("schemes that are known are compared in lower case, and others stay as they are", () => {
  expect(schemeOf("https")).toEqual({ tag: "HTTPS" });
  expect(schemeOf("ws")).toEqual({ tag: "other", val: "ws" });
  expect(schemeName({ tag: "other", val: "HtTp" })).toBe("http");
  expect(schemeName({ tag: "other", val: "WebCal" })).toBe("WebCal");
  for (const val of ["", "1a", "a:", "a b"]) expect(schemeName({ tag: "other", val })).toBe(undefined);
});

Deno.test("an authority is a host and perhaps a port, and nothing before or after", () => {
  for (const good of ["example.com", "localhost:8080", "[::1]:80", "10.0.0.1", "a_b:", "x:65535"]) {
    expect([good, isAuthority(good)]).toEqual([good, true]);
  }
  const bad = ["", "a b", "u@h", "h/p", "h?q", "h#f", "h:65536", "h:x", "a\r\nb", "[::1", "h:1:2", "\\h"];
  for (const text of bad) expect([text, isAuthority(text)]).toEqual([text, false]);
});

Deno.test("a path is kept as it is, and cannot end the line or begin another part", () => {
  for (const good of ["", "*", "/", "/a/../b?x=%20&y", "?q", '/"{}|^\\', "/é"]) {
    expect([good, isPathWithQuery(good)]).toEqual([good, true]);
  }
  for (const bad of ["a", "/a b", "/a#f", "/a\r\nHost: x", "/\u0000", "**", "/\u007f"]) {
    expect([bad, isPathWithQuery(bad)]).toEqual([bad, false]);
  }
});

Deno.test("a guest is told the codes of HTTP, and of other failures what the host says instead", () => {
  const otherwise = { tag: "connection-terminated" } as const;
  expect(errorCodeOf(new HttpFailure("connection-refused"), otherwise)).toEqual({ tag: "connection-refused" });
  expect(errorCodeOf(new Error("/etc/secret"), otherwise)).toEqual(otherwise);
});

Deno.test("what is too long for any request is refused before it is read", () => {
  // An expression that looks at so much overflows its stack.
  const long = "a".repeat(32 * 1024 * 1024);
  expect(isPathWithQuery(`/${long}`)).toBe(false);
  expect(isAuthority(long)).toBe(false);
  expect(isPathWithQuery(`/${long.slice(0, 100_000)}`)).toBe(true);
});
