import { expect } from "@std/expect";
import { ProtocolError, ResponseChecker, ResponseParser } from "./http_response.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Parses `text`, cut into pieces of `size`. */
function parse(text: string, size = Infinity) {
  let body = "";
  const parser = new ResponseParser((part) => {
    body += new TextDecoder().decode(part);
  });
  for (let at = 0; at < text.length; at += size) parser.push(bytes(text.slice(at, at + size)));
  return { status: parser.status, done: parser.done, body };
}

const FIXED = "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
const CHUNKED =
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nx-trailer: 1\r\n\r\n";

Deno.test("a response is the same however it is cut", () => {
  for (const size of [1, 2, 3, 7, 50, Infinity]) {
    expect(parse(FIXED, size)).toEqual({ status: 201, done: true, body: "hello" });
    expect(parse(CHUNKED, size)).toEqual({ status: 200, done: true, body: "hello" });
  }
});

Deno.test("a response is not done before its last byte", () => {
  for (const text of [FIXED, CHUNKED]) {
    for (let cut = 1; cut < text.length; cut++) expect(parse(text.slice(0, cut)).done).toBe(false);
  }
});

Deno.test("an empty body ends with the head", () => {
  expect(parse("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).toEqual({ status: 200, done: true, body: "" });
});

Deno.test("what is no response is refused", () => {
  for (
    const text of [
      "HTTP/2 200 OK\r\ncontent-length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\n",
      `${FIXED}!`,
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n",
      `HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}`,
    ]
  ) {
    expect(() => parse(text)).toThrow(ProtocolError);
  }
});

const response = (body: string, { status = 200, date = "1", length = body.length } = {}) =>
  bytes(`HTTP/1.1 ${status} OK\r\ncontent-length: ${length}\r\ndate: ${date}\r\n\r\n${body}`);

const checker = () => new ResponseChecker({ status: 200, body: bytes("hello") });

Deno.test("the checker counts a right answer each time, whatever its other headers", () => {
  const check = checker();
  for (const date of ["1", "2", "3", "long"]) expect(check.push(response("hello", { date }))).toBe(true);
});

Deno.test("the checker refuses a wrong answer, the first and any later", () => {
  for (const wrong of [response("hellO"), response("hello", { status: 201 }), response("hello!"), response("")]) {
    expect(() => checker().push(wrong)).toThrow(ProtocolError);
    const check = checker();
    check.push(response("hello"));
    check.push(response("hello"));
    expect(() => check.push(wrong)).toThrow(ProtocolError);
  }
});

Deno.test("the checker waits for the rest of an answer that comes in pieces, also after whole ones", () => {
  const check = checker();
  const whole = response("hello");
  expect(check.push(whole)).toBe(true);
  expect(check.push(whole.subarray(0, 20))).toBe(false);
  expect(check.push(whole.subarray(20))).toBe(true);
  expect(check.push(bytes(CHUNKED))).toBe(true);
  expect(check.push(bytes(CHUNKED.slice(0, -2)))).toBe(false);
  expect(check.push(bytes("\r\n"))).toBe(true);
});

Deno.test("the checker does not take a part of a longer answer for a whole one", () => {
  const check = checker();
  check.push(response("hello"));
  expect(check.push(response("hello", { length: 9, date: "2" }))).toBe(true); // Looks the same; the next bytes tell.
  expect(() => check.push(bytes(`more${FIXED}`))).toThrow(ProtocolError);
});
