import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import type { LogRecord } from "../../log.ts";
import { Task } from "../../task.ts";
import type { HostImports } from "../../engine/mod.ts";
import { config, configHost } from "./mod.ts";
import { type ConfigGrant, configGrant, resolveValues } from "./grant.ts";

const environment = (name: string) => ({ API_TOKEN: "s3cr3t$&", EMPTY: "" })[name];
const VALUES: ConfigGrant["values"] = {
  greeting: "Hello",
  plain: { value: "as it is" },
  token: { env: "API_TOKEN", secret: true },
  empty: { env: "EMPTY", default: "not this" },
  missing: { env: "NOT_SET", default: "instead" },
  "Any key!": "yes",
};

const host = (values = VALUES) => configHost(resolveValues({ values }, { owner: "f", environment }));
const call = <T>(name: string, member: string, ...args: unknown[]) =>
  (host()[name]![member] as (...args: unknown[]) => T)(...args);

function inTask<T>(body: () => T): [T, LogRecord[]] {
  const records: LogRecord[] = [];
  const task = new Task({ function: "f", sink: (record) => records.push(record) });
  const result = withTask(task, body);
  task.end();
  return [result, records];
}

Deno.test("config gives the values of the grant, wherever they come from, and none for what is not there", () => {
  for (const name of ["wasi:config/store@0.2.0-rc.1", "wasi:config/store@0.2.0-draft-2024-09-27"]) {
    const [found] = inTask(() => [...Object.keys(VALUES), "other", "__proto__"].map((key) => call(name, "get", key)));
    expect(found).toEqual(["Hello", "as it is", "s3cr3t$&", "", "instead", "yes", undefined, undefined]);
  }
});

Deno.test("the list of all values leaves secrets out", () => {
  expect(call("wasi:config/store@0.2.0-rc.1", "getAll")).toEqual([
    ["greeting", "Hello"],
    ["plain", "as it is"],
    ["empty", ""],
    ["missing", "instead"],
    ["Any key!", "yes"],
  ]);
});

Deno.test("Spin's variables are the same values, with Spin's errors", async () => {
  const get = (name: string) => inTask(() => call("fermyon:spin/variables@2.0.0", "get", name))[0];
  expect(get("greeting")).toBe("Hello");
  expect(get("Any key!")).toBe("yes");
  const payloads = ["not_there", "Not there", "_x"].map((name) => {
    try {
      return get(name);
    } catch (error) {
      return (error as { payload?: unknown }).payload;
    }
  });
  expect(payloads).toEqual([
    { tag: "undefined", val: 'no variable "not_there"' },
    { tag: "invalid-name", val: '"Not there" is no name of a variable' },
    { tag: "invalid-name", val: '"_x" is no name of a variable' },
  ]);
  const [waiting] = inTask(() => call<Promise<string>>("spin:variables/variables@3.0.0", "get", "greeting"));
  expect(await waiting).toBe("Hello");
});

Deno.test("a secret that a guest was given stands in no record of its task", () => {
  const logs: LogRecord[] = [];
  const task = new Task({ function: "f", sink: (record) => logs.push(record) });
  withTask(task, () => {
    const token = call<string>("wasi:config/store@0.2.0-rc.1", "get", "token");
    task.log("info", `the token is ${token}, ${token}`, token, { stack: `at ${token}`, ms: 1 });
    task.log("info", call<string>("wasi:config/store@0.2.0-rc.1", "get", "greeting"));
  });
  task.end();
  expect(JSON.stringify(logs)).not.toContain("s3cr3t");
  expect(logs[0]).toMatchObject({
    message: "the token is [secret], [secret]",
    fields: { stack: "at [secret]", ms: 1 },
  });
  expect(logs[1]!.message).toBe("Hello");
});

Deno.test("a variable that is not set and has no default is refused by its name, without any value", () => {
  const values = { ...VALUES, key: { env: "NOT_SET" } };
  expect(() => host(values)).toThrow(/config value "key" comes from the environment variable NOT_SET.*Set it/);
  expect(() => host(values)).not.toThrow(/s3cr3t/);
});

Deno.test("a malformed grant of config is refused", () => {
  const good = [{}, { values: {} }, { values: VALUES }];
  const bad = [
    { values: [] },
    { value: {} },
    { values: { a: 5 } },
    { values: { "": "x" } },
    { values: { a: { env: "" } } },
    { values: { a: { evn: "X" } } },
    { values: { a: { env: "X", value: "y" } } },
    { values: { a: { secret: true } } },
    { values: { a: { env: "X", secret: "yes" } } },
  ];
  expect(good.filter((grant) => !configGrant.safeParse(grant).success)).toEqual([]);
  expect(bad.filter((grant) => configGrant.safeParse(grant).success)).toEqual([]);
  expect(configGrant.safeParse({ values: { a: { evn: "X" } } }).error?.issues[0]?.message).toMatch(
    /write a string, \{ "env"/,
  );
});

Deno.test("the capability reads the process's environment when a function is linked", () => {
  const name = `SKERRY_TEST_${crypto.randomUUID().replaceAll("-", "")}`;
  const link = () =>
    config.link({
      function: "f",
      directory: "/",
      env: {},
      grant: { values: { a: { env: name } } },
      store: undefined,
    }) as HostImports;
  expect(link).toThrow(name);
  Deno.env.set(name, "here");
  const linked = link();
  Deno.env.delete(name);
  const [value] = inTask(() => (linked["wasi:config/store@0.2.0-rc.1"]!.get as (key: string) => unknown)("a"));
  expect(value).toBe("here");
});
