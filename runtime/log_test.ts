import { expect } from "@std/expect";
import { jsonSink, type LogRecord, type LogSink, prettySink } from "./log.ts";

/** What a sink writes to the terminal. */
function written(sink: LogSink, record: Partial<LogRecord>): string {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    sink({ time: 0, level: "info", message: "", source: "stdout", ...record });
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

Deno.test("the pretty log has time, level, function, task and text on one line", () => {
  const record = { message: "hello, Ærø", function: "hello", task: "0123456789", fields: { status: 200 } };
  expect(written(prettySink, record)).toBe('00:00:00.000 info  [hello 01234567] stdout: hello, Ærø {"status":200}');
});

Deno.test("a terminal obeys nothing that a guest writes", () => {
  const message = "\x1b[2J\x1b]0;title\x07a\rb\x7f\x9b31m\0";
  const text = written(prettySink, { message, fields: { stack: "at \x1b[A" } });
  // deno-lint-ignore no-control-regex
  expect([text, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text)]).toEqual([text, false]);
  expect(text).toContain("\\x1b[2J");
});

Deno.test("no line of a guest's passes for a record", () => {
  const text = written(prettySink, { message: "failed: oops\n00:00:00.000 info  [other] host: fine" });
  expect(text.split("\n").map((line) => /^\d/.test(line))).toEqual([true, false]);
  expect(written(jsonSink, { message: "a\nb" }).split("\n").length).toBe(1);
});
