import { expect } from "@std/expect";
import type { HostInterface } from "../engine/mod.ts";
import { mayWait } from "../engine/mod.ts";
import { camel, type Member, member, pascal, readWit } from "./_wit.ts";
import { p2 as cli } from "./cli/p2.ts";
import { p2 as clocks } from "./clocks/p2.ts";
import { p2 as files } from "./files/p2.ts";
import { p2 as http } from "./http/p2.ts";
import { p2 as io } from "./io/p2.ts";
import { builtinCapabilities } from "./mod.ts";
import { p2 as random } from "./random/p2.ts";
import { p2 as sockets } from "./sockets/p2.ts";

const WIT = new URL("../../node_modules/@bytecodealliance/jco/lib/wit/builtin/0.2.12/", import.meta.url);

/** What a guest exports, not the host. */
const EXPORTS = ["wasi:cli/run@0.2.12", "wasi:http/incoming-handler@0.2.12"];

const hosts = {
  cli: cli({}),
  clocks,
  filesystem: files(() => []),
  http: http({ allow: [] }),
  io,
  random,
  sockets,
};

for (const [name, host] of Object.entries(hosts)) {
  const interfaces = readWit(await Deno.readTextFile(new URL(`wasi-${name}/package.wit`, WIT)))
    .filter((wanted) => !EXPORTS.includes(wanted.name) && wanted.functions.length + wanted.resources.length > 0);

  Deno.test(`wasi:${name} 0.2.12 has all that its WIT has, and no other interface`, () => {
    expect(Object.keys(host).sort()).toEqual(interfaces.map((wanted) => wanted.name).sort());
    const missing = interfaces.flatMap((wanted) => [
      ...wanted.functions.filter((f) => typeof member(host[wanted.name]!, f) !== "function"),
      ...wanted.resources.filter((r) =>
        !(Symbol.dispose in ((host[wanted.name]![pascal(r)] as Member)?.prototype ?? {}))
      ),
    ]);
    expect(missing).toEqual([]);
  });

  Deno.test(`wasi:${name} 0.2.12 waits only where a guest blocks`, () => {
    const waiting = interfaces.flatMap((wanted) =>
      wanted.functions.filter((f) => mayWait(member(host[wanted.name]!, f)))
    );
    const blocking = interfaces.flatMap((wanted) => wanted.functions.filter((f) => /(^poll$|\.block(ing-|$))/.test(f)));
    expect(waiting).toEqual(blocking);
  });
}

Deno.test("no interface is provided by two capabilities, and each capability provides what it names", async () => {
  const names = builtinCapabilities.flatMap((capability) => capability.interfaces);
  expect(new Set(names).size).toBe(names.length);
  expect(builtinCapabilities.map((capability) => capability.name)).toEqual(
    builtinCapabilities.map((capability) => capability.name).sort(),
  );
  for (const capability of builtinCapabilities) {
    if (capability.ungranted === undefined) continue;
    const linked = await capability.link({
      function: "f",
      directory: "/",
      env: {},
      grant: capability.ungranted,
      store: await capability.open(),
    });
    expect(Object.keys(linked).sort()).toEqual([...capability.interfaces].sort());
  }
});

Deno.test("nothing is preopened, and sockets and look-ups are refused", () => {
  const call = (host: HostInterface, name: string) => (host[name] as () => unknown)();
  expect(call(files(() => [])["wasi:filesystem/preopens@0.2.12"]!, "getDirectories")).toEqual([]);
  for (const protocol of ["tcp", "udp"]) {
    const make = () =>
      call(sockets[`wasi:sockets/${protocol}-create-socket@0.2.12`]!, camel(`create-${protocol}-socket`));
    expect(make).toThrow("access-denied");
  }
  expect(() => call(sockets["wasi:sockets/ip-name-lookup@0.2.12"]!, "resolveAddresses")).toThrow(
    "permanent-resolver-failure",
  );
});
