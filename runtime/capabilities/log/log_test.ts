import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { MAX_LOG_BYTES, MAX_LOG_LINE_BYTES } from "../../limits.ts";
import type { LogRecord } from "../../log.ts";
import { Task } from "../../task.ts";
import { log, logging } from "./mod.ts";

type Log = (level: string, context: string, message: string) => void;

function logged(body: (log: Log) => void, grant = {}): LogRecord[] {
  const records: LogRecord[] = [];
  const task = new Task({ function: "f", requestId: "r1", sink: (record) => records.push(record) });
  withTask(task, () => body(logging(grant)["wasi:logging/logging@0.1.0-draft"]!.log as Log));
  task.end();
  return records;
}

Deno.test("what a guest logs is a record of its task, with level and context", () => {
  const records = logged((log) => {
    log("critical", "db", "gone");
    log("trace", "", "here");
  });
  expect(records.map(({ level, source, message, task }) => [level, source, message, task])).toEqual([
    ["critical", "log:db", "gone", "r1"],
    ["trace", "log", "here", "r1"],
  ]);
});

Deno.test("a context is not mistaken for the host or for stdout, and is no place for text", () => {
  const records = logged((log) => {
    log("info", "host", "x");
    log("info", "c".repeat(1000), "y");
  });
  expect(records.map(({ source }) => source)).toEqual(["log:host", `log:${"c".repeat(64)}`]);
});

Deno.test("what is below the level of the grant is dropped", () => {
  const records = logged((log) => {
    for (const level of ["trace", "debug", "info", "warn", "error", "critical"]) log(level, "", level);
  }, { level: "warn" });
  expect(records.map(({ message }) => message)).toEqual(["warn", "error", "critical"]);
});

Deno.test("a long message is cut into records, and a task's log is bounded", () => {
  const whole = "x".repeat(MAX_LOG_LINE_BYTES + 1);
  expect(logged((log) => log("info", "", whole)).map(({ message }) => message.length)).toEqual([
    MAX_LOG_LINE_BYTES,
    1,
  ]);
  const records = logged((log) => {
    for (let i = 0; i < 3; i++) log("info", "", "x".repeat(MAX_LOG_BYTES / 2));
  });
  expect(records.at(-1)!.message).toMatch(/records dropped/);
  expect(records.slice(0, -1).reduce((sum, { message }) => sum + message.length, 0)).toBeLessThanOrEqual(MAX_LOG_BYTES);
});

Deno.test("a malformed grant of log is refused", () => {
  expect(log.grant.safeParse({}).success).toBe(true);
  expect(log.grant.safeParse({ level: "warn" }).success).toBe(true);
  expect(log.grant.safeParse({ level: "verbose" }).success).toBe(false);
  expect(log.grant.safeParse({ levle: "warn" }).success).toBe(false);
});

Deno.test("empty messages are bounded as well", () => {
  const records = logged((log) => {
    for (let i = 0; i < MAX_LOG_BYTES / 16; i++) log("info", "", "");
  });
  expect(records.length).toBeLessThan(MAX_LOG_BYTES / 32);
  expect(records.at(-1)!.message).toMatch(/records dropped/);
});
