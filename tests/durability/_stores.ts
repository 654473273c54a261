/**
 * What each capability that keeps state is asked to do over and over, and what has to be there afterwards, whatever was
 * killed meanwhile.
 *
 * @module
 */
import { expect } from "@std/expect";
import { AwsClient } from "aws4fetch";
import {
  blobstore,
  bucketAt,
  get as readObject,
  hostOf as blobHost,
  names,
  put,
} from "../../runtime/capabilities/blob/_testing.ts";
import { call, hostOf as kvHost, open as openBucket, text } from "../../runtime/capabilities/kv/_testing.ts";
import { DenoKvBackend } from "../../runtime/capabilities/kv/deno_kv.ts";
import { QueueStore, sizeOf } from "../../runtime/capabilities/queue/store.ts";
import { hostOf as sqlHost, open as openSql, rows } from "../../runtime/capabilities/sql/_testing.ts";
import { LibsqlBackend } from "../../runtime/capabilities/sql/libsql.ts";
import { openDatabaseAt } from "../../runtime/database.ts";
import { SECRET, type ServerKind } from "./_server.ts";

/** Who writes: each round has an id that no other has, and says what was acknowledged of what it did. */
export interface Writer {
  round(id: string, say: (what: string) => void): Promise<void>;
}

/** What was said of each step: whether it was acknowledged, or failed, so that nobody knows. */
export type Said = ReadonlyMap<string, readonly string[]>;

/** What is checked, and how much of it there was. */
export interface Found {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly there: number;
}

export interface Store {
  readonly server: ServerKind;
  /** Rounds that a writer has under way at once. */
  readonly lanes: number;
  /** Makes what every writer needs. */
  prepare?(url: string): Promise<void>;
  writer(url: string): Promise<Writer>;
  /** Expects all that was said to be so, and nothing in part or twice. */
  verify(url: string, said: Said): Promise<Found>;
}

/** Which are in neither list, for messages. */
const missing = (wanted: readonly string[], there: { has(id: string): boolean }) =>
  wanted.filter((id) => !there.has(id));

const kv: Store = {
  server: "denokv",
  lanes: 4,
  async writer(url) {
    const host = kvHost(new DenoKvBackend(await openDatabaseAt(url)));
    return {
      async round(id, say) {
        using bucket = openBucket(host);
        await bucket.set(`key-${id}`, new TextEncoder().encode(id));
        say(`set ${id}`);
        await attempt(() => call(host, "atomics#increment", bucket, "count", 1n), `add ${id}`, say);
      },
    };
  },
  async verify(url, said) {
    const database = await openDatabaseAt(url);
    const host = kvHost(new DenoKvBackend(database));
    using bucket = openBucket(host);
    const there = new Set<string>();
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      const page = await bucket.listKeys<string>(cursor);
      for (const key of page.keys) there.add(key);
      ({ cursor } = page);
    }
    const set = said.get("set") ?? [];
    expect(missing(set.map((id) => `key-${id}`), there)).toEqual([]);
    for (const id of set.slice(-50)) expect(text(await bucket.get(`key-${id}`))).toBe(id);
    const count = Number(text(await bucket.get("count")) ?? 0);
    const [added, lost] = [said.get("add")?.length ?? 0, said.get("add?")?.length ?? 0];
    // What was under way when its writer was killed is not said; each key is set before its round is counted.
    const unsaid = [...there].filter((key) => key.startsWith("key-")).length - added - lost;
    expect([count, count >= added]).toEqual([count, true]);
    expect([count, added, lost, unsaid, count <= added + lost + unsaid]).toEqual([count, added, lost, unsaid, true]);
    database.close();
    return { acknowledged: set.length + added, unknown: lost + unsaid, there: there.size };
  },
};

const queue: Store = {
  server: "denokv",
  lanes: 4,
  async writer(url) {
    const store = new QueueStore(await openDatabaseAt(url));
    return {
      async round(id, say) {
        const message = { data: new TextEncoder().encode(id), sender: "f", sentAt: Date.now() };
        await attempt(() => store.send("q", message), `send ${id}`, say);
        const [claim] = await store.claim("q", 1);
        // Every other one is left as it is: who claimed it dies.
        if (claim === undefined || id.endsWith("1")) return;
        const handled = new TextDecoder().decode(claim.message.data);
        say(`doing ${handled}`);
        await attempt(
          async () => {
            if (!await store.done("q", claim)) throw new Error("the claim has run out");
          },
          `done ${handled}`,
          say,
        );
      },
    };
  },
  async verify(url, said) {
    const database = await openDatabaseAt(url);
    // Long after every lease.
    const store = new QueueStore(database, { now: () => Date.now() + 3_600_000 });
    const held = await store.usage("q");
    const left: string[] = [];
    let bytes = 0;
    for (let claims = await store.claim("q", 500); claims.length > 0; claims = await store.claim("q", 500)) {
      for (const { message } of claims) {
        left.push(new TextDecoder().decode(message.data));
        bytes += sizeOf(message);
      }
    }
    const there = new Set(left);
    expect(there.size).toBe(left.length);
    const [sent, done, doing] = [said.get("send") ?? [], said.get("done") ?? [], new Set(said.get("doing"))];
    expect(sent.filter((id) => !there.has(id) && !doing.has(id))).toEqual([]);
    expect(done.filter((id) => there.has(id))).toEqual([]);
    expect(held).toEqual({ bytes, entries: left.length });
    database.close();
    return { acknowledged: sent.length + done.length, unknown: doing.size - done.length, there: left.length };
  },
};

const blob: Store = {
  server: "s3",
  lanes: 3,
  async prepare(url) {
    const client = new AwsClient({ accessKeyId: SECRET, secretAccessKey: SECRET, service: "s3", region: "us-east-1" });
    const made = await client.fetch(`${url}/bucket`, { method: "PUT" });
    await made.body?.cancel();
    expect(made.status).toBe(200);
    await blobstore(blobHost(bucketOf(url))).createContainer("default");
  },
  async writer(url) {
    const host = blobHost(bucketOf(url));
    const container = await patiently(() => blobstore(host).getContainer("default"));
    return {
      async round(id, say) {
        const contents = contentsOf(id);
        await attempt(() => put(host, container, `object-${id}`, contents), `put ${id}`, say);
        // One that replaces another.
        await attempt(() => put(host, container, "last", contents), `last ${id}`, say);
      },
    };
  },
  async verify(url, said) {
    const host = blobHost(bucketOf(url));
    const container = await blobstore(host).getContainer("default");
    const there = new Set(await names(container));
    const put = said.get("put") ?? [];
    expect(missing(put.map((id) => `object-${id}`), there)).toEqual([]);
    for (const name of there) {
      const contents = await readObject(host, container, name);
      const id = contents.slice(0, contents.indexOf(" "));
      expect([name, contents === contentsOf(id)]).toEqual([name, true]);
      if (name !== "last") expect(name).toBe(`object-${id}`);
    }
    return { acknowledged: put.length, unknown: said.get("put?")?.length ?? 0, there: there.size };
  },
};

const bucketOf = (url: string) => bucketAt(url, "bucket", "prefix/", { accessKeyId: SECRET, secretAccessKey: SECRET });

/** Some of them larger than what is sent in one piece. */
function contentsOf(id: string): string {
  return `${id} `.repeat(Math.ceil((id.endsWith("5") ? 9_000_000 : 20_000) / (id.length + 1)));
}

const sql: Store = {
  server: "sqld",
  lanes: 3,
  async prepare(url) {
    const connection = await openSql(sqlHost(new LibsqlBackend(() => url)));
    await rows(connection, "CREATE TABLE entries (id TEXT)");
    await rows(connection, "CREATE TABLE total (n INTEGER)");
    await rows(connection, "INSERT INTO total VALUES (0)");
    connection[Symbol.dispose]();
  },
  writer(url) {
    const host = sqlHost(new LibsqlBackend(() => url));
    return Promise.resolve({
      async round(id, say) {
        await attempt(
          async () => {
            const connection = await openSql(host);
            try {
              await rows(connection, "BEGIN IMMEDIATE");
              await rows(connection, "INSERT INTO entries VALUES (?)", id);
              await rows(connection, "UPDATE total SET n = n + 1");
              await rows(connection, "COMMIT");
            } finally {
              connection[Symbol.dispose]();
            }
          },
          `commit ${id}`,
          say,
        );
      },
    });
  },
  async verify(url, said) {
    const connection = await openSql(sqlHost(new LibsqlBackend(() => url)));
    const ids = (await rows(connection, "SELECT id FROM entries")).map(([id]) => id as string);
    const there = new Set(ids);
    expect(there.size).toBe(ids.length);
    const committed = said.get("commit") ?? [];
    expect(missing(committed, there)).toEqual([]);
    expect(await rows(connection, "SELECT n FROM total")).toEqual([[BigInt(ids.length)]]);
    expect(await rows(connection, "PRAGMA integrity_check")).toEqual([["ok"]]);
    connection[Symbol.dispose]();
    return { acknowledged: committed.length, unknown: ids.length - committed.length, there: ids.length };
  },
};

export const STORES: Readonly<Record<string, Store>> = { kv, queue, blob, sql };

/** Says `what` if it was done, and with a question mark if nobody knows. */
async function attempt(step: () => Promise<unknown>, what: string, say: (what: string) => void): Promise<void> {
  try {
    await step();
  } catch {
    say(what.replace(" ", "? "));
    // A server that is away is not there again at once.
    return await new Promise((done) => setTimeout(done, 10));
  }
  say(what);
}

async function patiently<T>(step: () => Promise<T>): Promise<T> {
  while (true) {
    try {
      return await step();
    } catch {
      await new Promise((done) => setTimeout(done, 10));
    }
  }
}
