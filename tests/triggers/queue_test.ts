/**
 * Messages from one function to another, through both engines.
 *
 * @module
 */
import { expect } from "@std/expect";
import { QueueStore } from "../../runtime/capabilities/queue/store.ts";
import { onEachEngine } from "../http/_serve.ts";
import { type Guest, serveTriggers, testDatabase } from "./_serve.ts";

const LOG = { log: {} };
const SENDER: Guest = {
  fixture: "c-queue",
  routes: [{ path: "/sender/*" }],
  grants: { ...LOG, queue: { send: ["orders", "mail"] } },
};
/** A function that is called for `orders`, quickly again if it fails. */
const receiver = (queue: Record<string, unknown> = {}, rest: Record<string, unknown> = {}): Guest => ({
  fixture: "c-queue",
  queues: [{ name: "orders", backoffMs: 1, ...queue }],
  grants: { ...LOG, queue: { send: [] } },
  ...rest,
});

onEachEngine(
  "a message reaches its function with its type and metadata, in a task of its own and the sender's trace",
  async (engine) => {
    await using server = await serveTriggers({ engine, guests: { sender: SENDER, receiver: receiver() } });
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const init = { headers: { traceparent, "x-request-id": "the-sender" } };
    expect(await server.ask("/sender/send?data=hello&type=text/plain&meta=a=b", init)).toBe("sent 1");
    const record = await server.until((records) => records.find(({ source }) => source === "log:message"));
    expect(record).toMatchObject({
      message: "orders: hello type text/plain a=b",
      function: "receiver",
      trace: "0af7651916cd43dd8448eb211c80319c",
    });
    expect(record.task).not.toBe("the-sender");
    const end = await server.until((records) =>
      records.find(({ task, fields }) => task === record.task && fields?.["ms"] !== undefined)
    );
    expect([end.level, end.message]).toEqual(["info", "queue orders, attempt 1 of 8"]);
    while ((await server.store.counts()).get("orders")!.leased > 0) await new Promise((done) => setTimeout(done, 1));
    expect((await server.store.counts()).get("orders")).toEqual({ waiting: 0, leased: 0, dead: 0 });
  },
);

onEachEngine(
  "a function without wasi:messaging gets a POST for each message, and 2xx says that it is handled",
  async (engine) => {
    await using server = await serveTriggers({
      engine,
      guests: { sender: SENDER, receiver: receiver({ path: "/job?x=1", attempts: 2 }) },
    });
    await server.ask("/sender/send?data=hello&type=text/plain&meta=a=b");
    await server.until((records) => records.some(({ source }) => source === "log:job"));
    expect(server.logged("job")).toEqual([
      'post /job?x=1: hello content-type=text/plain x-skerry-queue=orders x-skerry-attempt=1 x-skerry-sender=sender x-skerry-metadata={"a":"b"}',
    ]);
    await server.ask("/sender/send?data=fail");
    const { message } = await server.until((records) => records.find(({ message }) => message.includes("given up")));
    expect(message).toMatch(
      /given up after 2 attempts: calling receiver: it answered POST \/job\?x=1 with 500: no good\. See `deno task queue dead orders`\.$/,
    );
    expect(server.logged("job").slice(1).map((line) => /attempt=(\d)/.exec(line)![1])).toEqual(["1", "2"]);
  },
);

onEachEngine(
  "what fails is tried again, each time in a fresh isolate, and then kept among the dead letters",
  async (engine) => {
    await using server = await serveTriggers({
      engine,
      guests: { sender: SENDER, receiver: receiver({ attempts: 3 }, { limits: { wallMs: 300_000, cpuMs: 500 } }) },
    });
    // The reference engine does not meter, so nothing would stop the guest that spins there.
    const bad = engine.name === "native" ? ["fail", "trap", "spin"] : ["fail", "trap"];
    for (const data of [...bad, "fine"]) await server.ask(`/sender/send?data=${data}`);
    await server.until((records) =>
      records.filter(({ message }) => message.includes("given up")).length === bad.length
    );
    const dead = await Array.fromAsync(server.store.dead("orders"));
    const text = (data: Uint8Array) => new TextDecoder().decode(data);
    const reasons = ["calling receiver: the guest answered with the error other: boom", /unreachable/, /limits\.cpuMs/];
    expect(dead.map(({ message, attempts, error }) => [text(message.data), attempts, error])).toEqual(
      bad.map((data, index) => [data, 3, expect.stringMatching(reasons[index]!)]),
    );
    expect(server.logged("message").filter((line) => line === "orders: fine")).toHaveLength(1);
    // It goes the same way again when it is revived, and a version that knows better handles it.
    await server.change("receiver", receiver({ path: "/send" }));
    expect(await server.store.revive("orders", dead[0]!.id)).toBe(true);
    const last = await server.until((records) =>
      records.find(({ task, message }) => task === dead[0]!.id && message.endsWith("of 8"))
    );
    expect(last.message).toBe("queue orders, attempt 1 of 8");
  },
);

onEachEngine("a function that only fails does not keep messages from another one", async (engine) => {
  await using server = await serveTriggers({
    engine,
    guests: {
      sender: SENDER,
      receiver: receiver({ attempts: 100, concurrency: 1 }),
      mailer: { fixture: "c-queue", queues: [{ name: "mail" }], grants: { ...LOG, queue: { send: [] } } },
    },
  });
  await server.ask("/sender/send?data=fail&n=20");
  await server.ask("/sender/send?data=letter&queue=mail&n=3");
  await server.until((records) => records.filter(({ message }) => message === "mail: letter").length === 3);
});

onEachEngine(
  "no more messages are handled at once than the manifest and the function's isolates allow",
  async (engine) => {
    using kv = await testDatabase();
    // All are there before the first is handled.
    const data = new TextEncoder().encode("sleep=200");
    for (let i = 0; i < 8; i++) await new QueueStore(kv).send("orders", { data, sender: "f", sentAt: 0 });
    await using server = await serveTriggers({
      engine,
      kv,
      // Two have an isolate, one waits for a place, and for the others there is none now.
      guests: { receiver: receiver({ concurrency: 5 }, { limits: { isolates: 2, queue: 1 } }) },
    });
    const running = () => [...server.runtime.tasks].filter((task) => task.function === "receiver").length;
    let most = 0;
    const ends = await server.until((records) => {
      most = Math.max(most, running());
      const ends = records.filter(({ function: name, fields }) => name === "receiver" && fields?.["ms"] !== undefined);
      return ends.filter(({ level }) => level === "info").length === 8 && ends;
    });
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(5);
    // For want of a place nothing was counted as a failure.
    const refused = ends.filter(({ level }) => level === "error");
    expect(new Set(refused.map(({ fields }) => fields!["code"]))).toEqual(new Set(["function-busy"]));
    expect(new Set(ends.map(({ message }) => message.slice(0, 30)))).toEqual(
      new Set(["queue orders, attempt 1 of 8", "queue orders, attempt 1 of 8 f"]),
    );
  },
);

onEachEngine("a message that ended its server as often as it may be tried is not handed out again", async (engine) => {
  using kv = await testDatabase();
  let now = Date.now() - 60_000;
  // A process that claims it, and is never heard of again, three times.
  const dying = new QueueStore(kv, { leaseMs: 1, now: () => now });
  await dying.send("orders", { data: new TextEncoder().encode("poison"), sender: "f", sentAt: 0 });
  for (let times = 0; times < 3; times++) {
    expect(await dying.claim("orders", 1)).toHaveLength(1);
    now += 1000;
  }
  await using server = await serveTriggers({ engine, kv, guests: { receiver: receiver({ attempts: 3 }) } });
  const { message } = await server.until((records) => records.find(({ message }) => message.includes("given up")));
  expect(message).toContain("given up after 3 attempts: its server ended, or lost its database, while it was handled");
  expect(server.logged("message")).toEqual([]);
});

onEachEngine("a claim is renewed as long as the message is handled", async (engine) => {
  using kv = await testDatabase();
  let now = 1_000_000;
  const store = QueueStore.on(kv, { leaseMs: 30, now: () => now });
  await using server = await serveTriggers({ engine, kv, guests: { receiver: receiver() } });
  await store.send("orders", { data: new TextEncoder().encode("sleep=60000"), sender: "f", sentAt: 0 });
  await server.until((records) => records.some(({ source }) => source === "log:message"));
  for (let round = 0; round < 3; round++) {
    now += 29;
    let looks = 0;
    while (await store.next("orders") !== now + 30 && looks++ < 5000) await new Promise((done) => setTimeout(done, 1));
    expect([round, await store.next("orders")]).toEqual([round, now + 30]);
  }
  expect(server.logged("message")).toEqual(["orders: sleep=60000"]);
});

onEachEngine(
  "a POST is handled when the function has ended in good order, not when it has answered",
  async (engine) => {
    await using server = await serveTriggers({
      engine,
      guests: {
        sender: SENDER,
        receiver: { fixture: "c-http", queues: [{ name: "orders", path: "/exit?code=3&done=1", attempts: 1 }] },
      },
    });
    await server.ask("/sender/send?data=x");
    const { message } = await server.until((records) => records.find(({ message }) => message.includes("given up")));
    expect(message).toContain("it exited with code 3");
  },
);

onEachEngine("who was not granted a queue may not send to it, and cannot be called for another's", async (engine) => {
  await using server = await serveTriggers({
    engine,
    guests: {
      sender: SENDER,
      receiver: receiver(),
      ungranted: { fixture: "c-queue", routes: [{ path: "/ungranted/*" }], grants: LOG },
      thief: { ...receiver(), routes: [{ path: "/thief/*" }] },
    },
  });
  expect(await server.ask("/sender/send?data=x&queue=secrets")).toBe(
    'error: permission-denied sender was not granted to send to "secrets"',
  );
  expect(
    server.records.find(({ level, function: name, message }) =>
      level === "warn" && name === "sender" && message.includes("may not")
    )!.message,
  ).toBe(
    'sender may not send to the queue. To allow it, write in its function.json: "queue": { "send": ["orders","mail","secrets"] }',
  );
  expect((await server.store.counts()).has("secrets")).toBe(false);
  expect(await server.ask("/sender/send?data=x&client=rabbit")).toBe(
    'error: connection there is no service "rabbit"; there is "default"',
  );
  const problem = (name: string) => server.runtime.functions.find((entry) => entry.name === name)?.problem?.message;
  expect(problem("ungranted")).toContain(
    'linking ungranted: it imports what it was not granted. In function.json, for wasi:messaging/producer@0.2.0-draft: add "queue": {} to "grants".',
  );
  expect(problem("thief")).toMatch(/queues\[0\]\.name: "orders" has a function already/);
});

onEachEngine(
  "a message that is too large is refused to its sender, and one request holds and sends so many",
  async (engine) => {
    await using server = await serveTriggers({ engine, guests: { sender: SENDER } });
    expect(await server.ask("/sender/send?bytes=61440")).toBe("sent 1");
    expect(await server.ask("/sender/send?bytes=61441")).toBe(
      "error: other the message has 61441 bytes with its metadata, and may have 61440",
    );
    expect(await server.ask("/sender/send?bytes=61440&meta=a=b")).toBe(
      "error: other the message has 61442 bytes with its metadata, and may have 61440",
    );
    expect(await server.ask("/sender/send?bytes=5000000")).toMatch(/^error: other the message has 5000000 bytes/);
    expect(await server.ask("/sender/send?data=x&n=1001")).toBe("error: other one request may send 1000 messages");
    while (server.runtime.tasks.size > 0) await new Promise((done) => setTimeout(done, 1));
    const met = server.records.flatMap(({ fields }) => fields?.["limits"] ?? []);
    expect(met).toEqual([{ "request.messages": 1 }]);
    expect((await server.store.counts()).get("orders")).toEqual({ waiting: 1001, leased: 0, dead: 0 });
    expect(await server.ask("/sender/hold?n=256")).toBe("held");
    expect(await server.ask("/sender/hold?n=257")).toContain("guest-trapped");
  },
);

onEachEngine(
  "a message for which a queue has no function waits, and who may send to it is told a name that fits",
  async (engine) => {
    await using server = await serveTriggers({
      engine,
      guests: { sender: { ...SENDER, grants: { ...LOG, queue: { send: ["ordres"] } } }, receiver: receiver() },
    });
    const { message } = await server.until((records) => records.find(({ level }) => level === "warn"));
    expect(message).toBe(
      'sender may send to the queue "ordres", which no function receives; write "orders", which receiver receives',
    );
    expect(await server.ask("/sender/send?queue=ordres&data=late")).toBe("sent 1");
    await server.change("receiver", receiver({ name: "ordres" }));
    await server.until((records) => records.some(({ message }) => message === "ordres: late"));
  },
);

onEachEngine("a message that is handled when the server stops is given back, and not counted", async (engine) => {
  using kv = await testDatabase();
  {
    await using server = await serveTriggers({ engine, kv, guests: { sender: SENDER, receiver: receiver() } });
    await server.ask("/sender/send?data=sleep=60000");
    await server.until((records) => records.some(({ source }) => source === "log:message"));
  }
  await using server = await serveTriggers({ engine, kv, guests: { receiver: receiver() } });
  expect((await server.store.counts()).get("orders")!.dead).toBe(0);
  await server.until((records) => records.some(({ message }) => message === "orders: sleep=60000"));
  const [claim] = await server.kv.list<{ attempts: number }>({ prefix: ["skerry", "queue", "orders", "place"] }).next()
    .then(({ value }) => [value!.value]);
  expect(claim!.attempts).toBe(1);
});

onEachEngine("a function sends as it receives, and the trace goes on", async (engine) => {
  await using server = await serveTriggers({
    engine,
    guests: {
      sender: SENDER,
      receiver: { ...receiver(), grants: { ...LOG, queue: { send: ["mail"] } } },
      mailer: { fixture: "c-queue", queues: [{ name: "mail" }], grants: { ...LOG, queue: { send: [] } } },
    },
  });
  const traceparent = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await server.ask("/sender/send?data=to%20mail", { headers: { traceparent } });
  const { trace, function: name } = await server.until((records) =>
    records.find(({ message }) => message === "mail: passed on")
  );
  expect([trace, name]).toEqual(["1af7651916cd43dd8448eb211c80319c", "mailer"]);
});

onEachEngine(
  "a queue that nobody empties is full some day, and its senders in C and JavaScript are told",
  async (engine) => {
    const grants = { ...LOG, config: {}, queue: { send: ["mail", "other"], maxMessages: 2 } };
    await using server = await serveTriggers({
      engine,
      guests: {
        c: { fixture: "c-queue", routes: [{ path: "/c/*" }], grants: { ...LOG, queue: grants.queue } },
        js: { fixture: "js-queue", routes: [{ path: "/js/*" }], grants },
      },
    });
    const full = 'error: other the queue "mail" is full: 2 of 2 messages';
    expect(await server.ask("/c/send?queue=mail&data=x&n=3")).toBe(full);
    expect(await server.ask("/js/send?queue=mail&data=x")).toBe(full);
    expect(await server.ask("/js/send?queue=other&data=x")).toBe("sent 1");
    expect(await server.store.usage("mail")).toEqual({ bytes: 2, entries: 2 });
    const told = server.records.filter(({ fields }) => fields?.["limit"] === "queue.maxMessages");
    expect(told.map(({ level, function: name }) => [level, name])).toEqual([["warn", "c"], ["warn", "js"]]);
  },
);

onEachEngine(
  "a function that exports no handler for what its manifest has it called for is refused",
  async (engine) => {
    await using server = await serveTriggers({
      engine,
      guests: {
        a: { fixture: "small", queues: [{ name: "a" }] },
        b: { fixture: "small", schedule: [{ name: "b", cron: "@daily", export: "wasi:cli/run#run" }] },
        c: { fixture: "small", queues: [{ name: "c", path: "/" }] },
      },
    });
    const problem = (name: string) => server.runtime.functions.find((entry) => entry.name === name)?.problem?.message;
    expect(problem("a")).toContain(
      'loading a: it receives the queue "a", which calls wasi:messaging/incoming-handler@0.2.0-draft, but it exports ' +
        'wasi:http/incoming-handler@0.2.12. Export that, or give the queue a "path" in function.json, to be called with a POST.',
    );
    expect(problem("b")).toContain(
      'loading b: its schedule "b" calls wasi:cli/run#run, but it exports wasi:http/incoming-handler@0.2.12. Export that, or write a "path" instead.',
    );
    expect(problem("c")).toBe(undefined);
  },
);

onEachEngine("a function in JavaScript sends, and is called, as one in C", async (engine) => {
  const config = { values: { greeting: "Hello" } };
  await using server = await serveTriggers({
    engine,
    guests: {
      js: {
        fixture: "js-queue",
        routes: [{ path: "/js/*" }],
        queues: [{ name: "mail", attempts: 1 }],
        grants: { ...LOG, config, queue: { send: ["orders"] } },
      },
      sender: SENDER,
      receiver: receiver(),
    },
  });
  expect(await server.ask("/js/config?key=greeting")).toBe("Hello");
  expect(await server.ask("/js/config?key=other")).toBe("none");
  expect(await server.ask("/js/log?context=js&message=from%20JavaScript&level=warn")).toBe("done");
  expect(server.records.find(({ source }) => source === "log:js")).toMatchObject({ level: "warn", function: "js" });
  expect(await server.ask("/js/send?queue=orders&data=from%20js&type=text/plain&meta=a=b")).toBe("sent 1");
  await server.until((records) => records.some(({ message }) => message === "orders: from js type text/plain a=b"));
  expect(await server.ask("/js/send?queue=mail&data=x")).toBe(
    'error: permission-denied js was not granted to send to "mail"',
  );
  await server.ask("/sender/send?queue=mail&data=from%20c&type=text/plain&meta=c=d");
  await server.until((records) => records.some(({ message }) => message === "mail: from c type text/plain c=d"));
  await server.ask("/sender/send?queue=mail&data=fail");
  const { message } = await server.until((records) => records.find(({ message }) => message.includes("given up")));
  expect(message).toContain("calling js: the guest answered with the error other: boom");
});
