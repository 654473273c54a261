import { expect } from "@std/expect";
import { withTask } from "../context.ts";
import { type HostImports, mayWait } from "../engine/mod.ts";
import { WitError } from "../errors.ts";
import { Task } from "../task.ts";
import { type Member, member, pascal, readWit } from "./_wit.ts";
import { p3 as cli } from "./cli/p3.ts";
import { p3 as clocks } from "./clocks/p3.ts";
import { p3 as files } from "./files/p3.ts";
import { p3 as http } from "./http/p3.ts";
import { p3 as random } from "./random/p3.ts";
import { p3 as sockets } from "./sockets/p3.ts";

const WIT = new URL("../../node_modules/@bytecodealliance/jco/lib/wit/builtin/0.3.0/", import.meta.url);

/** What a guest exports, not the host. */
const EXPORTS = ["wasi:cli/run@0.3.0"];

const hosts: Readonly<Record<string, HostImports>> = {
  cli: cli({}),
  clocks,
  filesystem: files(() => []),
  http: http({ allow: [] }),
  random,
  sockets,
};

for (const [name, host] of Object.entries(hosts)) {
  const interfaces = readWit(await Deno.readTextFile(new URL(`wasi-${name}/package.wit`, WIT)))
    .filter((wanted) => !EXPORTS.includes(wanted.name));

  Deno.test(`wasi:${name} 0.3.0 has all that its WIT has, and no other interface`, () => {
    // Toolchains import interfaces that are types alone, or leave them out.
    const wanted = interfaces.filter((wanted) => wanted.functions.length + wanted.resources.length > 0);
    const names = interfaces.map((wanted) => wanted.name);
    expect(Object.keys(host).filter((offered) => !names.includes(offered))).toEqual([]);
    const missing = wanted.flatMap((wanted) => [
      ...wanted.functions.filter((f) => typeof member(host[wanted.name] ?? {}, f) !== "function"),
      ...wanted.resources.filter((r) =>
        !(Symbol.dispose in ((host[wanted.name]?.[pascal(r)] as Member)?.prototype ?? {}))
      ),
    ]);
    expect(missing).toEqual([]);
  });

  Deno.test(`wasi:${name} 0.3.0 waits where its WIT is async, and nowhere else`, () => {
    const waiting = interfaces.flatMap((wanted) =>
      wanted.functions.filter((f) => mayWait(member(host[wanted.name] ?? {}, f)))
    );
    expect(waiting).toEqual(interfaces.flatMap((wanted) => wanted.asyncs));
  });
}

Deno.test("nothing is preopened, and every socket and name look-up of 0.3 is refused as denied", async () => {
  expect((files(() => [])["wasi:filesystem/preopens@0.3.0"]!.getDirectories as () => unknown[])()).toEqual([]);
  const task = new Task({ function: "test" });
  const types = sockets["wasi:sockets/types@0.3.0"] as Record<string, { create(family: string): unknown }>;
  const resolve = sockets["wasi:sockets/ip-name-lookup@0.3.0"]!.resolveAddresses as (name: string) => Promise<unknown>;
  const attempts = [
    () => types.TcpSocket!.create("ipv4"),
    () => types.UdpSocket!.create("ipv6"),
    () => resolve("example.com"),
  ];
  await withTask(task, async () => {
    for (const attempt of attempts) {
      const thrown = await new Promise((done) => done(attempt())).catch((error) => error);
      expect((thrown as WitError).payload).toEqual({ tag: "access-denied" });
    }
  });
  task.end();
});
