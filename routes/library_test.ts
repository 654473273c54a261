import { expect } from "@std/expect";
import { Hono } from "hono";
import { withFolder } from "../tests/_folder.ts";
import { component, functions } from "./mod.ts";

const HELLO = new URL("../components/c-hello/hello.wasm", import.meta.url);

Deno.test("component() serves one component on an app of one's own", async () => {
  const app = new Hono().all("/x/*", component(HELLO)).get("/own", (c) => c.text("own"));
  const response = await app.request("/x/y", { headers: { "x-request-id": "abc" } });
  expect([response.status, response.headers.get("x-request-id")]).toEqual([200, "abc"]);
  expect(await response.text()).toBe("Hello from C, at /x/y\n");
  expect(await (await app.request("/own")).text()).toBe("own");
});

Deno.test("component() answers 503 for a file that is no component, and says why in development only", async () => {
  await withFolder(async (directory) => {
    await Deno.writeTextFile(`${directory}/x.wasm`, "hello");
    for (const [dev, detail] of [[true, "component-malformed"], [false, undefined]] as const) {
      const app = new Hono().all("*", component(`${directory}/x.wasm`, { dev }));
      const response = await app.request("/");
      expect(response.status).toBe(503);
      const { error } = await response.json();
      expect(error.code).toBe("function-broken");
      expect(typeof error.detail).toBe(detail === undefined ? "undefined" : "string");
    }
    const missing = new Hono().all("*", component(`${directory}/none.wasm`));
    expect((await missing.request("/")).status).toBe(503);
  });
});

Deno.test("component() checks its options as a manifest is checked", () => {
  expect(() => component(HELLO, { limits: { wallMS: 5 } as Record<string, number> })).toThrow(
    'reading the options of component("components/c-hello/hello.wasm"): limits.wallMS: no such key; write "wallMs".',
  );
  expect(() => component(HELLO, { grants: { htpp: {} } })).toThrow('grants.htpp: no such capability; write "http".');
});

Deno.test("functions() mounts a folder on an app of one's own, and leaves it what is not theirs", async () => {
  await withFolder(async (directory) => {
    await Deno.mkdir(`${directory}/hello`);
    await Deno.copyFile(HELLO, `${directory}/hello/hello.wasm`);
    const manifest = { name: "hello", routes: [{ path: "/hello", methods: ["GET"] }], source: "hello.wasm" };
    await Deno.writeTextFile(`${directory}/hello/function.json`, JSON.stringify(manifest));
    const mounted = await functions(directory, { sink: () => {} });
    const app = new Hono().route("/fn", mounted).get("/own", (c) => c.text("own"));
    expect(await (await app.request("/fn/hello")).text()).toBe("Hello from C, at /fn/hello\n");
    expect((await app.request("/fn/hello", { method: "POST" })).status).toBe(405);
    expect(await (await app.request("/own")).text()).toBe("own");
    expect((await app.request("/hello")).status).toBe(404);
  });
});

Deno.test("functions() says at once that there is no such folder", async () => {
  await expect(functions("./no/such/folder")).rejects.toThrow("no/such/folder: there is no such folder");
});
