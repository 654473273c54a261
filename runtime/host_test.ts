import { expect } from "@std/expect";
import { z } from "zod";
import { type Capability, defineCapability } from "./capability.ts";
import type { HostImports, LoadedComponent } from "./engine/mod.ts";
import { Host } from "./host.ts";

const clock = defineCapability({
  name: "clock",
  ungranted: {},
  interfaces: ["wasi:clocks/wall-clock@0.2.12"],
  grant: z.strictObject({}),
  open: () => undefined,
  link: () => ({ "wasi:clocks/wall-clock@0.2.12": { now: () => 1 } }),
});

function counter(opened: string[]): Capability {
  return defineCapability({
    name: "counter",
    interfaces: ["example:counter/counter@1.2.0"],
    grant: z.strictObject({ start: z.number() }),
    open: () => {
      opened.push("open");
      return { name: "store" };
    },
    link: (context) => ({
      "example:counter/counter@1.2.0": { start: () => [context.grant.start, context.store.name] },
    }),
  });
}

function component(...names: string[]): LoadedComponent & { linkedWith: HostImports[] } {
  const linkedWith: HostImports[] = [];
  return {
    imports: names.map((name) => ({ name, functions: [] })),
    exports: [],
    linkedWith,
    link: (host) => {
      linkedWith.push(host);
      return Promise.resolve({ instantiate: () => Promise.reject(new Error("not in this test")) });
    },
  };
}

const grantee = (grants: Record<string, unknown>) => ({ name: "f", directory: "/f", grants, env: {} });

Deno.test("a function gets the baseline and what it was granted, matched by semver", async () => {
  const opened: string[] = [];
  const host = new Host([clock, counter(opened)]);
  const loaded = component("wasi:clocks/wall-clock@0.2.0", "example:counter/counter@1.0.0");
  const { warnings } = await host.link(loaded, grantee({ counter: { start: 5 } }));
  await host.link(loaded, grantee({ counter: { start: 6 } }));
  expect(warnings).toEqual([]);
  expect(opened).toEqual(["open"]);
  const start = loaded.linkedWith[0]!["example:counter/counter@1.2.0"]!.start as () => unknown;
  expect(start()).toEqual([5, "store"]);
});

Deno.test("an import that was not granted is refused before it is linked, with the line to add", async () => {
  const loaded = component("example:counter/counter@1.0.0");
  await expect(new Host([clock, counter([])]).link(loaded, grantee({}))).rejects.toThrow(
    /example:counter\/counter@1\.0\.0: add "counter": \{\} to "grants"/,
  );
  expect(loaded.linkedWith).toEqual([]);
});

Deno.test("a function that was not granted a capability does not see its interfaces", async () => {
  const loaded = component("wasi:clocks/wall-clock@0.2.0");
  await new Host([clock, counter([])]).link(loaded, grantee({}));
  expect(Object.keys(loaded.linkedWith[0]!)).toEqual(["wasi:clocks/wall-clock@0.2.12"]);
});

Deno.test("an unknown or malformed grant is refused by name, an unused one is a warning", async () => {
  const host = new Host([clock, counter([])]);
  await expect(host.link(component(), grantee({ coutner: {} }))).rejects.toThrow(/no capability "coutner"/);
  await expect(host.link(component(), grantee({ counter: { start: "x" } }))).rejects.toThrow(
    /"counter" of f: .*start/s,
  );
  await expect(host.link(component(), grantee({ counter: { start: 1, strat: 2 } }))).rejects.toThrow(/strat/);
  const { warnings } = await host.link(component(), grantee({ counter: { start: 1 } }));
  expect(warnings).toEqual(['f is granted "counter", but imports nothing of it']);
});

Deno.test("quotas of a grant are lowered to what the operator allows, and others are left alone", async () => {
  const linked: unknown[] = [];
  const kv = defineCapability({
    name: "kv",
    interfaces: ["example:kv/kv@1.0.0"],
    grant: z.strictObject({ maxBytes: z.int().default(2 ** 30), maxKeys: z.int().optional() }),
    open: () => undefined,
    link({ grant, ceilings }) {
      linked.push([grant, ceilings]);
      return {};
    },
  });
  const host = new Host([kv], { grantCeilings: { "kv.maxBytes": 1000, "blob.maxBytes": 5 } });
  const loaded = component("example:kv/kv@1.0.0");
  await host.link(loaded, grantee({ kv: { maxKeys: 2000 } }));
  await host.link(loaded, grantee({ kv: { maxBytes: 999 } }));
  expect(linked).toEqual([
    [{ maxBytes: 1000, maxKeys: 2000 }, { maxBytes: 1000 }],
    [{ maxBytes: 999 }, { maxBytes: 1000 }],
  ]);
});

Deno.test("what a capability could not open is opened again for the next function", async () => {
  let attempts = 0;
  const database = defineCapability({
    name: "database",
    interfaces: ["example:database/database@1.0.0"],
    grant: z.strictObject({}),
    open: () => ++attempts === 1 ? Promise.reject(new Error("not there yet")) : Promise.resolve("here"),
    link: ({ store }) => ({ "example:database/database@1.0.0": { where: () => store } }),
  });
  const host = new Host([database]);
  const loaded = component("example:database/database@1.0.0");
  await expect(host.link(loaded, grantee({ database: {} }))).rejects.toThrow("not there yet");
  await host.link(loaded, grantee({ database: {} }));
  await host.link(loaded, grantee({ database: {} }));
  expect(attempts).toBe(2);
});
