import { expect } from "@std/expect";
import { queueGrant } from "../capabilities/queue/grant.ts";
import { parseManifest } from "../manifest.ts";
import { problemsOf } from "./_testing.ts";

const JOBS = { name: "jobs", source: "jobs.wasm" };

function parse(written: Record<string, unknown>) {
  const text = JSON.stringify({ ...JOBS, ...written });
  return parseManifest(text, { file: "function.json", grants: { queue: queueGrant } });
}

const problems = (written: Record<string, unknown>) => problemsOf(() => parse(written));

Deno.test("a function that is called for messages or by a schedule needs no routes", () => {
  const { routes, queues, schedule } = parse({
    queues: [{ name: "orders" }, { name: "mail", path: "/mail?x=1", attempts: 1, concurrency: 2, backoffMs: 3 }],
    schedule: [
      { name: "nightly", cron: "0 3 * * *", path: "/nightly" },
      { name: "hourly", cron: "@hourly", export: "wasi:cli/run@0.2.12#run", catchUp: true },
    ],
  });
  expect(routes).toEqual([]);
  expect(queues).toEqual([
    { name: "orders", path: null, attempts: 8, concurrency: 10, backoffMs: 1000 },
    { name: "mail", path: "/mail?x=1", attempts: 1, concurrency: 2, backoffMs: 3 },
  ]);
  expect(schedule).toEqual([
    { name: "nightly", cron: "0 3 * * *", call: { path: "/nightly" }, catchUp: false },
    { name: "hourly", cron: "@hourly", call: { export: "wasi:cli/run@0.2.12#run" }, catchUp: true },
  ]);
});

const entry = { name: "n", cron: "0 3 * * *", path: "/" };
const cases: [written: Record<string, unknown>, ...problems: string[]][] = [
  [{}, 'routes: is missing; write [{"path":"/hello","methods":["GET"]}]'],
  [{ queues: [] }, 'routes: is missing; write [{"path":"/hello","methods":["GET"]}]'],
  [
    { queue: [{ name: "q" }] },
    'queue: no such key; write "queues"',
    'routes: is missing; write [{"path":"/hello","methods":["GET"]}]',
  ],
  [
    { schedule: [{ ...entry, cron: "0 25 * * *" }] },
    'schedule[0].cron: "0 25 * * *" has the hour "25", which is out of range; write 0 to 23, or for example "3"',
  ],
  [
    { schedule: [{ ...entry, cron: "every day" }] },
    'schedule[0].cron: "every day" needs five fields: minute, hour, day of the month, month, day of the week; these are 2; ' +
    'write for example "0 3 * * *"',
  ],
  [{ schedule: [{ name: "n", path: "/" }] }, 'schedule[0].cron: is missing; write "0 3 * * *"'],
  [
    { schedule: [{ name: "n", cron: "@daily" }] },
    'schedule[0]: says when, but not what to call; write "path" or "export"',
  ],
  [{ schedule: [{ ...entry, export: "a:b/c#d" }] }, 'schedule[0]: has both "path" and "export"; take one of them out'],
  [
    { schedule: [entry, entry] },
    'schedule[1].name: "n" is the name of schedule[0] already; write another, or take it out',
  ],
  [
    { schedule: [{ ...entry, every: 5 }] },
    'schedule[0].every: no such key; write "name", "cron", "path", "export" or "catchUp"',
  ],
  [
    { schedule: [{ name: "n", cron: "@daily", export: "run" }] },
    'schedule[0].export: "run" is no exported function; write INTERFACE#FUNCTION, such as "wasi:cli/run#run"',
  ],
  [
    { schedule: [{ ...entry, path: "nightly" }] },
    'schedule[0].path: "nightly" is no path; write one that begins with a slash, such as "/jobs/nightly"',
  ],
  [
    { queues: [{ name: "q" }, { name: "q" }] },
    'queues[1].name: "q" is the name of queues[0] already; write another, or take it out',
  ],
  [
    { queues: [{ name: "The Orders" }] },
    'queues[0].name: "The Orders" is no name of a queue; write lower-case letters, digits, dashes, dots and underscores, at most 63',
  ],
  [
    { queues: [{ name: "q", retries: 3 }] },
    'queues[0].retries: no such key; write "name", "path", "attempts", "concurrency" or "backoffMs"',
  ],
  [{ queues: [{ name: "q", attempts: 0 }] }, "queues[0].attempts: 0 is too small; write at least 1"],
  [
    { queues: [{ name: "q" }], grants: { queue: { send: ["The Orders"] } } },
    'grants.queue.send[0]: "The Orders" is no name of a queue; write lower-case letters, digits, dashes, dots and underscores, at most 63',
  ],
  [{ queues: [{ name: "q" }], grants: { queue: {} } }, 'grants.queue.send: is missing; write ["orders"]'],
  [
    { queues: [{ name: "q" }], grants: { queue: { send: ["q"], receive: ["q"] } } },
    'grants.queue.receive: no such key; write "send", "maxBytes" or "maxMessages"',
  ],
];

for (const [written, ...messages] of cases) {
  Deno.test(`a manifest is refused: ${messages[0]}`, () => expect(problems(written).sort()).toEqual(messages.sort()));
}
