import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { GuestExit } from "../../errors.ts";
import { MAX_LOG_LINE_BYTES } from "../../limits.ts";
import type { LogRecord } from "../../log.ts";
import type { InputStream, OutputStream } from "../../streams/p2/mod.ts";
import { Task } from "../../task.ts";
import { cli } from "./mod.ts";
import { p2 } from "./p2.ts";

const host = p2({ GREETING: "ahoy" });
const utf8 = (text: string) => new TextEncoder().encode(text);

/** What the task logs while `body` writes to stdout and stderr. */
function logged(body: (stdout: OutputStream, stderr: OutputStream) => void): LogRecord[] {
  const records: LogRecord[] = [];
  const task = new Task({ function: "test", sink: (record) => records.push(record) });
  withTask(task, () => {
    const stdout = host["wasi:cli/stdout@0.2.12"]!.getStdout as () => OutputStream;
    const stderr = host["wasi:cli/stderr@0.2.12"]!.getStderr as () => OutputStream;
    body(stdout(), stderr());
  });
  task.end();
  return records;
}

Deno.test("stdout and stderr become log records of the task, line by line", () => {
  const records = logged((stdout, stderr) => {
    stdout.write(utf8("one\ntw"));
    stderr.write(utf8("oh no\r\n"));
    stdout.write(utf8("o\n\nthree\n"));
  });
  expect(records.map(({ level, source, message }) => [level, source, message])).toEqual([
    ["info", "stdout", "one"],
    ["warn", "stderr", "oh no"],
    ["info", "stdout", "two"],
    ["info", "stdout", ""],
    ["info", "stdout", "three"],
  ]);
  expect(records.every((record) => record.function === "test")).toBe(true);
});

Deno.test("a last line without a newline is logged when the task ends", () => {
  expect(logged((stdout) => stdout.write(utf8("no newline"))).map((record) => record.message)).toEqual(["no newline"]);
});

Deno.test("two handles of stdout write to the same line", () => {
  const getStdout = host["wasi:cli/stdout@0.2.12"]!.getStdout as () => OutputStream;
  const records = logged((stdout) => {
    stdout.write(utf8("a"));
    getStdout().write(utf8("b\n"));
  });
  expect(records.map((record) => record.message)).toEqual(["ab"]);
});

Deno.test("a long line is cut into records, between characters", () => {
  for (const character of ["x", "é", "€", "😀"]) {
    for (let shift = 0; shift < 4; shift++) {
      const text = "-".repeat(shift) + character.repeat(MAX_LOG_LINE_BYTES);
      const messages = logged((stdout) => {
        const data = utf8(`${text}\n`);
        for (let at = 0; at < data.length; at += 3000) stdout.write(data.subarray(at, at + 3000));
      }).map((record) => record.message);
      expect(messages.join("")).toBe(text);
      expect(messages.every((message) => utf8(message).length <= MAX_LOG_LINE_BYTES)).toBe(true);
    }
  }
});

Deno.test("bytes that are no UTF-8 are replaced", () => {
  const records = logged((stdout) => stdout.write(new Uint8Array([0x61, 0xff, 0x62, 0x0a])));
  expect(records[0]!.message).toBe("a\ufffdb");
  const many = logged((stdout) => {
    const half = new Uint8Array(MAX_LOG_LINE_BYTES / 2).fill(0x80);
    for (let i = 0; i < 6; i++) stdout.write(half);
  });
  expect(many.length).toBe(3);
});

Deno.test("no more may be written at once than a write that blocks takes, for each byte may be a line", () => {
  const records = logged((stdout, stderr) => {
    for (const stream of [stdout, stderr]) {
      expect(stream.checkWrite()).toBe(4096n);
      expect(() => stream.write(new Uint8Array(4097).fill(10))).toThrow("check-write permits 4096");
    }
  });
  expect(records).toEqual([]);
});

Deno.test("two tasks at once do not share a line", () => {
  const messages: string[] = [];
  const tasks = ["a", "b"].map((name) =>
    new Task({ function: name, sink: (record) => messages.push(`${record.function}: ${record.message}`) })
  );
  const getStdout = host["wasi:cli/stdout@0.2.12"]!.getStdout as () => OutputStream;
  for (const part of ["x", "y\n"]) {
    for (const task of tasks) withTask(task, () => getStdout().write(utf8(part)));
  }
  for (const task of tasks) task.end();
  expect(messages).toEqual(["a: xy", "b: xy"]);
});

Deno.test("a guest sees the manifest's variables and nothing of the host", () => {
  const environment = host["wasi:cli/environment@0.2.12"] as Record<string, () => unknown>;
  expect(environment.getEnvironment!()).toEqual([["GREETING", "ahoy"]]);
  expect(environment.getArguments!()).toEqual([]);
  expect(environment.initialCwd!()).toBe(undefined);
});

Deno.test("stdin is empty and there is no terminal", () => {
  const stdin = (host["wasi:cli/stdin@0.2.12"]!.getStdin as () => InputStream)();
  expect(stdin.subscribe().ready()).toBe(true);
  expect(() => stdin.read(1n)).toThrow("closed");
  for (const name of ["stdin", "stdout", "stderr"]) {
    const [get] = Object.values(host[`wasi:cli/terminal-${name}@0.2.12`]!) as (() => unknown)[];
    expect(get!()).toBe(undefined);
  }
});

Deno.test("exit unwinds the guest with its code", () => {
  const { exit, exitWithCode } = host["wasi:cli/exit@0.2.12"] as Record<string, (status: unknown) => never>;
  const codes = [() => exit!({ tag: "ok" }), () => exit!({ tag: "err" }), () => exitWithCode!(42)].map((call) => {
    try {
      return call();
    } catch (error) {
      return error instanceof GuestExit ? error.exitCode : error;
    }
  });
  expect(codes).toEqual([0, 1, 42]);
});

Deno.test("the grant of cli takes no parameters", () => {
  expect(cli.grant.safeParse({ env: {} }).success).toBe(false);
});
