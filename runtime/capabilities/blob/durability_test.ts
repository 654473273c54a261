import { expect } from "@std/expect";
import { join } from "node:path";
import { blobstore, get, hostOf, inTask, names, withFolder } from "./_testing.ts";
import { openFolder } from "./folder.ts";

/** Runs the writer, kills it once it has acknowledged `count` rounds, and resolves to how many it acknowledged in all. */
async function killAfter(folder: string, count: number): Promise<number> {
  const writer = join(import.meta.dirname!, "_writer.ts");
  const args = ["run", "--quiet", "--no-check", "-A", writer, folder];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
  let said = "";
  let killed = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += chunk;
    // Once: there may be more to read from a process that is gone.
    if (!killed && said.split("\n").length > count) child.kill("SIGKILL");
    killed ||= said.split("\n").length > count;
  }
  expect((await child.status).signal).toBe("SIGKILL");
  // What follows the last newline was not said to its end.
  return said.split("\n").length - 1;
}

Deno.test("a process killed in the middle of writes leaves every acknowledged object whole, and none in part", () =>
  withFolder(async (folder) => {
    for (const count of [1, 10, 25]) {
      const acknowledged = await killAfter(folder, count);
      await inTask(async () => {
        const host = hostOf(await openFolder(folder));
        const container = await blobstore(host).getContainer("default");
        const there = new Set(await names(container));
        for (let i = 1; i <= acknowledged; i++) expect([i, there.has(`object-${i}`)]).toEqual([i, true]);
        for (const name of there) {
          const contents = await get(host, container, name);
          const [first] = contents.split(" ", 1);
          expect([name, contents === `${first} `.repeat(20_000)]).toEqual([name, true]);
          if (name !== "last") expect(name).toBe(`object-${first}`);
        }
        const last = Number((await get(host, container, "last")).split(" ", 1)[0]);
        expect([acknowledged, acknowledged + 1]).toContain(last);
      });
    }
  }));
