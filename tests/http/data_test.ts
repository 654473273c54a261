/**
 * Whole requests of guests that keep data: sql and blob.
 *
 * @module
 */
import { expect } from "@std/expect";
import { blobOn, MemoryBackend } from "../../runtime/capabilities/blob/mod.ts";
import { SqliteBackend, sqlOn } from "../../runtime/capabilities/sql/mod.ts";
import { onEachEngine, serve, type ServeOptions, type TestServer } from "./_serve.ts";

const ALL = { sql: {}, blob: {} };

/** Serves one guest of each name with these grants, over one folder and one memory. */
async function served(
  engine: ServeOptions["engine"],
  grants: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Promise<TestServer> {
  const folder = await Deno.makeTempDir({ prefix: "skerry-data-" });
  const [databases, objects] = [new SqliteBackend(folder), new MemoryBackend()];
  const server = await serve({
    engine,
    capabilities: [sqlOn(() => databases), blobOn(() => objects)],
    guests: Object.fromEntries(
      Object.entries(grants).map(([name, own]) => [
        name,
        { fixture: name.startsWith("js") ? "js-data" : "c-data", grants: { ...ALL, ...own } },
      ]),
    ),
  });
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      databases.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Asks with a query of these parameters. */
const asker = (server: TestServer) => async (path: string, query: Record<string, string> = {}) =>
  await (await server.request(`${path}?${new URLSearchParams(query)}`.replaceAll("+", "%20"))).text();

onEachEngine("a guest has a database, with values of every type", async (engine) => {
  await using server = await served(engine, { f: {} });
  const ask = asker(server);
  expect(await ask("/f/sql", { sql: "CREATE TABLE t (i, r, t, b, n)" })).toBe("");
  const values = { int: "9007199254740993", minus: "", real: "2", text: "é\u{1f3dd}", blob: "ab", null: "" };
  expect(await ask("/f/sql", { sql: "INSERT INTO t VALUES (?, ?, ?, ?, ?)", ...values, counts: "" })).toBe(
    "rowid 1 changes 1",
  );
  expect(await ask("/f/sql", { sql: "SELECT *, typeof(r) AS type FROM t" })).toBe(
    "i r t b n type | -9007199254740993 real 2 é\u{1f3dd} x6162 null real ",
  );
  expect(await ask("/f/sql", { sql: "SELECT 1 AS a, 2 AS a WHERE :text = 'x'", text: "y" })).toBe("a a ");
  expect(await ask("/f/sql2", { sql: "SELECT 1 UNION SELECT 2" })).toBe("2 rows");
  expect(await ask("/f/sql", { sql: "SELEC" })).toBe('error: io near "SELEC": syntax error');
  expect(await ask("/f/sql2", { sql: "SELEC" })).toBe('error: io near "SELEC": syntax error');
  expect(await ask("/f/sql", { sql: "ATTACH '/etc/passwd' AS p" })).toMatch(/^error: io not authorized: ATTACH/);
  expect(await ask("/f/sql", { sql: "SELECT 1", db: "shop" })).toBe("error: access-denied");
  expect(await ask("/f/sql2", { sql: "SELECT 1", db: "shop" })).toBe("error: access-denied");
  expect(await ask("/f/sql", { sql: "SELECT 1", db: "../f" })).toBe("error: no-such-database");
  expect(await ask("/f/connections", { n: "17" })).toBe("error: io 16 databases are open, and no more may be");
  expect(await ask("/f/connections", { n: "16" })).toBe("done");
});

onEachEngine("what a guest began is rolled back when its isolate ends, however it ends", async (engine) => {
  await using server = await served(engine, { f: {} });
  const ask = asker(server);
  await ask("/f/sql", { sql: "CREATE TABLE t (x)" });
  const insert = { sql: "INSERT INTO t VALUES (?)", int: "1" };
  expect(await ask("/f/transaction", insert)).toBe("done");
  expect(await ask("/f/transaction", { ...insert, trap: "" })).toContain("guest-trapped");
  expect(await ask("/f/sql", { sql: "SELECT count(*) AS n FROM t" })).toBe("n | 0 ");
  expect(await ask("/f/transaction", { ...insert, commit: "" })).toBe("done");
  // Each waits for the others'.
  await Promise.all(Array.from({ length: 20 }, () => ask("/f/transaction", { ...insert, commit: "" })));
  expect(await ask("/f/sql", { sql: "SELECT count(*) AS n FROM t" })).toBe("n | 21 ");
});

onEachEngine("a guest keeps objects, and reads them at once, in part and as a stream", async (engine) => {
  await using server = await served(engine, { f: {} });
  const ask = asker(server);
  expect(await ask("/f/list")).toBe('error:  there is no container "default"');
  expect(await ask("/f/create")).toBe("not there, there");
  expect(await ask("/f/create")).toBe('error:  there is a container "default"');
  expect(await ask("/f/create", { in: "photos" })).toBe('error:  access denied to the container "photos"');
  expect(await ask("/f/about", { name: "a" })).toBe("none");
  expect(await ask("/f/write", { name: "../a é", value: "0123456789" })).toBe("done");
  expect(await ask("/f/about", { name: "../a é" })).toBe("../a é in default, 10 bytes, of these years");
  expect(await ask("/f/read", { name: "../a é" })).toBe("0123456789");
  expect(await ask("/f/read", { name: "../a é", start: "3", end: "5" })).toBe("345");
  expect(await ask("/f/read", { name: "b" })).toBe('error:  there is no object "b" in the container "default"');
  for (const order of [{}, { late: "" }]) {
    expect(await ask("/f/write", { name: "big", value: "01234567890", bytes: "1000000", ...order })).toBe("done");
    expect(await ask("/f/read", { name: "big", stream: "" })).toMatch(/^1000000 of 1000000, last \d$/);
    expect(await ask("/f/read", { name: "big", stream: "", start: "999999" })).toMatch(/^1 of 1, last \d$/);
  }
  expect(await ask("/f/write", { name: "c", value: "x", drop: "" })).toBe("dropped");
  expect(await ask("/f/copy", { name: "big", as: "d" })).toBe("done");
  expect(await ask("/f/move", { name: "../a é", as: "e" })).toBe("done");
  expect((await ask("/f/list", { page: "1" })).trim().split(" ").sort()).toEqual(["big", "d", "e"]);
  expect(await ask("/f/copy", { name: "none", as: "d" })).toMatch(/^error: {2}there is no object "none"/);
  expect(await ask("/f/delete", { name: "d" })).toBe("done");
  expect(await ask("/f/delete", { all: "" })).toBe("done");
  expect(await ask("/f/list")).toBe('error:  there is no container "default"');
});

onEachEngine("a guest is told when its container is full, and its neighbour's is not", async (engine) => {
  const blob = { maxBytes: 4 };
  await using server = await served(engine, { js: { blob }, "js-neighbour": { blob } });
  const ask = asker(server);
  for (const name of ["js", "js-neighbour"]) {
    expect(await ask(`/${name}/create`)).toBe("default");
    expect(await ask(`/${name}/write`, { name: "a", value: "salt" })).toBe("done");
  }
  expect(await ask("/js/write", { name: "b", value: "!" })).toBe(
    'error: the container "default" is full: 4 of 4 bytes',
  );
  expect(await ask("/js/write", { name: "a", value: "rock" })).toBe("done");
  expect([await ask("/js/list"), await ask("/js/read", { name: "a" })]).toEqual(["a,true", "4 rock"]);
});

onEachEngine("guests in C and JavaScript share what they were granted, and nothing else", async (engine) => {
  const grants = {
    sql: { databases: { default: true, shop: "shop" } },
    blob: { containers: { default: true, photos: "photos" } },
  };
  await using server = await served(engine, { c: grants, js: grants });
  const ask = asker(server);
  expect(await ask("/c/sql", { sql: "CREATE TABLE mine (x)" })).toBe("");
  expect(await ask("/js/sql", { sql: "SELECT name FROM sqlite_schema" })).toBe("name |  | 0 0");
  expect(await ask("/c/sql", { sql: "CREATE TABLE ours (x)", db: "shop" })).toBe("");
  expect(await ask("/js/sql", { sql: "INSERT INTO ours VALUES (?) RETURNING x, 1.5, x''", text: "é", db: "shop" }))
    .toBe(
      "x,1.5,x'' | text é,real 1.5,blob  | 1 1",
    );
  expect(await ask("/c/sql", { sql: "SELECT x FROM ours", db: "shop" })).toBe("x | é ");
  expect(await ask("/js/transaction", { sql: "DELETE FROM ours", db: "shop" })).toBe("left open");
  expect(await ask("/c/sql", { sql: "SELECT x FROM ours", db: "shop" })).toBe("x | é ");
  expect(await ask("/js/sql", { sql: "SELECT 1", db: "other" })).toBe("error: access-denied");
  expect(await ask("/js/sql", { sql: "SELEC" })).toBe('error: io near "SELEC": syntax error');

  expect(await ask("/js/create", { in: "photos" })).toBe("photos");
  expect(await ask("/js/write", { in: "photos", name: "p/1", value: "salt" })).toBe("done");
  expect(await ask("/c/read", { in: "photos", name: "p/1" })).toBe("salt");
  expect(await ask("/js/copy", { in: "photos", name: "p/1", to: "photos", as: "p/2" })).toBe("done");
  expect(await ask("/js/read", { in: "photos", name: "p/2" })).toBe("4 salt");
  expect(await ask("/js/list", { in: "photos" })).toBe("p/1,p/2,true");
  expect(await ask("/c/create")).toBe("not there, there");
  expect(await ask("/js/list")).toBe('error: there is no container "default"');
});

onEachEngine("a component of Spin's own SDK runs as it is", async (engine) => {
  const databases = new SqliteBackend(undefined);
  await using server = await serve({
    engine,
    capabilities: [sqlOn(() => databases)],
    guests: { spin: { fixture: "rust-spin", grants: { sql: {} } } },
  });
  expect(await (await server.request("/spin/a")).text()).toBe("1 /spin/a 1.5\n");
  expect(await (await server.request("/spin/b?c")).text()).toBe("1 /spin/a 1.5\n2 /spin/b 1.5\n");
});

onEachEngine("a component of Spin's SDK of WASI 0.3 gets its rows as a stream", async (engine) => {
  const databases = new SqliteBackend(undefined);
  await using server = await serve({
    engine,
    capabilities: [sqlOn(() => databases)],
    guests: { spin: { fixture: "rust-spin-p3", grants: { sql: {} } } },
  });
  const ask = async (path: string) => await (await server.request(path)).text();
  const columns = '["id", "path", "weight"]';
  expect(await ask("/spin/a")).toBe(`rowid 1 changes 1\n${columns}\n1 /spin/a 1.5\n`);
  expect(await ask("/spin/broken")).toBe('Some(Error::Io("near \\"SELEC\\": syntax error"))\n');
  expect(await ask("/spin/b")).toBe(
    `rowid 3 changes 1\n${columns}\n1 /spin/a 1.5\n2 /spin/broken 1.5\n3 /spin/b 1.5\n`,
  );
});

onEachEngine("data that was not granted, or wrongly, is refused with what to write", async (engine) => {
  const refusal = (grants: Record<string, unknown>) =>
    serve({ engine, guests: { f: { fixture: "c-data", grants } } }).then(
      async (server) => {
        await server[Symbol.asyncDispose]();
        return "not refused";
      },
      (error) => error.message as string,
    );
  expect(await refusal({ blob: {} })).toMatch(/spin:sqlite\/sqlite@3\.1\.0: add "sql": \{\} to "grants"/);
  expect(await refusal({ blob: {} })).toMatch(/fermyon:spin\/sqlite@2\.0\.0: add "sql": \{\}/);
  expect(await refusal({ sql: {} })).toMatch(/wasi:blobstore\/container@0\.2\.0-draft: add "blob": \{\} to "grants"/);
  expect(await refusal({ ...ALL, sql: { databases: { default: "No Name" } } })).toMatch(
    /grants\.sql\.databases\.default/,
  );
  expect(await refusal({ ...ALL, sql: { databases: { default: { env: "SKERRY_NOT_SET" } } } })).toMatch(
    /SKERRY_NOT_SET/,
  );
  expect(await refusal({ ...ALL, blob: { containers: { a: "No Name" } } })).toMatch(/grants\.blob\.containers\.a/);
  expect(await refusal({ ...ALL, blob: { container: {} } })).toMatch(/"containers"/);
});
