import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { linkForTest } from "../../testing.ts";
import { Task } from "../../task.ts";
import { ConnectionGate, NoConnection } from "./connection_gate.ts";
import { httpOver } from "./mod.ts";
import type { outgoingHandler } from "./p2_client.ts";
import { sendRequest } from "./send.ts";
import { answers, failure, get, read, withServer } from "./_send_testing.ts";

const never = new AbortController().signal;

/** What has come of `promise`, without waiting for it. */
async function now<T>(promise: Promise<T>): Promise<T | "waits"> {
  return await Promise.race([promise, new Promise<"waits">((resolve) => setTimeout(() => resolve("waits")))]);
}

Deno.test("one function has at most half of the connections, and the other half is there for the others", async () => {
  const gate = new ConnectionGate({ most: 4 });
  const greedy = [await gate.enter("greedy", never), await gate.enter("greedy", never)];
  const third = gate.enter("greedy", never);
  expect(await now(third)).toBe("waits");
  const quiet = await gate.enter("quiet", never);
  expect([gate.open, gate.waiting, gate.waited]).toEqual([3, 1, 1]);
  greedy[0]!();
  greedy[0]!(); // Given back once, however often it is said.
  expect([await third, gate.open, gate.waiting]).toEqual([expect.any(Function), 3, 0]);
  for (const leave of [greedy[1]!, await third, quiet]) leave();
  expect([gate.open, gate.refused]).toEqual([0, 0]);
});

Deno.test("functions that wait for a connection are served in turn, however many of one wait", async () => {
  const gate = new ConnectionGate({ most: 2 });
  const held = [await gate.enter("a", never), await gate.enter("b", never)];
  const order: string[] = [];
  const enter = async (name: string) => {
    const leave = await gate.enter(name, never);
    order.push(name);
    leave();
  };
  const all = ["a", "a", "b", "c"].map(enter);
  for (const leave of held) leave();
  await Promise.all(all);
  expect(order.toSorted()).toEqual(["a", "a", "b", "c"]);
  expect(order.indexOf("c")).toBeLessThan(order.lastIndexOf("a"));
  expect([gate.open, gate.waiting, gate.waited]).toEqual([0, 0, 4]);
});

Deno.test("a wait for a connection ends: by who asked, after its time, or at once where too many wait already", async () => {
  const gate = new ConnectionGate({ most: 1, waitMs: 1 });
  const leave = await gate.enter("a", never);
  await expect(gate.enter("a", AbortSignal.abort("gone"))).rejects.toBe("gone");
  const abort = new AbortController();
  const aborted = gate.enter("a", abort.signal);
  const tooMany = gate.enter("a", never);
  abort.abort("gone");
  await expect(aborted).rejects.toBe("gone");
  await expect(tooMany).rejects.toBeInstanceOf(NoConnection);
  await expect(gate.enter("a", never)).rejects.toThrow(
    "the function has its 1 connections, half of what the process has (SKERRY_MAX_OUTGOING_CONNECTIONS), " +
      "and none came free within 1 ms",
  );
  await expect(gate.enter("b", never)).rejects.toThrow("the process has its 1 connections");
  expect([gate.open, gate.waiting, gate.refused]).toEqual([1, 0, 3]);
  leave();
  (await gate.enter("b", never))();
  expect(gate.open).toBe(0);
});

Deno.test("requests of all tasks together have as many connections as the process, and wait for their turn", async () => {
  const connections = new ConnectionGate({ most: 4, waitMs: 3_600_000 });
  const both = Promise.withResolvers<void>();
  let open = 0;
  let most = 0;
  await withServer(async (peer) => {
    most = Math.max(most, ++open);
    await peer.until("\r\n\r\n");
    if (open === 2) both.resolve();
    await both.promise;
    open--;
    await peer.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  }, async (origin) => {
    const tasks = Array.from({ length: 5 }, () => new Task({ function: "busy" }));
    const texts = await Promise.all(
      tasks.map((task) =>
        withTask(task, async () => await read((await sendRequest(get(origin), { connections })).body))
      ),
    );
    expect(texts).toEqual(tasks.map(() => "ok"));
    expect([most, connections.waited]).toEqual([2, 3]);
    for (const task of tasks) task.end();
    expect(connections.open).toBe(0);
  });
});

Deno.test("a request that finds no connection of the process gets its error-code, and the operator a warning", () =>
  withServer(answers("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), async (origin, task) => {
    const records: string[] = [];
    const connections = new ConnectionGate({ most: 2, waitMs: 1 });
    const { body } = await sendRequest(get(origin), { connections });
    const logged = new Task({ function: task.function, sink: ({ message }) => records.push(message) });
    const refused = withTask(logged, () => failure(sendRequest(get(origin), { connections })));
    expect(await refused).toEqual({ tag: "connection-limit-reached" });
    expect(records).toEqual([
      "sending a request: the function has its 1 connections, half of what the process has " +
      "(SKERRY_MAX_OUTGOING_CONNECTIONS), and none came free within 1 ms",
    ]);
    expect([...logged.met]).toEqual([["process.connections", 1]]);
    logged.end();
    expect(await read(body)).toBe("ok");
  }));

Deno.test("a guest's own time to connect runs while it waits for a connection of the process", () =>
  withServer(answers("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), async (origin) => {
    const connections = new ConnectionGate({ most: 2, waitMs: 3_600_000 });
    const { body } = await sendRequest(get(origin), { connections });
    expect(await failure(sendRequest(get(origin), { connections, connectTimeoutMs: 1 }))).toEqual({
      tag: "connection-timeout",
    });
    expect([connections.waiting, connections.open]).toEqual([0, 1]);
    expect(await read(body)).toBe("ok");
  }));

Deno.test("a task that ends gives back its connections, and its wait for others", () =>
  withServer(answers("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), async (origin) => {
    const connections = new ConnectionGate({ most: 2, waitMs: 3_600_000 });
    const task = new Task({ function: "gone" });
    await withTask(task, async () => {
      await sendRequest(get(origin), { connections });
      const waits = failure(sendRequest(get(origin), { connections }));
      while (connections.waiting === 0) await new Promise((resolve) => setTimeout(resolve));
      task.end();
      expect(await waits).toEqual({ tag: "connection-terminated" });
    });
    expect([connections.open, connections.waiting]).toEqual([0, 0]);
  }));

Deno.test("a function's requests take the connections of the runtime that linked it", async () => {
  const gate = new ConnectionGate({ most: 2 });
  const seen: number[] = [];
  await withServer(async (peer) => {
    await peer.until("\r\n\r\n");
    seen.push(gate.open);
    await peer.write("HTTP/1.1 204 No Content\r\n\r\n");
  }, async ({ authority }) => {
    const linked = await linkForTest(httpOver(gate), { grant: { allow: [`http://${authority}`] } });
    type Types = Pick<typeof import("./p2_outgoing.ts"), "OutgoingRequest"> & typeof import("./p2_fields.ts");
    const { Fields, OutgoingRequest } = linked.use<Types>("wasi:http/types@0.2.12");
    const { handle } = linked.use<{ handle: ReturnType<typeof outgoingHandler> }>("wasi:http/outgoing-handler@0.2.12");
    await linked.inTask(async () => {
      const request = new OutgoingRequest(new Fields());
      request.setScheme({ tag: "HTTP" });
      request.setAuthority(authority);
      const future = handle(request, undefined);
      await future.subscribe().block();
      expect(future.get()).toMatchObject({ tag: "ok", val: { tag: "ok" } });
    });
  });
  expect([seen, gate.open]).toEqual([[1], 0]);
});
