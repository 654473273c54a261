import { expect } from "@std/expect";
import { withTask } from "../runtime/context.ts";
import { p3 as cli } from "../runtime/capabilities/cli/p3.ts";
import { p3 as clocks } from "../runtime/capabilities/clocks/p3.ts";
import { p3 as files } from "../runtime/capabilities/files/p3.ts";
import { p3 as random } from "../runtime/capabilities/random/p3.ts";
import { p3 as sockets } from "../runtime/capabilities/sockets/p3.ts";
import { type HostImports, mayWait } from "../runtime/engine/mod.ts";
import { WitError } from "../runtime/errors.ts";
import { Task } from "../runtime/task.ts";

/** The WIT of WASI 0.3.0, as jco has it. */
const wit = new URL("../node_modules/@bytecodealliance/jco/lib/wit/builtin/0.3.0/", import.meta.url);

const host: HostImports = { ...cli({}), ...clocks, ...files, ...random, ...sockets };

interface WitFunction {
  readonly interface: string;
  /** `TcpSocket.create`, `waitFor`. */
  readonly path: string;
  readonly kind: "function" | "method" | "static" | "constructor";
  readonly async: boolean;
}

const camel = (kebab: string) => kebab.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
const className = (kebab: string) => camel(`-${kebab}`);

/** Every function that a package's WIT declares. Enough of a parser for texts that are always formatted alike. */
function functionsOf(text: string): WitFunction[] {
  const found: WitFunction[] = [];
  const packageName = /^package ([^@]+)@([^;]+);/m.exec(text)!;
  let current = "";
  let resource: string | undefined;
  for (const line of text.replaceAll(/\/\/.*$/gm, "").split("\n")) {
    const [, interfaceName] = /^\s*interface ([\w-]+) \{/.exec(line) ?? [];
    if (interfaceName !== undefined) current = `${packageName[1]}/${interfaceName}@${packageName[2]}`;
    const [, resourceName, opens] = /^\s*resource ([\w-]+)\s*([{;])/.exec(line) ?? [];
    if (resourceName !== undefined && opens === "{") resource = resourceName;
    else if (resource !== undefined && /^ {2,4}\}/.test(line)) resource = undefined;
    if (resource !== undefined && /^\s*constructor\(/.test(line)) {
      found.push({ interface: current, path: className(resource), kind: "constructor", async: false });
    }
    const [, name, isStatic, isAsync] = /^\s*%?([\w-]+):\s*(static )?(async )?func\(/.exec(line) ?? [];
    if (name === undefined) continue;
    found.push({
      interface: current,
      path: resource === undefined ? camel(name) : `${className(resource)}.${camel(name)}`,
      kind: resource === undefined ? "function" : isStatic === undefined ? "method" : "static",
      async: isAsync !== undefined,
    });
  }
  return found;
}

function lookUp(host: HostImports, f: WitFunction): unknown {
  const members = host[f.interface] ?? {};
  const [first, second] = f.path.split(".") as [string, string?];
  const outer = members[first] as Record<string, unknown> & { prototype: Record<string, unknown> } | undefined;
  if (second === undefined) return outer;
  return f.kind === "static" ? outer?.[second] : outer?.prototype[second];
}

for (const name of ["cli", "clocks", "filesystem", "random", "sockets"]) {
  Deno.test(`the host has every function of wasi:${name} 0.3.0, async where the WIT is`, async () => {
    const functions = functionsOf(await Deno.readTextFile(new URL(`wasi-${name}/package.wit`, wit)))
      .filter((f) => f.interface !== "wasi:cli/run@0.3.0");
    expect(functions.length).toBeGreaterThan(4);
    for (const f of functions) {
      const found = lookUp(host, f);
      expect([f.interface, f.path, typeof found]).toEqual([f.interface, f.path, "function"]);
      expect([f.interface, f.path, mayWait(found)]).toEqual([f.interface, f.path, f.async]);
    }
  });
}

Deno.test("nothing is preopened, and every socket and name look-up is refused as denied", async () => {
  expect((files["wasi:filesystem/preopens@0.3.0"]!.getDirectories as () => unknown[])()).toEqual([]);
  const task = new Task({ function: "test" });
  const types = sockets["wasi:sockets/types@0.3.0"] as Record<string, { create(family: string): unknown }>;
  const resolve = sockets["wasi:sockets/ip-name-lookup@0.3.0"]!.resolveAddresses as (name: string) => Promise<unknown>;
  await withTask(task, async () => {
    for (
      const attempt of [
        () => types.TcpSocket!.create("ipv4"),
        () => types.UdpSocket!.create("ipv6"),
        () => resolve("example.com"),
      ]
    ) {
      const thrown = await new Promise((done) => done(attempt())).catch((error) => error);
      expect((thrown as WitError).payload).toEqual({ tag: "access-denied" });
    }
  });
  task.end();
});
