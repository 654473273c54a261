import { expect } from "@std/expect";
import { Hono } from "hono";
import {
  type FunctionEntry,
  type Route,
  type Runtime,
  SkerryError,
  Task,
  toSkerryError,
  withTask,
} from "../runtime/mod.ts";
import { createRoutes, type FailureBody, functionHandler } from "./mod.ts";

const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };

type Answer = (request: Request) => Response | Promise<Response>;

/** A runtime whose functions are plain handlers. */
class FakeRuntime implements Runtime {
  readonly dev: boolean;
  readonly functions: FunctionEntry[] = [];
  readonly #answers = new Map<FunctionEntry, Answer>();
  readonly tasks = new Set<Task>();
  version = 0;
  stopping = false;

  constructor(options: { dev?: boolean } = {}) {
    this.dev = options.dev ?? false;
  }

  add(name: string, route: Partial<Route> & { path: string }, answer: Answer = () => new Response(name)): this {
    const entry = {
      name,
      file: `components/${name}/function.json`,
      routes: [{ methods: null, host: null, ...route }],
      queues: [],
      schedule: [],
      problem: null,
      served: null,
      ready: () => Promise.reject(new Error("not asked for")),
    };
    this.functions.push(entry);
    this.#answers.set(entry, answer);
    this.version++;
    return this;
  }

  async dispatch(...[entry, request, failed]: Parameters<Runtime["dispatch"]>): Promise<Response> {
    const task = new Task({ function: entry.name, requestId: request.headers.get("x-request-id"), record: true });
    try {
      return await withTask(task, () => this.#answers.get(entry)!(request));
    } catch (thrown) {
      return failed({ error: toSkerryError(thrown), task, request });
    } finally {
      task.end();
    }
  }

  stop(): Promise<number> {
    return Promise.resolve(0);
  }
}

async function failure(response: Response): Promise<FailureBody["error"]> {
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  return (await response.json() as FailureBody).error;
}

/** A trap with a stack as V8 writes it. */
function trap(message = "unreachable"): SkerryError {
  const cause = new WebAssembly.RuntimeError(message);
  cause.stack = `RuntimeError: ${message}\n    at _ZN5hello4main17h0123456789abcdefE ` +
    `(wasm://wasm/my.mod-0c8c66d2:wasm-function[0]:0x28)\n    at ${message} (wasm://wasm/0c8c66d2:wasm-function[1]:0x29)` +
    "\n    at Dispatcher.dispatch (file:///srv/secret/dispatcher.ts:1:2)";
  return new SkerryError("guest-trapped", `serving hello: ${message} in /srv/secret`, { cause });
}

Deno.test("a request gets to the function of its route, as it was sent", async () => {
  const app = createRoutes(
    new FakeRuntime().add(
      "echo",
      { path: "/echo/*", methods: ["PUT"] },
      async (request) => new Response(`${request.method} ${request.url} ${await request.text()}`),
    ),
  );
  const response = await app.request("http://a.example/echo/%C3%A9%2F?x=%20&x", { method: "PUT", body: "body" });
  expect(await response.text()).toBe("PUT http://a.example/echo/%C3%A9%2F?x=%20&x body");
});

Deno.test("a route is matched by the request's host, without its port", async () => {
  const app = createRoutes(
    new FakeRuntime().add("any", { path: "/*" }).add("api", { path: "/*", host: "api.example.com" })
      .add("tenant", { path: "/*", host: "*.example.com" }),
  );
  const from = async (url: string) => await (await app.request(url)).text();
  expect(await from("http://api.example.com:8000/x")).toBe("api");
  expect(await from("http://API.example.com./x")).toBe("api");
  expect(await from("http://shop.example.com/x")).toBe("tenant");
  expect(await from("http://example.com/x")).toBe("any");
});

Deno.test("a path is matched decoded", async () => {
  const app = createRoutes(new FakeRuntime().add("café", { path: "/café au lait" }).add("slash", { path: "/a/:x" }));
  expect(await (await app.request("/caf%C3%A9%20au%20lait")).text()).toBe("café");
  expect(await (await app.request("/a/b%2Fc")).text()).toBe("slash");
  expect((await app.request("/a/b/c")).status).toBe(404);
});

Deno.test("an unknown path is 404 with a code and the request's id", async () => {
  const app = createRoutes(new FakeRuntime().add("a", { path: "/a" }));
  const response = await app.request("/nowhere", { headers: { "x-request-id": "abc-123" } });
  expect(response.status).toBe(404);
  expect(response.headers.get("x-request-id")).toBe("abc-123");
  expect(await failure(response)).toEqual({
    code: "route-not-found",
    message: "No function serves this path.",
    requestId: "abc-123",
  });
});

Deno.test("who develops is told the paths that there are, as many as one reads, and nobody else", async () => {
  const runtime = (dev: boolean) =>
    new FakeRuntime({ dev }).add("a", { path: "/a", methods: ["GET"] }).add("b", { path: "/b/*" });
  const ask = async (app: FakeRuntime) => (await failure(await createRoutes(app).request("http://x/nowhere"))).detail;
  expect(await ask(runtime(true))).toBe("routing http://x/nowhere: no function has this path; there is GET /a, /b/*");
  expect(await ask(runtime(false))).toBe(undefined);
  expect(await ask(new FakeRuntime({ dev: true }))).toBe("routing http://x/nowhere: no function has this path");
  const many = new FakeRuntime({ dev: true });
  for (let n = 0; n < 30; n++) many.add(`f${n}`, { path: `/f${n}` });
  expect(await ask(many)).toMatch(/\/f19 and more$/);
  const broken = new FakeRuntime({ dev: true }).add("a", { path: "/a" }).add("b", { path: "/b" });
  const problem = new SkerryError("manifest-invalid", "reading b");
  broken.functions[1] = { ...broken.functions[1]!, routes: [], problem };
  expect(await ask(broken)).toMatch(/; there is \/a; broken, as the log says: components\/b\/function\.json$/);
});

Deno.test("a malformed request id is replaced by a new one", async () => {
  const response = await createRoutes(new FakeRuntime()).request("/", { headers: { "x-request-id": "<script>" } });
  const id = response.headers.get("x-request-id");
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect((await failure(response)).requestId).toBe(id);
});

Deno.test("a known path with another method is 405 with Allow", async () => {
  const app = createRoutes(
    new FakeRuntime().add("a", { path: "/a", methods: ["GET"] }).add("b", { path: "/a", methods: ["POST"] }),
  );
  const response = await app.request("/a", { method: "DELETE" });
  expect(response.status).toBe(405);
  expect(response.headers.get("allow")).toBe("GET, HEAD, POST");
  expect((await failure(response)).code).toBe("method-not-allowed");
});

Deno.test("HEAD is answered by a GET route, and the guest sees HEAD", async () => {
  const app = createRoutes(
    new FakeRuntime().add(
      "a",
      { path: "/a", methods: ["GET"] },
      ({ method }) => new Response(null, { headers: { "x-method": method } }),
    ),
  );
  const response = await app.request("/a", { method: "HEAD" });
  expect(response.headers.get("x-method")).toBe("HEAD");
  expect((await app.request("/b", { method: "HEAD" })).status).toBe(404);
});

Deno.test("OPTIONS is the function's own if it lists it, and 405 otherwise", async () => {
  const app = createRoutes(
    new FakeRuntime().add("cors", { path: "/cors", methods: ["GET", "OPTIONS"] }).add("get", {
      path: "/get",
      methods: ["GET"],
    }),
  );
  expect(await (await app.request("/cors", { method: "OPTIONS" })).text()).toBe("cors");
  const refused = await app.request("/get", { method: "OPTIONS" });
  expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

Deno.test("a function that is added serves from the next request on, and one that is gone does not", async () => {
  const runtime = new FakeRuntime().add("a", { path: "/a" });
  const app = createRoutes(runtime);
  expect((await app.request("/b")).status).toBe(404);
  runtime.add("b", { path: "/b" });
  expect(await (await app.request("/b")).text()).toBe("b");
  runtime.functions.shift();
  runtime.version++;
  expect((await app.request("/a")).status).toBe(404);
});

/** A request as `Deno.serve` makes it, which copies the `Host` header into the URL as it is. */
function requestWithHost(host: string, headers: Record<string, string> = {}): Request {
  return Object.defineProperty(new Request("http://x/", { headers }), "url", { value: `http://${host}/` });
}

Deno.test("a request whose Host is no host name is 400, as JSON and as a page", async () => {
  for (const dev of [true, false]) {
    const app = createRoutes(new FakeRuntime({ dev }).add("a", { path: "/*" }));
    for (const host of ["", "a b", "[::1", "a:port", "a:99999", "1.2.3.999", "<b>x"]) {
      const response = await app.fetch(requestWithHost(host));
      expect([host, response.status, (await failure(response)).code]).toEqual([host, 400, "request-malformed"]);
      const page = await app.fetch(requestWithHost(host, BROWSER));
      expect([page.status, (await page.text()).includes("<b>x")]).toEqual([400, false]);
    }
    for (const host of ["a", "a.example:8000", "[::1]:8000", "127.0.0.1", "a_b", "xn--bcher-kva.example"]) {
      expect([host, (await app.fetch(requestWithHost(host))).status]).toEqual([host, 200]);
    }
  }
});

Deno.test("a Host that reaches into the path is 400, so that it cannot choose another function", async () => {
  const app = createRoutes(new FakeRuntime().add("a", { path: "/*" }));
  for (const host of ["x/secret", "x?y", "x#y", "x\\y", "user:password@x"]) {
    const response = await app.fetch(
      Object.defineProperty(new Request("http://x/", { headers: { host } }), "url", { value: `http://${host}/a` }),
    );
    expect([host, response.status, (await failure(response)).code]).toEqual([host, 400, "request-malformed"]);
  }
});

Deno.test("in production a failure tells nobody what the operator is told", async () => {
  const app = createRoutes(
    new FakeRuntime().add("hello", { path: "/hello" }, () => Promise.reject(trap())),
  );
  for (const headers of [{}, BROWSER]) {
    const response = await app.request("/hello", { headers: { ...headers, "x-request-id": "abc" } });
    expect(response.status).toBe(500);
    expect(response.headers.get("x-request-id")).toBe("abc");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const body = await response.text();
    expect(body).toContain("guest-trapped");
    expect(body).toContain("The function failed.");
    expect(body).toContain("abc");
    expect(body).not.toMatch(/secret|unreachable|dispatcher|_ZN|hello::main/);
  }
});

Deno.test("what was not foreseen is masked", async () => {
  const app = createRoutes(new FakeRuntime().add("a", { path: "/" }, () => Promise.reject(new TypeError("secret"))));
  const response = await app.request("/");
  expect(response.status).toBe(500);
  expect(await failure(response)).toMatchObject({ code: "internal", message: "Something went wrong in the server." });
});

Deno.test("in development a program gets the message and the guest's stack as well", async () => {
  const app = createRoutes(
    new FakeRuntime({ dev: true }).add("hello", { path: "/" }, () => Promise.reject(trap())),
  );
  expect(await failure(await app.request("/"))).toMatchObject({
    code: "guest-trapped",
    message: "The function failed.",
    detail: "serving hello: unreachable in /srv/secret",
    stack: ["at hello::main (my.mod, offset 0x28)", "at unreachable (wasm, offset 0x29)"],
  });
});

Deno.test("in development a browser gets the stack, the log and the host calls, all of it escaped", async () => {
  const evil = '<script>alert("x")</script>&amp;\'';
  const app = createRoutes(
    new FakeRuntime({ dev: true }).add("hello", { path: "/*" }, async () => {
      const { currentTask } = await import("../runtime/mod.ts");
      currentTask().log("info", `line ${evil}`, `stdout${evil}`);
      currentTask().countCall(`wasi:io/poll#${evil}`);
      throw trap(evil);
    }),
  );
  const response = await app.request(`/${encodeURIComponent(evil)}?q='<b>'`, { headers: BROWSER });
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  const body = await response.text();
  expect(body).toContain("hello::main");
  expect(body).toContain("my.mod, offset 0x28");
  expect(body).toContain("line &lt;script&gt;");
  expect(body).toContain("wasi:io/poll#&lt;script&gt;");
  expect(body).toContain("file:///srv/secret/dispatcher.ts:1:2");
  expect(body).not.toContain("<script");
  expect(body).not.toContain("<b>'");
});

Deno.test("a broken function's page says why it is broken", async () => {
  const cause = new SkerryError("build-failed", "building hello.ts: hello.ts:3:1: unexpected <token>");
  const broken = () => Promise.reject(new SkerryError("function-broken", "serving hello: broken", { cause }));
  const app = createRoutes(new FakeRuntime({ dev: true }).add("hello", { path: "/" }, broken));
  const response = await app.request("/", { headers: BROWSER });
  expect(response.status).toBe(503);
  expect(await response.text()).toContain("hello.ts:3:1: unexpected &lt;token&gt;");
  expect((await failure(await app.request("/"))).detail).toBe(cause.message);
});

Deno.test("in development a browser that asks for nothing known sees the functions that there are", async () => {
  const runtime = new FakeRuntime({ dev: true }).add("hello", { path: "/hello" }).add("user", {
    path: "/users/:id",
    methods: ["GET"],
  });
  const response = await createRoutes(runtime).request("/<b>", { headers: BROWSER });
  expect(response.status).toBe(404);
  const body = await response.text();
  expect(body).toContain('<a href="/hello">/hello</a>');
  expect(body).toContain("GET /users/:id");
  expect(body).not.toContain("<b>");
  const production = createRoutes(new FakeRuntime().add("hello", { path: "/hello" }));
  expect(await (await production.request("/x", { headers: BROWSER })).text()).not.toContain("hello");
});

Deno.test("a page is for whoever asks for one", async () => {
  const app = createRoutes(new FakeRuntime());
  const type = async (accept?: string) => {
    const response = await app.request("/x", accept === undefined ? {} : { headers: { accept } });
    return response.headers.get("content-type")?.split(";")[0];
  };
  expect(await type()).toBe("application/json");
  expect(await type("*/*")).toBe("application/json");
  expect(await type("application/json, text/plain, */*")).toBe("application/json");
  expect(await type("application/json, text/html;q=0.5")).toBe("application/json");
  expect(await type(BROWSER.accept)).toBe("text/html");
  expect(await type("text/html;q=0")).toBe("application/json");
  expect(await type("TEXT/HTML")).toBe("text/html");
});

Deno.test("a failure that passes says when to come back", async () => {
  const overloaded = () => Promise.reject(new SkerryError("overloaded", "serving a: the queue is full"));
  const response = await createRoutes(new FakeRuntime().add("a", { path: "/" }, overloaded)).request("/");
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
});

Deno.test("a server that is stopping takes no more requests, and its health says so", async () => {
  const runtime = new FakeRuntime().add("a", { path: "/*" });
  const app = createRoutes(runtime);
  const health = await app.request("/-/health");
  expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
  runtime.stopping = true;
  const stopping = await app.request("/-/health");
  expect([stopping.status, await stopping.json()]).toEqual([503, { status: "stopping" }]);
  expect((await failure(await app.request("/a"))).code).toBe("server-stopping");
});

Deno.test("no function has what is under /-/, whatever it claims", async () => {
  const app = createRoutes(new FakeRuntime().add("a", { path: "/*" }).add("b", { path: "/:x/:y" }));
  for (const path of ["/-/x", "/-/", "/-/health/x"]) {
    expect([path, (await app.request(path)).status]).toEqual([path, 404]);
  }
  expect((await app.request("/-/health", { method: "POST" })).status).toBe(404);
  expect(await (await app.request("/-x")).text()).toBe("a");
});

Deno.test("functions mount on an app of one's own, and leave it what is not theirs", async () => {
  const runtime = new FakeRuntime().add("a", { path: "/a", methods: ["GET"] }).add("root", { path: "/" });
  const functions = new Hono().all("*", functionHandler(runtime, { passOn: true, mounted: true }));
  const app = new Hono().route("/", functions).get("/own", (c) => c.text("own"));
  expect(await (await app.request("/a")).text()).toBe("a");
  expect(await (await app.request("/own")).text()).toBe("own");
  expect((await app.request("/a", { method: "POST" })).status).toBe(405);
  expect(await (await app.request("/none")).text()).toBe("404 Not Found");
  const below = new Hono().route("/fn/:tenant", functions);
  expect(await (await below.request("/fn/x/a")).text()).toBe("a");
  expect(await (await below.request("/fn/x/")).text()).toBe("root");
  expect(await (await below.request("/fn/x")).text()).toBe("root");
  expect((await below.request("/a")).status).toBe(404);
});
