/**
 * Whole requests of a guest that uses what it has to be granted: log, config and kv.
 *
 * @module
 */
import { expect } from "@std/expect";
import { kvOn, MemoryBackend } from "../../runtime/capabilities/kv/mod.ts";
import { onEachEngine, serve, type ServeOptions } from "./_serve.ts";

const ALL = { log: {}, config: {}, kv: {} };

/** Serves one guest of each name with these grants, over one memory. */
function served(engine: ServeOptions["engine"], grants: Readonly<Record<string, Readonly<Record<string, unknown>>>>) {
  const backend = new MemoryBackend();
  return serve({
    engine,
    capabilities: [kvOn(() => backend)],
    guests: Object.fromEntries(
      Object.entries(grants).map(([name, own]) => [name, { fixture: "c-caps", grants: { ...ALL, ...own } }]),
    ),
  });
}

onEachEngine("a guest logs with level and context, as much as its grant keeps", async (engine) => {
  await using server = await served(engine, { f: {}, quiet: { log: { level: "error" } } });
  for (const name of ["f", "quiet"]) {
    for (const [level, message] of ["a%20trace", "", "x", "y", "z", "the%20end"].entries()) {
      const path = `/${name}/log?level=${level}&context=db&message=${message}`;
      const response = await server.request(path, { headers: { "x-request-id": `${name}-${level}` } });
      expect(await response.text()).toBe("done");
    }
  }
  const logged = (id: string) =>
    server.recordsOf(id).filter(({ source }) => source === "log:db").map(({ level, message }) => [level, message]);
  expect(logged("f-0")).toEqual([["trace", "a trace"]]);
  expect(logged("f-5")).toEqual([["critical", "the end"]]);
  expect(["quiet-0", "quiet-3", "quiet-4", "quiet-5"].map((id) => logged(id).length)).toEqual([0, 0, 1, 1]);
});

onEachEngine(
  "a guest gets the values of its grant, its neighbour others, and secrets are not logged",
  async (engine) => {
    const name = "SKERRY_TEST_TOKEN";
    Deno.env.set(name, "t0p-s3cr3t");
    await using server = await served(engine, {
      f: { config: { values: { greeting: "Hello", token: { env: name, secret: true } } } },
      neighbour: { config: { values: { greeting: "Bonjour" } } },
    });
    Deno.env.delete(name);
    const ask = async (path: string, id = "c1") =>
      await (await server.request(path, { headers: { "x-request-id": id } })).text();
    expect(await ask("/f/config?key=greeting")).toBe("Hello");
    expect(await ask("/neighbour/config?key=greeting")).toBe("Bonjour");
    expect(await ask("/neighbour/config?key=token")).toBe("none");
    expect(await ask(`/f/config?key=${name}`)).toBe("none");
    expect(await ask("/f/config-all")).toBe("greeting=Hello ");
    expect(await ask("/f/variable?key=greeting")).toBe("Hello");
    expect(await ask("/f/variable?key=nothing")).toBe('error: undefined no variable "nothing"');
    expect(await ask("/f/variable?key=No%20name")).toMatch(/^error: invalid-name/);
    expect(await ask("/f/config?key=token&log=1", "secret")).toBe("t0p-s3cr3t");
    expect(server.recordsOf("secret").filter(({ source }) => source === "log:config")[0]!.message).toBe("[secret]");
    expect(JSON.stringify(server.records)).not.toContain("t0p-s3cr3t");
  },
);

onEachEngine("a guest in TypeScript has the values of its own grant, and logs as one in C does", async (engine) => {
  const grants = (greeting: string) => ({ config: { values: { greeting } }, log: { level: "info" } });
  await using server = await serve({
    engine,
    guests: {
      f: { fixture: "qjs-caps", grants: grants("Hello") },
      neighbour: { fixture: "qjs-caps", grants: grants("Bonjour") },
    },
  });
  const ask = async (path: string) => (await (await server.request(path)).text()).split("\n");
  expect(await ask("/f/?key=greeting")).toEqual(["config Hello", "all greeting=Hello", "variable Hello"]);
  expect(await ask("/neighbour/?key=greeting")).toEqual(["config Bonjour", "all greeting=Bonjour", "variable Bonjour"]);
  expect((await ask("/f/?key=none")).at(-1)).toBe("variable error undefined");
  const logged = server.records.filter(({ source }) => source === "log:qjs");
  expect(logged.map(({ function: name, level, message }) => [name, level, message])).toEqual([
    ["f", "info", "info: Hello"],
    ["neighbour", "info", "info: Bonjour"],
    ["f", "info", "info: none"],
  ]);
});

onEachEngine("a guest in TypeScript gets no socket either", async (engine) => {
  const grants = { config: {}, log: {} };
  await using server = await serve({ engine, guests: { f: { fixture: "qjs-caps", grants } } });
  expect((await (await server.request("/f/sockets")).text()).split("\n")).toEqual([
    "tcp error access-denied",
    "udp error access-denied",
    "lookup error access-denied",
  ]);
});

onEachEngine("a guest keeps what it sets, and its neighbour does not see it", async (engine) => {
  await using server = await served(engine, {
    f: { kv: { stores: { default: true, carts: "shop" } } },
    neighbour: { kv: { stores: { default: true, carts: "shop" } } },
  });
  const ask = async (path: string) => await (await server.request(path)).text();
  expect(await ask("/f/get?key=a")).toBe("none");
  expect(await ask("/f/set?key=a&value=1")).toBe("done");
  expect(await ask("/f/get?key=a")).toBe("1");
  expect(await ask("/neighbour/get?key=a")).toBe("none");
  expect(await ask("/neighbour/keys")).toBe("");
  expect(await ask("/f/set?store=carts&key=c&value=shared")).toBe("done");
  expect(await ask("/neighbour/get?store=carts&key=c")).toBe("shared");
  expect(await ask("/f/get?store=others&key=c")).toBe("error: access-denied");
  expect(await ask("/f/delete?key=a")).toBe("there, not there");
  expect(await ask("/f/delete?key=a")).toBe("not there, not there");
  expect(await ask("/f/set?key=big&bytes=65536")).toBe("done");
  expect(await ask("/f/set?key=big&bytes=65537")).toBe("error: other the value has 65537 bytes, and may have 65536");
  expect(await ask("/f/handles?n=300")).toBe("error: other too many stores and swaps are open");
  // Handles are the task's, so the next request has all of them again.
  expect(await ask("/f/handles?n=200")).toBe("done");
  expect(await ask("/f/keys?cursor=a")).toBe("big ");
});

onEachEngine("a guest counts, swaps, and takes many keys at once", async (engine) => {
  await using server = await served(engine, { f: {} });
  const ask = async (path: string) => await (await server.request(path)).text();
  expect(await ask("/f/add?key=n&delta=5")).toBe("5");
  expect(await ask("/f/add?key=n&delta=7&minus")).toBe("-2");
  await Promise.all(Array.from({ length: 50 }, () => ask("/f/add?key=hits")));
  expect(await ask("/f/get?key=hits")).toBe("50");
  expect(await ask("/f/set?key=word&value=x")).toBe("done");
  expect(await ask("/f/add?key=word")).toBe('error: other the value of "word" is no decimal number');
  expect(await ask("/f/swap?key=s&value=1")).toBe("none done");
  expect(await ask("/f/swap?key=s&value=3&between=2")).toBe("1 failed, 2 done");
  expect(await ask("/f/get?key=s")).toBe("3");
  expect(await ask("/f/many")).toBe("two=2 none=none one=1 ");
  expect(await ask("/f/get?key=two")).toBe("none");
});

onEachEngine(
  "a guest is told when its store is full, in C and JavaScript, and its neighbour's is not",
  async (engine) => {
    const kv = { stores: { default: true, shared: "shop" }, maxBytes: 5 };
    const backend = new MemoryBackend();
    await using server = await serve({
      engine,
      capabilities: [kvOn(() => backend)],
      guests: {
        c: { fixture: "c-caps", grants: { ...ALL, kv } },
        js: { fixture: "js-kv", grants: { kv } },
      },
    });
    const ask = async (path: string, id = "r") =>
      await (await server.request(path, { headers: { "x-request-id": id } })).text();
    const full = 'error: other the store "default" is full: 5 of 5 bytes';
    for (const name of ["c", "js"]) {
      expect(await ask(`/${name}/set?store=default&key=a&value=salt`)).toBe("done");
      expect(await ask(`/${name}/set?store=default&key=b&value=x`, name)).toBe(full);
      expect(await ask(`/${name}/set?store=default&key=a&value=rock`)).toBe("done");
      await server.outcome(name);
      expect(server.recordsOf(name).at(-1)!.fields).toMatchObject({ limits: { "kv.maxBytes": 1 } });
    }
    expect(await ask("/c/set?store=shared&key=a&value=salt")).toBe("done");
    expect(await ask("/js/add?store=shared&key=n&delta=1")).toBe(full.replace("default", "shared"));
  },
);

onEachEngine("Spin's key-value interface has the same stores", async (engine) => {
  await using server = await served(engine, { f: {} });
  const ask = async (path: string) => await (await server.request(path)).text();
  expect(await ask("/f/set?key=a&value=1")).toBe("done");
  expect(await ask("/f/spin?store=default&key=b&value=2")).toBe("2 of a b ");
  expect(await ask("/f/spin?store=default&key=c")).toBe("none of a b ");
  expect(await ask("/f/spin?store=other&key=c")).toBe("error: access-denied");
});

onEachEngine(
  "what was not granted, or wrongly, is refused before the first isolate, with what to write",
  async (engine) => {
    const refusal = (grants: Record<string, unknown>) =>
      serve({ engine, guests: { f: { fixture: "c-caps", grants } } }).then(
        async (server) => {
          await server[Symbol.asyncDispose]();
          return "not refused";
        },
        (error) => error.message as string,
      );
    const { log: _log, ...withoutLog } = ALL;
    expect(await refusal(withoutLog)).toMatch(/wasi:logging\/logging@0\.1\.0-draft: add "log": \{\} to "grants"/);
    const { config: _config, ...withoutConfig } = ALL;
    expect(await refusal(withoutConfig)).toMatch(/wasi:config\/store@0\.2\.0-rc\.1: add "config": \{\}/);
    const { kv: _kv, ...withoutKv } = ALL;
    expect(await refusal(withoutKv)).toMatch(/wasi:keyvalue\/store@0\.2\.0-draft2: add "kv": \{\}/);
    expect(await refusal({})).toMatch(/fermyon:spin\/key-value@2\.0\.0: add "kv": \{\}/);
    expect(await refusal({ ...ALL, log: { level: "verbose" } })).toMatch(/grants\.log\.level/);
    expect(await refusal({ ...ALL, config: { values: { a: { evn: "X" } } } })).toMatch(
      /grants\.config\.values\.a.*"env"/,
    );
    expect(await refusal({ ...ALL, config: { values: { a: { env: "SKERRY_NOT_SET" } } } })).toMatch(/SKERRY_NOT_SET/);
    expect(await refusal({ ...ALL, kv: { stores: { default: "No Name" } } })).toMatch(/grants\.kv\.stores\.default/);
  },
);

onEachEngine("a guest in JavaScript shares a store with one in C", async (engine) => {
  const backend = new MemoryBackend();
  const kv = { stores: { default: true, both: "both" } };
  await using server = await serve({
    engine,
    capabilities: [kvOn(() => backend)],
    guests: { js: { fixture: "js-kv", grants: { kv } }, c: { fixture: "c-caps", grants: { ...ALL, kv } } },
  });
  const ask = async (path: string) => await (await server.request(path)).text();
  expect(await ask("/js/set?key=a&value=%C3%A9")).toBe("done");
  expect(await ask("/js/get?key=a")).toBe("é");
  expect(await ask("/c/get?key=a")).toBe("none");
  expect(await ask("/js/add?store=both&key=n&delta=3")).toBe("3");
  expect(await ask("/c/add?store=both&key=n&delta=5&minus")).toBe("-2");
  expect(await ask("/js/swap?key=s&value=1")).toBe("none done");
  expect(await ask("/js/swap?key=s&value=3&between=2")).toBe("error: cas-failed");
  expect(await ask("/js/many")).toBe("two=2 none=none");
  expect(await ask("/js/keys")).toBe("a one s two");
  expect(await ask("/js/get?store=others")).toBe("error: access-denied");
});
