import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { mayWait } from "../../engine/mod.ts";
import { type HostStream } from "../../engine/streams.ts";
import { GuestExit } from "../../errors.ts";
import type { LogRecord } from "../../log.ts";
import { ByteChannel, type ByteSink, type ByteSource } from "../../streams/bytes.ts";
import { Task } from "../../task.ts";
import { cli } from "./mod.ts";
import { type CliResult, p3 } from "./p3.ts";

const host = p3({ GREETING: "ahoy" });
const utf8 = (text: string) => new TextEncoder().encode(text);
type Write = (data: unknown) => Promise<CliResult>;
const toStdout = host["wasi:cli/stdout@0.3.0"]!.writeViaStream as Write;
const toStderr = host["wasi:cli/stderr@0.3.0"]!.writeViaStream as Write;

/** What the task logs while the guest writes `body` to a stream, and how writing ended. */
async function written(write: Write, body: (sink: ByteSink) => void): Promise<[CliResult, LogRecord[]]> {
  const records: LogRecord[] = [];
  const task = new Task({ function: "test", sink: (record) => records.push(record) });
  const { sink, source } = new ByteChannel();
  const result = withTask(task, () => write(source));
  body(sink);
  const outcome = await result;
  task.end();
  return [outcome, records];
}

Deno.test("stdout 0.3 becomes log records of the task, line by line, until the guest drops its end", async () => {
  const [outcome, records] = await written(toStdout, (sink) => {
    sink.write(utf8("one\ntw"));
    sink.write(utf8("o\nthree"));
    sink.close();
  });
  expect(outcome).toEqual({ tag: "ok" });
  expect(records.map(({ source, message }) => [source, message])).toEqual([
    ["stdout", "one"],
    ["stdout", "two"],
    ["stdout", "three"],
  ]);
});

Deno.test("stderr 0.3 says so when the guest's stream breaks off", async () => {
  const [outcome, records] = await written(toStderr, (sink) => {
    sink.write(utf8("oh no\n"));
    sink.abort(new Error("trapped"));
  });
  expect(outcome).toEqual({ tag: "err", val: "pipe" });
  expect(records.map(({ level, source, message }) => [level, source, message])).toEqual([["warn", "stderr", "oh no"]]);
});

Deno.test("a guest that writes to stdout without end lets others run", async () => {
  const task = new Task({ function: "test" });
  let others = false;
  setTimeout(() => others = true);
  const source: ByteSource = {
    get state() {
      return others ? "closed" as const : "open" as const;
    },
    error: undefined,
    ready: true,
    take: () => others ? new Uint8Array(0) : utf8("spam\n"),
    cancel() {},
    subscribe: () => () => {},
  };
  expect(await withTask(task, () => toStdout(source))).toEqual({ tag: "ok" });
  task.end();
});

Deno.test("two streams to stdout at once write to the same line", async () => {
  const messages: string[] = [];
  const task = new Task({ function: "test", sink: (record) => messages.push(record.message) });
  const [one, two] = [new ByteChannel(), new ByteChannel()];
  one.sink.write(utf8("a"));
  two.sink.write(utf8("b\n"));
  one.sink.close();
  two.sink.close();
  await withTask(task, () => Promise.all([toStdout(one.source), toStdout(two.source)]));
  task.end();
  expect(messages).toEqual(["ab"]);
});

Deno.test("a function of cli 0.3 that returns a future does not wait", () => {
  const waiting = Object.values(host).flatMap((members) => Object.values(members)).filter(mayWait);
  expect(waiting).toEqual([]);
});

Deno.test("stdin 0.3 is empty and ends in good order", async () => {
  const [stream, result] = (host["wasi:cli/stdin@0.3.0"]!.readViaStream as () => [HostStream, Promise<CliResult>])();
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(await result).toEqual({ tag: "ok" });
});

Deno.test("a 0.3 guest sees the manifest's variables and nothing of the host", () => {
  const environment = host["wasi:cli/environment@0.3.0"] as Record<string, () => unknown>;
  expect(environment.getEnvironment!()).toEqual([["GREETING", "ahoy"]]);
  expect(environment.getArguments!()).toEqual([]);
  expect(environment.getInitialCwd!()).toBe(undefined);
  for (const name of ["stdin", "stdout", "stderr"]) {
    const [get] = Object.values(host[`wasi:cli/terminal-${name}@0.3.0`]!) as (() => unknown)[];
    expect(get!()).toBe(undefined);
  }
});

Deno.test("exit 0.3 unwinds the guest with its code", () => {
  const { exit, exitWithCode } = host["wasi:cli/exit@0.3.0"] as Record<string, (status: unknown) => never>;
  for (
    const [call, code] of [
      [() => exit!({ tag: "ok" }), 0],
      [() => exit!({ tag: "err" }), 1],
      [() => exitWithCode!(7), 7],
    ] as const
  ) {
    let thrown: unknown;
    try {
      call();
    } catch (error) {
      thrown = error;
    }
    expect((thrown as GuestExit).exitCode).toBe(code);
  }
});

Deno.test("the capability cli provides both versions", () => {
  for (const name of Object.keys(host)) expect(cli.interfaces).toContain(name);
});
