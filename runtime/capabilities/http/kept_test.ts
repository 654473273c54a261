import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { latin1Bytes } from "../../streams/latin1.ts";
import type { HttpRequest } from "../../http/message.ts";
import { Task } from "../../task.ts";
import { ConnectionGate } from "./connection_gate.ts";
import { type SendOptions, sendRequest } from "./send.ts";
import { failure, get, type Peer, post, read, withServer } from "./_send_testing.ts";

const file = (name: string) => Deno.readTextFileSync(new URL(`./testdata/${name}`, import.meta.url));
const [cert, key] = [file("localhost.crt"), file("localhost.key")];
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

type Origin = { scheme: string; authority: string };

/** A server of TLS that answers each request, and counts the requests of each connection. */
async function withTls(
  answer: (at: { connection: number; request: number }, peer: Peer) => string | null,
  body: (origin: Origin, counts: number[], task: Task) => Promise<void>,
): Promise<string[]> {
  const counts: number[] = [];
  const heads: string[] = [];
  await withServer(
    async (peer, connection) => {
      counts[connection] = 0;
      while (true) {
        peer.received = "";
        const head = await peer.until("\r\n\r\n");
        if (!head.includes("\r\n\r\n")) return peer.close();
        heads.push(head);
        const text = answer({ connection, request: counts[connection]!++ }, peer);
        if (text === null) return peer.close();
        await peer.write(head.startsWith("HEAD") ? text.slice(0, text.indexOf("\r\n\r\n") + 4) : text);
      }
    },
    (origin, task) => body({ ...origin, authority: origin.authority.replace("127.0.0.1", "localhost") }, counts, task),
    { cert, key },
  );
  return heads;
}

/** Sends a request, and reads the answer to its end. */
async function ask(origin: Origin, request: Partial<HttpRequest> = {}, options: SendOptions = {}): Promise<string> {
  const { status, body } = await sendRequest(get(origin, request), { caCerts: [cert], ...options });
  return `${status} ${await read(body)}`;
}

Deno.test("a task's requests to one origin go over one connection of TLS, as far as they can be sent again", async () => {
  const heads = await withTls(({ request }) => `${OK.slice(0, -2)}${request}.`, async (origin, counts, task) => {
    expect([await ask(origin), await ask(origin)]).toEqual(["200 0.", "200 1."]);
    expect(await ask(origin, { method: "HEAD" })).toBe("200 ");
    expect(counts).toEqual([3]);
    // An answer without a body is there before its connection is kept.
    await new Promise((resolve) => setTimeout(resolve));
    // One that may have done something is sent once, whatever becomes of its connection.
    const [request, writer] = post(origin, 2);
    writer.sink.write(latin1Bytes("hi"));
    writer.sink.close();
    expect(await read((await sendRequest(request, { caCerts: [cert] })).body)).toBe("0.");
    expect(counts).toEqual([3, 1]);
    expect(await ask(origin, {}, { privateNetworks: true })).toBe("200 0.");
    // Another task has none of its connections.
    const other = new Task({ function: task.function });
    expect(await withTask(other, () => ask(origin))).toBe("200 0.");
    other.end();
    expect(counts).toEqual([3, 1, 1, 1]);
  });
  for (const head of heads) expect(head).not.toMatch(/^connection:/m);
});

Deno.test("a request whose kept connection the server has closed is sent again, over a new one", async () => {
  // The second request is read, and never answered.
  const answer = ({ connection, request }: { connection: number; request: number }) =>
    connection === 0 && request === 1 ? null : OK;
  await withTls(answer, async (origin, counts) => {
    expect([await ask(origin), await ask(origin), await ask(origin)]).toEqual(["200 ok", "200 ok", "200 ok"]);
    expect(counts).toEqual([2, 2]);
  });
});

Deno.test("a request is not sent again when its answer has begun, nor one that had a connection of its own", async () => {
  const answer = ({ connection, request }: { connection: number; request: number }, peer: Peer) => {
    if (connection === 0 && request === 0) return OK;
    if (connection === 0) void peer.write("HTTP/1.1 2").then(() => peer.close());
    return connection === 0 ? "" : null;
  };
  await withTls(answer, async (origin, counts) => {
    expect(await ask(origin)).toBe("200 ok");
    for (const requests of [[2], [2, 1]]) {
      expect(await failure(sendRequest(get(origin), { caCerts: [cert] }))).toEqual({ tag: "connection-terminated" });
      expect(counts).toEqual(requests);
    }
  });
});

for (
  const [what, text] of [
    ["says that it closes", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 2\r\n\r\nok"],
    ["speaks HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"],
    ["sends more than its answer", `${OK}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nspoil`],
  ] as const
) {
  Deno.test(`the connection to a server that ${what} is not kept`, async () => {
    await withTls(() => text, async (origin, counts) => {
      expect([await ask(origin), await ask(origin)]).toEqual(["200 ok", "200 ok"]);
      expect(counts).toEqual([1, 1]);
    });
  });
}

Deno.test("a connection whose response was left unread is not kept", async () => {
  await withTls(() => OK, async (origin, counts) => {
    const { body } = await sendRequest(get(origin), { caCerts: [cert] });
    body!.source.cancel();
    expect(await ask(origin)).toBe("200 ok");
    expect(counts).toEqual([1, 1]);
  });
});

Deno.test("a connection that is kept makes room for who wants one, and ends with its task", async () => {
  const connections = new ConnectionGate({ most: 2, waitMs: 3_600_000 });
  await withTls(() => OK, async (origin, counts, task) => {
    expect(await ask(origin, {}, { connections })).toBe("200 ok");
    expect(connections.open).toBe(1);
    const other = new Task({ function: task.function });
    expect(await withTask(other, () => ask(origin, {}, { connections }))).toBe("200 ok");
    expect([connections.open, connections.waited, counts]).toEqual([1, 0, [1, 1]]);
    expect(await ask(origin, {}, { connections })).toBe("200 ok");
    expect([connections.open, connections.waited, counts]).toEqual([1, 0, [1, 1, 1]]);
    task.end();
    expect(connections.open).toBe(0);
    other.end();
  });
});

Deno.test("a connection is not kept while another request waits for one", async () => {
  const connections = new ConnectionGate({ most: 2, waitMs: 3_600_000 });
  await withTls(() => OK, async (origin, counts, task) => {
    const { body } = await sendRequest(get(origin), { caCerts: [cert], connections });
    const other = new Task({ function: task.function });
    const waits = withTask(other, () => ask(origin, {}, { connections }));
    while (connections.waiting === 0) await new Promise((resolve) => setTimeout(resolve));
    expect(await read(body)).toBe("ok");
    expect([await waits, connections.waiting, counts]).toEqual(["200 ok", 0, [1, 1]]);
    // Its end would have made room as well.
    expect(task.ended).toBe(false);
    other.end();
  });
});

Deno.test("a task keeps few connections", async () => {
  const connections = new ConnectionGate();
  await withTls(() => OK, async (origin) => {
    const asking = Array.from({ length: 10 }, () => ask(origin, {}, { connections }));
    for (const text of await Promise.all(asking)) expect(text).toBe("200 ok");
    while (connections.open > 4) await new Promise((resolve) => setTimeout(resolve));
    expect(connections.open).toBeGreaterThan(0);
  });
});
