import { expect } from "@std/expect";
import { ByteChannel, lend } from "./bytes.ts";
import { tellEnd } from "./passed.ts";

function told() {
  const { sink, source } = new ByteChannel();
  const ends: unknown[][] = [];
  return { sink, source: tellEnd(source, (...end) => ends.push(end)), ends };
}

Deno.test("a loan goes through tellEnd(), which tells the end all the same", () => {
  const { sink, source, ends } = told();
  sink.write(new Uint8Array([1, 2]));
  sink.close();
  expect([...lend(source, 1)]).toEqual([1]);
  expect(ends).toEqual([]);
  expect([...lend(source, 1)]).toEqual([2]);
  expect(ends).toEqual([["closed", undefined]]);
});

Deno.test("tellEnd() tells of the end when its reader sees it, and once", () => {
  const { sink, source, ends } = told();
  sink.write(new Uint8Array(1));
  sink.abort("broken");
  expect([source.state, source.take(10).byteLength]).toEqual(["open", 1]);
  expect(ends).toEqual([]);
  expect([source.state, source.error]).toEqual(["errored", "broken"]);
  source.cancel("too late");
  void source.state;
  expect(ends).toEqual([["errored", "broken"]]);
});

Deno.test("tellEnd() tells of a reader that has cancelled, and no end after that", () => {
  const { sink, source, ends } = told();
  source.cancel("enough");
  expect([source.state, sink.state]).toEqual(["closed", "closed"]);
  expect(ends).toEqual([["cancelled", "enough"]]);
});
