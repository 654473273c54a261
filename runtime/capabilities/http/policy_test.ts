/**
 * What outgoing requests may reach: names, spellings, methods and paths.
 *
 * @module
 */
import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import type { LogRecord } from "../../log.ts";
import { Task } from "../../task.ts";
import { answers, failure, get, type Peer, withServer } from "./_send_testing.ts";
import { Client } from "./client.ts";
import { httpGrant, type HttpRule } from "./grant.ts";

const names = ["api.example.com", "sub.api.example.com"];
const RULE = { origin: "http://api.example.com:9", privateNetworks: true };

/** The error-code of a request to `authority`, when names stand for `addresses`. */
async function outcome(authority: string, options: { allow: (string | HttpRule)[]; addresses?: string[] }) {
  const records: LogRecord[] = [];
  const task = new Task({ function: "test", sink: (record) => records.push(record) });
  const client = new Client({ allow: options.allow }, {
    lookUp: () => Promise.resolve(options.addresses ?? ["127.0.0.1"]),
  });
  const origin = { scheme: "http", authority };
  const payload = await withTask(task, () => failure(client.send(get(origin))));
  task.end();
  return { tag: (payload as { tag?: string }).tag ?? payload, messages: records.map(({ message }) => message) };
}

Deno.test("a name that stands for a private, loopback, link-local, metadata or mapped address is refused", async () => {
  const addresses = [
    "127.0.0.1",
    "::1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.0.192",
    "168.63.129.16",
    "fd00::1",
    "169.254.169.254",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "100.100.100.200",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "255.255.255.255",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b:1::127.0.0.1",
    "2002:7f00:1::",
    "2606:4700::5efe:127.0.0.1",
    "fe80::a9fe:a9fe",
    "fec0::1",
    "ff02::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "not an address",
  ];
  for (const address of addresses) {
    const allow = ["http://*.example.com:9", "http://api.example.com:9"];
    for (const name of names) {
      const { tag, messages } = await outcome(`${name}:9`, { allow, addresses: [address] });
      expect([address, tag]).toEqual([address, "destination-IP-prohibited"]);
      expect(messages).toEqual([expect.stringMatching(/stands for .* To allow it/)]);
    }
  }
});

Deno.test("a private network is reached by a name that was granted it, and metadata only by its address", async () => {
  const to = (address: string, allow: (string | HttpRule)[] = [RULE]) =>
    outcome("api.example.com:9", { allow, addresses: [address] }).then(({ tag }) => tag);
  expect(await to("127.0.0.1")).toBe("connection-refused");
  expect(await to("127.0.0.1", ["http://api.example.com:9"])).toBe("destination-IP-prohibited");
  expect(await to("127.0.0.1", ["http://api.example.com:9", RULE])).toBe("connection-refused");
  expect(await to("127.0.0.1", ["http://api.example.com:9", { ...RULE, methods: ["PUT"] }])).toBe(
    "destination-IP-prohibited",
  );
  expect(await to("127.0.0.1", [{ ...RULE, privateNetworks: false }])).toBe("destination-IP-prohibited");
  for (const address of ["169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:10.0.0.1", "64:ff9b::a00:1"]) {
    expect([address, await to(address)]).toEqual([address, "destination-IP-prohibited"]);
  }
});

Deno.test("localhost is this machine and nothing else, and an address is granted by itself", async () => {
  const allow = ["http://localhost:9", "http://x.localhost:9", "http://127.0.0.1:9", "http://[::1]:9"];
  for (const authority of ["localhost:9", "LOCALHOST:9", "x.localhost:9", "127.0.0.1:9", "127.1:9", "0x7f000001:9"]) {
    expect([authority, (await outcome(authority, { allow })).tag]).toEqual([authority, "connection-refused"]);
  }
  for (const address of ["10.0.0.1", "169.254.169.254", "93.184.216.34"]) {
    const { tag } = await outcome("localhost:9", { allow, addresses: [address] });
    expect([address, tag]).toEqual([address, "destination-IP-prohibited"]);
  }
});

Deno.test("every way to write an address or a name that was not granted is refused", async () => {
  const allow = ["http://api.example.com:9", "http://*.api.example.com:9", "http://93.184.216.34:9"];
  const addresses = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7F.0.0.1",
    "0177.0.0.1",
    "0177.0x0.0.1",
    "0000177.0.0.1",
    "%31%32%37.0.0.1",
    "%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1", // Full-width digits.
    "127%E3%80%820%E3%80%820%E3%80%821", // Ideographic full stops.
    "127%EF%BD%A10%EF%BD%A10%EF%BD%A11", // Half-width ones.
    "127%EF%BC%8E0%EF%BC%8E0%EF%BC%8E1", // Full-width dots.
    "%E2%91%A0%E2%91%A1%E2%91%A6.0.0.1", // Digits in circles.
    "0",
    "0.0.0.0",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "169.254.169.254",
    "2852039166",
    "0xA9FEA9FE",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[::ffff:a9fe:a9fe]",
    "[fd00:ec2::254]",
    "localhost",
    "LocalHost",
    "localhost.",
    "l%6fcalhost",
    "%E2%93%9Bocalhost", // A letter in a circle.
    "local%C2%ADhost", // A soft hyphen, which is no letter at all.
    "local%E2%80%8Bhost", // A space without width.
    "%6C%6F%63%61%6C%68%6F%73%74",
    "localhost%2e",
    "metadata.google.internal",
    "metadata.google.internal.",
    "api.example.com.",
    "api.example.com.evil.example",
    "api.example.com%2eevil.example",
    "api.example.com..",
    "169.254.169.254.nip.io",
    "api-example.com",
    "xn--pi-6kc.example.com", // A Cyrillic letter for the first.
    "%D0%B0pi.example.com",
    "evilapi.example.com",
    ".api.example.com",
  ];
  for (const authority of addresses) {
    const { tag } = await outcome(`${authority}:9`, { allow });
    expect([authority, tag]).toEqual([authority, "HTTP-request-denied"]);
  }
});

Deno.test("a name of another function is never asked of the network, with a dot at its end neither", async () => {
  for (const authority of ["metadata.google.internal", "x.internal", "x.internal.", "X.INTERNAL."]) {
    const allow = [{ origin: `http://${authority.toLowerCase()}`, privateNetworks: true }];
    expect([authority, (await outcome(authority, { allow })).tag]).toEqual([authority, "destination-not-found"]);
  }
});

Deno.test("what hides a host, or is none, is no authority", async () => {
  const allow = ["http://api.example.com", "http://127.0.0.1"];
  const malformed = [
    "api.example.com@127.0.0.1",
    "user:pass@api.example.com",
    "127.0.0.1#@api.example.com",
    "api.example.com/@127.0.0.1",
    "api.example.com\\@127.0.0.1",
    "api.example.com?127.0.0.1",
    "[fe80::1%25eth0]",
    "[fe80::1%eth0]",
    "[::1",
    "1.2.3.4.5",
    "256.256.256.256",
    "0x7f.0.0.0.1",
    "api.example.com:0",
    "api.example.com:65536",
    "api.example.com:-1",
    "api.example.com:+9",
    "api.example.com:9:9",
    "api.example.com:9\t",
    "api.example.com:9\r\nhost: evil",
    "127\u30020\u30020\u30021",
    "api.example.com%00",
    "api.example.com%2f@evil",
    "a b",
    "",
  ];
  for (const authority of malformed) {
    const { tag } = await outcome(authority, { allow });
    expect([authority, tag]).toEqual([authority, "HTTP-request-URI-invalid"]);
  }
});

Deno.test("each address of a name is judged when it is its turn, and each request looks its name up anew", async () => {
  let connections = 0;
  await withServer(async (peer: Peer) => {
    connections++;
    await answers("HTTP/1.1 204 No Content\r\n\r\n")(peer);
  }, async ({ scheme, authority }) => {
    const port = authority.split(":")[1];
    const origin = `http://api.example.com:${port}`;
    const found: string[][] = [];
    const lookUp = () => Promise.resolve(found.shift()!);
    const request = get({ scheme, authority: `api.example.com:${port}` });
    const open = new Client({ allow: [{ origin, privateNetworks: true }] }, { lookUp });
    // The second address is tried when the first does not answer; here it would lead inside.
    found.push(["::1", "127.0.0.1"]);
    expect((await open.send(request)).status).toBe(204);
    found.push(["169.254.169.254", "127.0.0.1"]);
    expect((await open.send(request)).status).toBe(204);
    // The name has come to stand for another address.
    found.push(["169.254.169.254"]);
    expect(await failure(open.send(request))).toEqual({ tag: "destination-IP-prohibited" });
    expect(connections).toBe(2);
    const closed = new Client({ allow: [origin] }, { lookUp });
    found.push(["::ffff:127.0.0.1", "127.0.0.1", "::1"]);
    expect(await failure(closed.send(request))).toEqual({ tag: "destination-IP-prohibited" });
    expect(connections).toBe(2);
    expect(found).toEqual([]);
  });
});

Deno.test("no proxy of the environment is asked: it would connect to whatever it likes", async () => {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]);
  const before = new Map([...names, "NO_PROXY", "no_proxy"].map((name) => [name, Deno.env.get(name)]));
  let asked = 0;
  await withServer((peer) => {
    asked++;
    peer.close();
  }, async (proxy) => {
    await withServer(answers("HTTP/1.1 204 No Content\r\n\r\n"), async (origin) => {
      try {
        for (const [name] of before) Deno.env.delete(name);
        for (const name of names) Deno.env.set(name, `http://${proxy.authority}`);
        const client = new Client({ allow: [`http://${origin.authority}`, "https://127.0.0.1:9"] });
        expect((await client.send(get(origin))).status).toBe(204);
        expect(await failure(client.send(get({ scheme: "https", authority: "127.0.0.1:9" })))).toEqual({
          tag: "connection-refused",
        });
      } finally {
        for (const [name, value] of before) {
          if (value === undefined) Deno.env.delete(name);
          else Deno.env.set(name, value);
        }
      }
    });
    expect(asked).toBe(0);
  });
});

Deno.test("a redirection is not followed: the guest gets it, and its next request is judged by itself", async () => {
  let reached = 0;
  await withServer((peer) => {
    reached++;
    peer.close();
  }, async (elsewhere) => {
    const location = `http://${elsewhere.authority}/`;
    const redirect = `HTTP/1.1 302 Found\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`;
    await withServer(answers(redirect), async (origin) => {
      const client = new Client({ allow: [`http://${origin.authority}`] });
      const { status, fields } = await client.send(get(origin));
      expect([status, new TextDecoder().decode(fields.get("location")[0])]).toEqual([302, location]);
      expect(await failure(client.send(get(elsewhere)))).toEqual({ tag: "HTTP-request-denied" });
    });
    expect(reached).toBe(0);
  });
});

Deno.test("a rule may let through some methods and paths only, and the refusal names the rule to add", () => {
  const records: LogRecord[] = [];
  const task = new Task({ function: "test", sink: (record) => records.push(record) });
  const client = new Client({
    allow: [
      { origin: "https://a.example", methods: ["GET", "HEAD"], path: "/v1/" },
      { origin: "https://*.a.example", path: "/only" },
      { origin: "https://a.example", methods: ["POST"], path: "/v2" },
    ],
  });
  const asks = (method: string, pathWithQuery: string, authority = "a.example") =>
    withTask(task, () => {
      try {
        client.check(get({ scheme: "https", authority }, { method, pathWithQuery }));
        return true;
      } catch {
        return false;
      }
    });
  const allowed: [string, string, string?][] = [
    ["GET", "/v1/"],
    ["HEAD", "/v1/x/y?z=/../"],
    ["POST", "/v2"],
    ["POST", "/v2/"],
    ["POST", "/v2?x"],
    ["GET", "/v1/a..b/.well-known/...?"],
    ["DELETE", "/only/this", "x.a.example"],
  ];
  expect(allowed.filter((asked) => !asks(...asked))).toEqual([]);
  const denied: [string, string, string?][] = [
    ["PUT", "/v1/"],
    ["get", "/v1/"],
    ["GET", "/v1"],
    ["GET", "/v2"],
    ["POST", "/v20"],
    ["GET", "/"],
    ["GET", "*"],
    ["GET", "//v1/"],
    ["GET", "/V1/"],
    ["GET", "/%761/x"],
    ["GET", "/v1/../admin"],
    ["GET", "/v1/./x"],
    ["GET", "/v1/.."],
    ["GET", "/v1/..;/admin"],
    ["GET", "/v1/..?x"],
    ["GET", "/v1/%2e%2e/admin"],
    ["GET", "/v1/.%2E/admin"],
    ["GET", "/v1/%2e%2e%2fadmin"],
    ["GET", "/v1/x%2Fy"],
    ["GET", "/v1/%252e%252e/admin"],
    ["GET", "/v1/%25252fadmin"],
    ["GET", "/v1/..\\admin"],
    ["GET", "/v1/x%5c..%5cadmin"],
    ["GET", "/v1/..%3b/admin"],
    ["GET", "/v1/%c0%ae%c0%ae/admin"],
    ["GET", "/v1/x%00"],
    ["DELETE", "/other", "x.a.example"],
    ["DELETE", "/only", "a.example"],
  ];
  expect(denied.filter((asked) => asks(...asked))).toEqual([]);
  task.end();
  expect(records[0]!.message).toBe(
    "test may not send PUT https://a.example/v1/. To allow it, add to its function.json: " +
      '"grants": { "http": { "allow": [{"origin":"https://a.example","methods":["PUT"],"path":"/v1/"}] } }',
  );
});

Deno.test("a malformed rule is refused with the key and what to write", () => {
  const origin = "https://a.example";
  const problem = (entry: unknown) => httpGrant.safeParse({ allow: [entry] }).error?.issues[0]?.message;
  const problems: [unknown, RegExp][] = [
    [{}, /origin: .*write/],
    [5, /neither a string nor an object.*write/],
    [{ origin: "a.example" }, /"a.example" is no origin; write "https:\/\/a.example"/],
    [{ origin, methods: [] }, /Too small/],
    [{ origin, methods: ["get"] }, /write "GET"/],
    [{ origin, methods: ["CONNECT"] }, /no method/],
    [{ origin, methods: ["A B"] }, /no method/],
    [{ origin, path: "v1" }, /write "\/v1"/],
    [{ origin, path: "/v1/*" }, /write "\/v1\/"/],
    [{ origin, path: "/v1?x" }, /more than a path/],
    [{ origin, path: "/v1/../x" }, /dot segments/],
    [{ origin, path: "/v1%2fx" }, /encoded/],
    [{ origin, privateNetworks: "yes" }, /privateNetworks: /],
    [{ origin, privateNetwork: true }, /privateNetwork"/],
  ];
  for (const [entry, message] of problems) expect(problem(entry)).toMatch(message);
  expect(problem({ origin, methods: ["GET", "PROPFIND"], path: "/", privateNetworks: true })).toBe(undefined);
});
