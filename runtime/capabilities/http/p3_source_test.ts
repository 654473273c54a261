import { expect } from "@std/expect";
import { ByteChannel, lend } from "../../streams/bytes.ts";
import { ReadAhead, watchEnd, withError } from "./p3_source.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("ReadAhead fetches what is asked for and no more, and hands it out first", async () => {
  const { sink, source } = new ByteChannel();
  sink.write(new Uint8Array([1, 2, 3]));
  sink.write(new Uint8Array([4, 5, 6]));
  const ahead = new ReadAhead(source);
  await ahead.fetch(4).done;
  expect([...source.take(9)]).toEqual([5, 6]);
  expect([ahead.state, ahead.ready, source.ready]).toEqual(["open", true, false]);
  expect([...ahead.take(3), ...ahead.take(3)]).toEqual([1, 2, 3, 4]);
  expect(ahead.ready).toBe(false);
});

Deno.test("ReadAhead fetches nothing more once it is stopped", async () => {
  const { sink, source } = new ByteChannel();
  const ahead = new ReadAhead(source);
  const { done, stop } = ahead.fetch(100);
  sink.write(new Uint8Array([1]));
  await turn();
  expect(source.ready).toBe(false);
  stop();
  await done;
  sink.write(new Uint8Array([2]));
  await turn();
  expect(source.ready).toBe(true);
  expect([...ahead.take(9), ...ahead.take(9)]).toEqual([1, 2]);
});

Deno.test("ReadAhead knows what remains once its source does, and drops it when cancelled", async () => {
  const { sink, source } = new ByteChannel();
  sink.write(new Uint8Array(3));
  const ahead = new ReadAhead(source);
  const { done } = ahead.fetch(100);
  expect(ahead.remaining).toBe(undefined);
  sink.close();
  await done;
  expect([ahead.remaining, ahead.state]).toEqual([3, "open"]);
  ahead.cancel();
  expect([ahead.state, ahead.take(9).length]).toEqual(["closed", 0]);
});

Deno.test("ReadAhead passes a failure on after the last byte", async () => {
  const { sink, source } = new ByteChannel();
  sink.write(new Uint8Array([1]));
  sink.abort("broken");
  const ahead = new ReadAhead(source);
  await ahead.fetch(100).done;
  expect([ahead.state, [...ahead.take(9)], ahead.state, ahead.error]).toEqual(["open", [1], "errored", "broken"]);
});

Deno.test("watchEnd tells how a body ended for its reader", async () => {
  const read = new ByteChannel();
  const closed = watchEnd(read.source);
  read.sink.write(new Uint8Array(1));
  read.sink.close();
  closed.source.take(9);
  expect(await closed.end).toEqual({ how: "closed" });

  const lent = new ByteChannel();
  const watched = watchEnd(lent.source);
  lent.sink.write(new Uint8Array(1));
  lent.sink.close();
  expect(lend(watched.source, 9).length).toBe(1);
  expect(await watched.end).toEqual({ how: "closed" });

  const left = new ByteChannel();
  const cancelled = watchEnd(left.source);
  left.sink.write(new Uint8Array(1));
  cancelled.source.cancel();
  expect(await cancelled.end).toEqual({ how: "cancelled" });

  const broken = new ByteChannel();
  const errored = watchEnd(broken.source);
  broken.sink.abort("broken");
  expect(errored.source.state).toBe("errored");
  expect(await errored.end).toEqual({ how: "errored", error: "broken" });
});

Deno.test("withError changes the error of a source and nothing else", () => {
  const { sink, source } = new ByteChannel();
  const changed = withError(source, (error) => `${error} twice`);
  sink.write(new Uint8Array([1]));
  sink.abort("broken");
  expect([[...changed.take(9)], changed.state, changed.error]).toEqual([[1], "errored", "broken twice"]);
});
