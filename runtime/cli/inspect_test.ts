import { expect } from "@std/expect";
import { withFolder } from "../../tests/_folder.ts";
import { describeComponent, type ExternDescription } from "../component/mod.ts";
import { host } from "./_testing.ts";
import { inspect } from "./inspect.ts";

const HELLO = new URL("../../components/c-hello/hello.wasm", import.meta.url);

function imported(...names: string[]): ExternDescription[] {
  const functions = [{ name: "f", async: false }];
  return names.map((name) => ({ name, sort: "instance", functions, resources: [] }));
}

Deno.test("inspect() says what a component is, and that this host has all it imports", async () => {
  const text = inspect("hello.wasm", describeComponent(await Deno.readFile(HELLO)), host);
  expect(text).toMatch(/^hello\.wasm\n\nsize {10}\d+ KB\n/);
  expect(text).toContain("serves        HTTP, by wasi:http/incoming-handler@0.2.");
  expect(text).toContain("wasi:http/proxy@0.2.");
  expect(text).toMatch(/\n {2}wasi:io\/streams@0\.2\.\d+ +here\n/);
  expect(text).not.toContain("missing");
});

Deno.test("inspect() says for each import whether the host has it, and what must be granted", () => {
  const imports = [
    ...imported(
      "wasi:io/poll@0.2.0",
      "wasi:http/outgoing-handler@0.2.0",
      "example:greeter/greet@1.0.0",
      "other:x/y@1.0.0",
    ),
    { name: "wasi:clocks/types@9.0.0", sort: "instance" as const, functions: [], resources: [] },
  ];
  const producers = { language: { Rust: "", C11: "" }, "processed-by": { rustc: "1.95.0" } };
  const text = inspect("x.wasm", { kind: "component", bytes: 1234, imports, exports: [], producers }, host);
  const lines = text.split("\n").map((line) => line.trim().replace(/ {2,}/g, " | "));
  expect(lines).toContain("size | 1234 bytes");
  expect(lines).toContain("language | Rust, C11");
  expect(lines).toContain("processed-by | rustc 1.95.0");
  expect(lines).toContain("exports nothing");
  expect(lines.find((line) => line.startsWith("wasi:io/poll"))).toMatch(/\| here as 0\.2\.\d+$/);
  expect(lines.find((line) => line.startsWith("wasi:http"))).toContain("refuses all that grants.http does not allow");
  expect(lines).toContain("example:greeter/greet@1.0.0 | here as 1.2.0, needs grants.greeter");
  expect(lines).toContain("other:x/y@1.0.0 | missing");
  expect(lines).toContain("wasi:clocks/types@9.0.0 | types only");
  expect(lines.at(-1)).toBe("This host lacks other:x/y@1.0.0: a capability of your own can add it.");
  expect(lines.find((line) => line.startsWith("serves"))).toContain("no HTTP");
});

/** Runs the command with the permissions that its task has. */
async function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const script = new URL("./inspect.ts", import.meta.url).href;
  const flags = ["run", "--quiet", "--no-prompt", "--allow-read", "--allow-env"];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: [...flags, script, ...args] })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("deno task inspect has one sentence for what is no component", async () => {
  await withFolder(async (directory) => {
    const write = async (name: string, bytes: Uint8Array) => {
      await Deno.writeFile(`${directory}/${name}`, bytes);
      return `${directory}/${name}`;
    };
    const hello = await Deno.readFile(HELLO);
    const cases: [file: string, message: string][] = [
      [`${directory}/none.wasm`, "there is no such file"],
      [directory, "it is a folder without a component"],
      [await write("core.wasm", new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])), "it is a core module"],
      [await write("text.wasm", new TextEncoder().encode("hello")), "decoding"],
      [await write("half.wasm", hello.subarray(0, hello.length >> 1)), "decoding"],
      ["--verbose", "Unknown option '--verbose'. See --help."],
    ];
    for (const [file, message] of cases) {
      const { code, stdout, stderr } = await command(file);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(message);
      expect(stderr.trim().split("\n").length).toBe(1);
    }
    const good = await command(await write("good.wasm", hello));
    expect([good.code, good.stderr]).toEqual([0, ""]);
    expect(good.stdout).toContain("serves        HTTP");
  });
});
