import { expect } from "@std/expect";
import { z } from "zod";
import { ManifestError, manifestJsonSchema, parseManifest } from "./manifest.ts";
import { httpGrant } from "./capabilities/http/grant.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { problemsOf } from "./manifest/_testing.ts";
import { oneOf } from "./manifest/suggest.ts";

const FILE = "components/hello/function.json";
const HELLO = { name: "hello", routes: [{ path: "/hello" }], source: "hello.wasm" };

function parse(value: unknown) {
  return parseManifest(typeof value === "string" ? value : JSON.stringify(value, null, 2), {
    file: FILE,
    grants: { http: httpGrant },
  });
}

/** The messages for a manifest, without the file's name. */
const problems = (value: unknown) => problemsOf(() => parse(value));

Deno.test("parseManifest() applies every default", () => {
  expect(parse(HELLO)).toEqual({
    name: "hello",
    routes: [{ path: "/hello", methods: null, host: null }],
    source: { kind: "component", path: "hello.wasm" },
    grants: {},
    limits: DEFAULT_LIMITS,
    env: {},
    middleware: [],
    queues: [],
    schedule: [],
  });
});

Deno.test("a function that only others call has no routes, and says so", () => {
  expect(parse({ ...HELLO, routes: [] }).routes).toEqual([]);
});

Deno.test("parseManifest() keeps what is written", () => {
  const manifest = parse({
    $schema: "../function.schema.json",
    name: "shop-2",
    routes: [
      { path: "/shop/:id{[0-9]+}", methods: ["GET", "POST"], host: "shop.example.com" },
      { path: "/shop/*", host: "*.example.com" },
    ],
    source: "src/main.ts",
    backend: "quickjs",
    wit: "wit",
    world: "shop",
    grants: { http: { allow: ["https://api.example.com", "http://localhost:8080"] } },
    limits: { wallMs: 500 },
    env: { GREETING: "Hello", EMPTY: "" },
    middleware: ["auth", "compress"],
  });
  expect(manifest).toEqual({
    name: "shop-2",
    routes: [
      { path: "/shop/:id{[0-9]+}", methods: ["GET", "POST"], host: "shop.example.com" },
      { path: "/shop/*", methods: null, host: "*.example.com" },
    ],
    source: { kind: "script", path: "src/main.ts", backend: "quickjs", wit: "wit", world: "shop" },
    grants: { http: { allow: ["https://api.example.com", "http://localhost:8080"] } },
    limits: { ...DEFAULT_LIMITS, wallMs: 500 },
    env: { GREETING: "Hello", EMPTY: "" },
    middleware: ["auth", "compress"],
    queues: [],
    schedule: [],
  });
});

Deno.test("a message names the file, the line, the key, and what to write instead", () => {
  const text = '{\n  "name": "hello",\n  "routes": [{ "path": "/hello" }],\n  "source": "hello.wasm",\n' +
    '  "limits": { "wallMS": 5 }\n}';
  let message = "";
  try {
    parse(text);
  } catch (error) {
    message = (error as ManifestError).message;
    expect((error as ManifestError).code).toBe("manifest-invalid");
  }
  expect(message).toBe(`reading ${FILE}:5:15: limits.wallMS: no such key; write "wallMs".`);
});

const MISTAKES: [name: string, written: Record<string, unknown>, messages: string[]][] = [
  ["a misspelt key that is needed is one mistake", { name: undefined, nam: "hello" }, [
    'nam: no such key; write "name"',
  ]],
  ["an unknown key like no other", { banana: 1 }, [
    'banana: no such key; write "$schema", "name", "routes", "source", "backend", "wit", "world", "grants", "limits", "env", "middleware", "queues" or "schedule"',
  ]],
  ["a key in the wrong place", { wallMs: 5 }, ['wallMs: no such key here; write it in "limits"']],
  ["__proto__ as a key", JSON.parse('{ "__proto__": {} }'), [
    '__proto__: no such key; write "$schema", "name", "routes", "source", "backend", "wit", "world", "grants", "limits", "env", "middleware", "queues" or "schedule"',
  ]],
  ["no routes", { routes: undefined }, [
    'routes: is missing; write [{"path":"/hello","methods":["GET"]}]',
  ]],
  ["middleware by something else than its name", { middleware: ["Auth"] }, [
    'middleware[0]: "Auth" is not understood; write for example "auth" (The name of a function)',
  ]],
  ["middleware that is no list", { middleware: "auth" }, [
    'middleware: must be an array, is a string; write ["auth"]',
  ]],
  ["middleware that is there twice", { middleware: ["auth", "log", "auth"] }, [
    "middleware[2]: is in the list already; take one of them out",
  ]],
  ["a route that is only a path", { routes: ["/hello"] }, [
    'routes[0]: must be an object, is "/hello"; write {"path":"/hello"}',
  ]],
  ["a name with capitals", { name: "Hello World" }, [
    'name: "Hello World" is not understood; write for example "hello" ' +
    "(The function's name: lower-case letters, digits and dashes, a letter first, at most 63)",
  ]],
  ["a limit that is too big", { limits: { wallMs: 1e9 } }, [
    "limits.wallMs: 1000000000 is too big; write at most 3600000",
  ]],
  ["a limit of nothing", { limits: { wallMs: 0 } }, ["limits.wallMs: 0 is too small; write at least 1"]],
  ["half a millisecond", { limits: { wallMs: 1.5 } }, ["limits.wallMs: must be a whole number; write 2"]],
  ["a limit with a unit", { limits: { wallMs: "5s" } }, [
    'limits.wallMs: must be a number, is "5s"; write a number',
  ]],
  ["a limit in quotes", { limits: { wallMs: "5000" } }, ["limits.wallMs: must be a number, is a string; write 5000"]],
  ["no limit at all", { limits: { wallMs: null } }, ["limits.wallMs: must be a number, is null; write a number"]],
  ["a limit that does not exist", { limits: { disk: 5 } }, [
    `limits.disk: no such key; write ${oneOf(Object.keys(DEFAULT_LIMITS))}`,
  ]],
  ["a number in the environment", { env: { PORT: 80 } }, ['env.PORT: must be a string, is 80; write "80"']],
  ["a name that no variable can have", { env: { "A=B": "x" } }, [
    'env["A=B"]: "A=B" is no name of a variable; write letters, digits and "_"',
  ]],
  ["a misspelt capability", { grants: { htpp: {} } }, ['grants.htpp: no such capability; write "http"']],
  ["an unknown capability", { grants: { telepathy: {} } }, ['grants.telepathy: no such capability; write "http"']],
  ["a grant without its parameters", { grants: { http: {} } }, [
    'grants.http.allow: is missing; write ["https://api.example.com"]',
  ]],
  ["a grant that is only yes", { grants: { http: true } }, [
    'grants.http: must be an object, is true; write for example {"allow":["https://api.example.com"]}',
  ]],
  ["yes for what needs no more", { limits: true }, ["limits: must be an object, is true; write {}"]],
  ["a grant that is only what its key needs", { grants: { http: ["https://a.example"] } }, [
    'grants.http: must be an object, is an array; write {"allow":["https://a.example"]}',
  ]],
  ["a grant that is no more than a word", { grants: { http: "all" } }, [
    'grants.http: must be an object, is "all"; write an object',
  ]],
  ["one origin instead of a list", { grants: { http: { allow: "https://a.example" } } }, [
    'grants.http.allow: must be an array, is a string; write ["https://a.example"]',
  ]],
  ["a host instead of an origin", { grants: { http: { allow: ["api.example.com"] } } }, [
    'grants.http.allow[0]: "api.example.com" is no origin; write "https://api.example.com"',
  ]],
  ["a URL instead of an origin", { grants: { http: { allow: ["https://a.example/x?y"] } } }, [
    'grants.http.allow[0]: "https://a.example/x?y" is more than an origin; write "https://a.example"',
  ]],
  ["everything allowed", { grants: { http: { allow: ["*"] } } }, [
    'grants.http.allow[0]: "*" is no http origin; write for example "https://api.example.com"',
  ]],
  ["a wildcard in the middle", { grants: { http: { allow: ["https://a.*.example.com"] } } }, [
    'grants.http.allow[0]: "https://a.*.example.com": a wildcard stands for all names below one, as in "https://*.example.com"; write other origins by themselves',
  ]],
  ["a source outside the folder", { source: "../other/x.wasm" }, [
    'source: "../other/x.wasm" leads out of the function\'s folder; copy the file there and write its name',
  ]],
  ["a source from the network", { source: "https://a.example/x.wasm" }, [
    'source: "https://a.example/x.wasm" must be a path inside the function\'s folder; copy the file there and write its name',
  ]],
  ["a source with backslashes", { source: "src\\x.wasm" }, [
    'source: "src\\\\x.wasm" has backslashes; write "src/x.wasm"',
  ]],
  ["a source in another language", { source: "main.rs" }, [
    'source: "main.rs" is neither a .wasm file nor a .ts or .js source; build a component from it, and write the name of that .wasm',
  ]],
  ["a source in WebAssembly's text", { source: "main.wat" }, [
    'source: "main.wat" is neither a .wasm file nor a .ts or .js source; make a .wasm of it with "wasm-tools parse", and write its name',
  ]],
  ["a source that is none", { source: "main" }, [
    'source: "main" is neither a .wasm file nor a .ts or .js source; write one that is',
  ]],
  ["a backend for a component", { backend: "quickjs" }, [
    'backend: is for a TypeScript or JavaScript source, and "hello.wasm" is built already; take it out',
  ]],
  ["a misspelt backend", { source: "main.ts", backend: "quickJS" }, [
    'backend: "quickJS" is not understood; write "quickjs"',
  ]],
  ["an unknown backend", { source: "main.ts", backend: "bun" }, [
    'backend: "bun" is not understood; write "starlingmonkey" or "quickjs"',
  ]],
  ["a world of no file", { source: "main.ts", world: "app" }, [
    'world: names a world of no file; write "wit" as well',
  ]],
  ["a method in small letters", { routes: [{ path: "/", methods: ["get"] }] }, [
    'routes[0].methods[0]: "get": no such method; write "GET"',
  ]],
  ["a misspelt method", { routes: [{ path: "/", methods: ["GET", "PSOT"] }] }, [
    'routes[0].methods[1]: "PSOT": no such method; write "POST"',
  ]],
  ["no method", { routes: [{ path: "/", methods: [] }] }, [
    'routes[0].methods: must not be empty; write for example ["GET","POST"], or leave it out',
  ]],
  ["one method instead of a list", { routes: [{ path: "/", methods: "GET" }] }, [
    'routes[0].methods: must be an array, is a string; write ["GET"]',
  ]],
  ["a host with a scheme", { routes: [{ path: "/", host: "https://a.example:1/x" }] }, [
    'routes[0].host: "https://a.example:1/x" must be a name without a scheme; write "a.example"',
  ]],
  ["a host with a port", { routes: [{ path: "/", host: "a.example:80" }] }, [
    'routes[0].host: "a.example:80" must be a name without a port; write "a.example"',
  ]],
  ["a host with capitals", { routes: [{ path: "/", host: "A.example" }] }, [
    'routes[0].host: "A.example" write "a.example"',
  ]],
  ["any host, spelt out", { routes: [{ path: "/", host: "*" }] }, [
    'routes[0].host: "*" every host is the default; leave "host" out',
  ]],
  ["a wildcard inside a host", { routes: [{ path: "/", host: "a.*.example" }] }, [
    'routes[0].host: "a.*.example" is no host name; write for example "api.example.com" or "*.example.com"',
  ]],
  ["one route twice under two names", {
    routes: [{ path: "/u/:id", methods: ["GET", "PUT"] }, { path: "/u/:name", methods: ["PUT"] }],
  }, ["routes[1]: takes requests that routes[0] takes already; take one of them out"]],
  ["several mistakes at once", { name: 5, limits: { wallMs: -1 } }, [
    'name: must be a string, is 5; write "5"',
    "limits.wallMs: -1 is too small; write at least 1",
  ]],
];

for (const [name, written, messages] of MISTAKES) {
  Deno.test(`a manifest with ${name} is refused: ${messages[0]}`, () => {
    expect(problems(Object.assign(Object.create(null), HELLO, written))).toEqual(messages);
  });
}

Deno.test("a manifest that is not JSON is refused with the line of the mistake", () => {
  expect(() => parse('{\n  "name": "hello",\n}')).toThrow(`reading ${FILE}:3:1: is not JSON: `);
  expect(() => parse("")).toThrow(`reading ${FILE}:1:1: is not JSON: `);
  expect(problems("[]")).toEqual([": must be an object, is an array; write an object"]);
});

Deno.test("a name that is missing is that of the folder, where the folder's can be one", () => {
  const nameless = (file: string) => () => parseManifest('{ "routes": [], "source": "a.wasm" }', { file, grants: {} });
  expect(nameless("components/greet/function.json")).toThrow('name: is missing; write "greet".');
  expect(nameless("components/Greet me/function.json")).toThrow('name: is missing; write "hello".');
  expect(nameless("function.json")).toThrow('name: is missing; write "hello".');
});

Deno.test("a key that is written twice is refused at its second place", () => {
  const text = '{ "name": "a", "routes": [{ "path": "/" }], "source": "a.wasm",\n "name": "b" }';
  expect(() => parse(text)).toThrow(
    `reading ${FILE}:2:2: name: is written twice in one object; take one of them out.`,
  );
});

Deno.test("a variable that could become a prototype is refused, not passed over", () => {
  const text = JSON.stringify(HELLO).replace(/}$/, ', "env": { "__proto__": "a", "constructor": "b" }}');
  expect(() => parse(text)).toThrow("env.__proto__: cannot be the name of a variable; write another.");
  expect(parse({ ...HELLO, env: { constructor: "b" } }).env).toEqual({ constructor: "b" });
});

Deno.test("a byte order mark is passed over", () => {
  expect(parse("\ufeff" + JSON.stringify(HELLO)).name).toBe("hello");
});

Deno.test("a manifest that cannot be used still says whose routes it is about", () => {
  let caught: unknown;
  try {
    parse({ ...HELLO, limits: { wallMS: 1 } });
  } catch (error) {
    caught = error;
  }
  expect((caught as ManifestError).identity).toEqual({
    name: "hello",
    routes: [{ path: "/hello", methods: null, host: null }],
  });
});

Deno.test("a capability of the user's own is checked with its own schema", () => {
  const grants = { http: httpGrant, greeter: z.strictObject({ greeting: z.string().default("Hello") }) };
  const parseWith = (written: unknown) =>
    parseManifest(JSON.stringify({ ...HELLO, grants: written }), { file: FILE, grants });
  expect(parseWith({ greeter: {} }).grants).toEqual({ greeter: {} });
  expect(() => parseWith({ greeter: { greting: "x" } })).toThrow(
    'grants.greeter.greting: no such key; write "greeting".',
  );
  expect(() => parseWith({ telepathy: {} })).toThrow(
    'grants.telepathy: no such capability; write "http" or "greeter".',
  );
});

Deno.test("the JSON Schema tells an editor every key and refuses unknown ones", () => {
  const schema = manifestJsonSchema({ http: httpGrant }) as {
    properties: Record<string, { description?: string; additionalProperties?: unknown }>;
    required: string[];
    additionalProperties: boolean;
  };
  expect(schema.additionalProperties).toBe(false);
  expect(schema.required).toEqual(["name", "source"]);
  for (const [key, property] of Object.entries(schema.properties)) {
    expect(`${key}: ${property.description ?? ""}`).toMatch(/: .{20}/);
  }
  expect(schema.properties.limits?.additionalProperties).toBe(false);
  expect(schema.properties.grants?.additionalProperties).toEqual({ type: "object" });
});
