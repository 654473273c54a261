import { expect } from "@std/expect";
import { systemClock } from "./clock.ts";
import { Schedule, type ScheduleOptions } from "./schedule.ts";

Deno.test("a schedule is the platform's before anything is waited for, or Deno Deploy would not know of it", async () => {
  const asked = Promise.withResolvers<undefined>();
  const registered: string[] = [];
  const options: Partial<ScheduleOptions> = {
    function: "jobs",
    clock: systemClock,
    sink: () => {},
    store: { last: () => asked.promise } as unknown as ScheduleOptions["store"],
    schedule: { name: "nightly", cron: "0 3 * * *", catchUp: false, call: { path: "/" } },
    platform: (name, expression, { signal }) => {
      registered.push(`${name}: ${expression}`);
      return new Promise((done) => signal.addEventListener("abort", () => done()));
    },
  };
  const schedule = new Schedule(options as ScheduleOptions);
  expect(registered).toEqual(["jobs nightly: 0 3 * * *"]);
  asked.reject(new Error("no database"));
  await schedule.stop();
});
