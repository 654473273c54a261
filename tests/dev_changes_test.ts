// What a developer sees who changes things while `deno task dev` runs.
import { expect } from "@std/expect";
import { join } from "node:path";
import { withFolder } from "./_folder.ts";
import { Server, writeFunction } from "./_server.ts";
import { fixturePath } from "./fixtures/mod.ts";

/** A function in TypeScript, built with what builds fastest. */
async function writeSource(folder: string, text: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const manifest = { name: "page", routes: [{ path: "/page" }], source: "main.ts", backend: "quickjs" };
  await Deno.writeTextFile(join(folder, "function.json"), JSON.stringify(manifest));
  await Deno.writeTextFile(join(folder, "main.ts"), text);
}

const answering = (text: string) =>
  `import { Fields, Response } from "wasi:http/types@0.3.0";
export const handler = {
  handle: async () => {
    const headers = Fields.fromList([["x-text", Uint8Array.from("${text}", (letter: string) => letter.charCodeAt(0))]]);
    return Response.new(headers, undefined, Promise.resolve({ tag: "ok", val: undefined }))[0];
  },
};
`;

Deno.test("deno task dev builds a source that changes, says what is wrong with it, and serves the last good version on", async () => {
  await withFolder(async (directory) => {
    const folder = join(directory, "components", "page");
    await writeSource(folder, answering("one"));
    await using server = await Server.start("dev", directory);
    const page = async () => (await fetch(await server.url("/page"))).headers.get("x-text");
    // Whoever asks first waits for the build.
    expect(await page()).toBe("one");
    expect(server.output).toMatch(/building[^]*main\.ts[^]*built/);

    await Deno.writeTextFile(join(folder, "main.ts"), "export default {\n  fetch() { return new Response( }\n};\n");
    await server.saw(/the last good version goes on serving\n.*main\.ts:2:\d+: /);
    expect(await page()).toBe("one");
    expect(server.output).not.toMatch(/\n +at /);

    await Deno.writeTextFile(join(folder, "main.ts"), answering("two"));
    await server.saw(/\[page\] host: replaced/);
    expect(await page()).toBe("two");
  });
});

Deno.test("deno task dev serves a component that is put in another's place", async () => {
  await withFolder(async (directory) => {
    const folder = join(directory, "components", "guest");
    await writeFunction(folder, [{ path: "/*" }], await fixturePath("small"));
    await using server = await Server.start("dev", directory);
    const hello = async () => await (await fetch(await server.url("/hello"))).text();
    expect(await hello()).toBe("hello from a small guest\n");
    await Deno.copyFile(await fixturePath("c-http"), join(folder, "main.wasm"));
    await server.saw(/\[guest\] host: replaced/);
    expect(await hello()).toBe("hello\n");

    // Half a component is what a compiler leaves while it writes.
    await Deno.writeFile(join(folder, "main.wasm"), (await Deno.readFile(await fixturePath("c-http"))).slice(0, 1000));
    await server.saw(/the last good version goes on serving\n.*main\.wasm/);
    expect(await hello()).toBe("hello\n");
  });
});
