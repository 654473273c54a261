import { expect } from "@std/expect";
import { cronProblem, parseCron } from "./cron.ts";

const utc = (text: string) => Date.parse(`${text}Z`);
const nextOf = (cron: string, from: string) => new Date(parseCron(cron).next(utc(from))).toISOString().slice(0, 16);

Deno.test("a cron expression names its minutes in UTC", () => {
  const cases: [cron: string, from: string, next: string][] = [
    ["* * * * *", "2026-01-01T00:00", "2026-01-01T00:01"],
    ["* * * * *", "2026-01-01T00:00:59.999", "2026-01-01T00:01"],
    ["*/15 * * * *", "2026-01-01T00:50", "2026-01-01T01:00"],
    ["5/20 * * * *", "2026-01-01T00:26", "2026-01-01T00:45"],
    ["0 3 * * *", "2026-01-01T03:00", "2026-01-02T03:00"],
    ["0,30 9-17/4 * * *", "2026-01-01T13:30", "2026-01-01T17:00"],
    ["59 23 31 12 *", "2026-12-31T23:59", "2027-12-31T23:59"],
    ["0 0 31 * *", "2026-01-31T00:00", "2026-03-31T00:00"],
    ["0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00"],
    // 2100 is no leap year.
    ["0 0 29 2 *", "2096-02-29T00:00", "2104-02-29T00:00"],
    ["0 0 * * 0", "2026-01-01T00:00", "2026-01-04T00:00"],
    ["0 0 * * 7", "2026-01-01T00:00", "2026-01-04T00:00"],
    ["0 0 * * 5-7", "2026-01-03T00:00", "2026-01-04T00:00"],
    ["0 0 * * mon", "2026-01-01T00:00", "2026-01-05T00:00"],
    ["0 0 1 JUL-aug *", "2026-07-02T00:00", "2026-08-01T00:00"],
    // Either kind of day is enough: the 4th, or a Friday.
    ["0 0 4 * FRI", "2026-01-01T00:00", "2026-01-02T00:00"],
    ["0 0 4 * FRI", "2026-01-02T00:00", "2026-01-04T00:00"],
    // But not where one of them is a star with a step.
    ["0 0 */2 * MON", "2026-01-01T00:00", "2026-01-05T00:00"],
    ["0 0 */2 * MON", "2026-01-05T00:00", "2026-01-19T00:00"],
    ["@hourly", "2026-01-01T00:00", "2026-01-01T01:00"],
    ["@daily", "2026-01-01T00:00", "2026-01-02T00:00"],
    ["@weekly", "2026-01-01T00:00", "2026-01-04T00:00"],
    ["@monthly", "2026-01-01T00:00", "2026-02-01T00:00"],
    ["@yearly", "2026-01-01T00:00", "2027-01-01T00:00"],
  ];
  for (const [cron, from, next] of cases) expect([cron, from, nextOf(cron, from)]).toEqual([cron, from, next]);
});

Deno.test("what is wrong with a cron expression is said with what to write", () => {
  const cases: [cron: string, problem: RegExp][] = [
    ["", /^needs five fields: .*; these are 0; write/],
    ["0 3 * *", /^needs five fields: .*; these are 4; write for example "0 3 \* \* \*"$/],
    ["0 0 3 * * *", /there are no seconds/],
    ["60 * * * *", /^has the minute "60", which is out of range; write 0 to 59, or for example "\*\/15"$/],
    ["* 24 * * *", /the hour "24", which is out of range; write 0 to 23/],
    ["* * 0 * *", /the day of the month "0", which is out of range/],
    ["* * * 13 *", /the month "13", which is out of range/],
    ["* * * * 8", /the day of the week "8", which is out of range; write 0 to 7, or for example "MON-FRI"/],
    ["* * * FOO *", /the month "FOO", which is not understood/],
    ["30-10 * * * *", /the minute "30-10", which runs backwards/],
    ["*/0 * * * *", /the minute "\*\/0", which has a step that is no use/],
    ["*/90 * * * *", /has a step that is no use/],
    ["1,,2 * * * *", /the minute "", which is not understood/],
    ["-1 * * * *", /the minute "-1", which is not understood/],
    ["0 0 30 2 *", /names a day that never comes/],
    ["0 0 31 4,6 *", /names a day that never comes/],
    ["@often", /^is no nickname; write @yearly/],
    ["@toString", /^is no nickname/],
  ];
  for (const [cron, problem] of cases) {
    expect([cron, cronProblem(cron)]).toEqual([cron, expect.stringMatching(problem)]);
  }
  expect(cronProblem("0 3 * * *")).toBe(undefined);
});

Deno.test("matches() is true for exactly the minutes that are named", () => {
  const cron = parseCron("*/20 4 * * *");
  expect(cron.matches(utc("2026-01-01T04:20:30"))).toBe(true);
  expect(cron.matches(utc("2026-01-01T04:21"))).toBe(false);
  expect(cron.matches(utc("2026-01-01T05:20"))).toBe(false);
});

Deno.test("plain() leaves nothing that Deno's own cron reads otherwise", () => {
  expect(parseCron("0 3 * * 1-5").plain()).toEqual(["0 3 * * MON,TUE,WED,THU,FRI"]);
  expect(parseCron("*/30 * * * 7").plain()).toEqual(["0,30 * * * SUN"]);
  expect(parseCron("0 0 1,15 * FRI").plain()).toEqual(["0 0 1,15 * *", "0 0 * * FRI"]);
  expect(parseCron("* * * * *").plain()).toEqual(["* * * * *"]);
});
