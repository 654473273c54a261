import { expect } from "@std/expect";
import { Task } from "../task.ts";
import { taskThatThrew, thrownBy, ThrownReader, withThrown } from "./thrown.ts";

function read(lines: readonly string[], task = new Task({ function: "test" })): Task {
  const reader = new ThrownReader(task);
  for (const line of lines) reader.line(line);
  task.end();
  return task;
}

const frame = (name: string, location: string) => ({ name, location, guest: true });

Deno.test("what a fetch handler threw is read from stderr, with its frames", () => {
  const task = read([
    "find@island.ts:1:1",
    "Uncaught RangeError: no such island",
    "  in any sea",
    "find@island.ts:10:9",
    "async*fetch@main.ts:35:3",
    "@main.ts:2:2",
    "and then this",
    "other@main.ts:9:9",
  ]);
  expect(thrownBy(task)).toEqual({
    title: "RangeError: no such island\n  in any sea",
    frames: [
      frame("find", "island.ts:10:9"),
      frame("async fetch", "main.ts:35:3"),
      frame("(anonymous)", "main.ts:2:2"),
    ],
  });
  const message = "calling test: unreachable";
  expect(withThrown({ code: "guest-trapped", message }, task)).toBe(`${message} (it threw RangeError: no such island)`);
  // It was not for that.
  expect(withThrown({ code: "deadline-exceeded", message }, task)).toBe(message);
});

Deno.test("a thrown value without a stack is its text alone, whatever is written after it", () => {
  const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`);
  expect(thrownBy(read(["Uncaught words", ...lines, "f@main.ts:1:1"]))).toEqual({ title: "words", frames: [] });
});

Deno.test("StarlingMonkey's own words for a rejected handler are read as well, and the last error counts", () => {
  const task = read([
    "Uncaught Error: first",
    "f@a.ts:1:1",
    "Error while running request handler: second",
    "g@b.ts:2:2",
  ]);
  // The second one ended the frames of the first, and so is read from its own line on.
  expect(thrownBy(task)).toEqual({ title: "second", frames: [frame("g", "b.ts:2:2")] });
});

Deno.test("what a function on QuickJS threw is read from its panic", () => {
  const stack = (text: string) =>
    `Exception { message: ${text}, stack: Some("    at f (a.ts:1:2)\\n    at g (b.ts:3:4)\\n") })`;
  const frames = [frame("f", "a.ts:1:2"), frame("g", "b.ts:3:4")];
  for (
    const [message, title] of [
      [String.raw`Some("no such island")`, "no such island"],
      [String.raw`Some("say \"no\"\n\\ \u{1f3dd}")`, 'say "no"\n\\ \u{1f3dd}'],
      ["None", "Error"],
    ] as const
  ) expect(thrownBy(read([stack(message)]))).toEqual({ title, frames });
  expect(thrownBy(read(['Exception { message: Some("no wrapper"), stack: Some("") }']))).toBe(undefined);
  expect(thrownBy(read([String.raw`Exception { message: Some("\u{ffffff}"), stack: Some("    at f (a.ts:1:2)\n") }`])))
    .toEqual({ title: "", frames: [frame("f", "a.ts:1:2")] });
});

Deno.test("a line in which an exception of QuickJS begins again and again is read once", () => {
  const begin = `Exception { message: Some("${"\\\\".repeat(20)}"), stack: Some("`;
  // Each beginning against each end, this would take minutes.
  expect(thrownBy(read([begin.repeat(20_000)]))).toBe(undefined);
  const whole = String.raw`Exception { message: Some("no"), stack: Some("    at f (a.ts:1:2)\n") }`;
  expect(thrownBy(read([`${whole}${whole}`]))).toEqual({ title: "no", frames: [frame("f", "a.ts:1:2")] });
});

Deno.test("what StarlingMonkey itself says of a rejected handler and of a failed body is read", () => {
  const rejected = [
    "Error while running request handler: raw",
    "Stack:",
    "  answer@raw.ts:4:22",
    "  async*@raw.ts:10:21",
    "",
  ];
  expect(thrownBy(read(rejected))).toEqual({
    title: "raw",
    frames: [frame("answer", "raw.ts:4:22"), frame("async (anonymous)", "raw.ts:10:21")],
  });
  const failed = "Warning: body ReadableStream closed during body streaming. Exception: ";
  expect(thrownBy(read([`${failed}(new RangeError("no such island", "a.ts", 5))`]))).toEqual({
    title: "RangeError: no such island",
    frames: [frame("(the stream of a body)", "a.ts:5")],
  });
  expect(thrownBy(read([`${failed}"words"`]))).toEqual({ title: '"words"', frames: [] });
  expect(thrownBy(read(["Warning: something else"]))).toBe(undefined);
});

Deno.test("most of what guests write is nothing that was thrown", () => {
  for (const line of ["", "hello", "not Uncaught Error", "Exception { message: nothing", "f@a.ts:1:1"]) {
    expect(thrownBy(read([line]))).toBe(undefined);
  }
});

Deno.test("tasks that threw are found by their ids while they are recorded, and only so many", () => {
  const throwing = (requestId: string, record: boolean) => {
    const task = new Task({ function: "test", requestId, record });
    task.countCall("wasi:io/streams#[method]output-stream.write");
    return read(["Uncaught Error: no", "f@a.ts:1:1"], task);
  };
  expect(throwing("quiet", false)).not.toBe(taskThatThrew("quiet"));
  const first = throwing("first", true);
  expect(taskThatThrew("first")).toBe(first);
  for (let i = 0; i < 100; i++) throwing(`later-${i}`, true);
  expect(taskThatThrew("first")).toBe(undefined);
  expect(taskThatThrew("later-99")).not.toBe(undefined);
});
