import { expect } from "@std/expect";
import { inTask, killAfter, withFolder } from "../_testing.ts";
import { blobstore, get, hostOf, names } from "./_testing.ts";
import { openFolder } from "./folder.ts";

const WRITER = new URL("./_writer.ts", import.meta.url);

Deno.test("a process killed in the middle of writes leaves every acknowledged object whole, and none in part", () =>
  withFolder(async (folder) => {
    for (const count of [1, 10, 25]) {
      const acknowledged = await killAfter(count, WRITER, folder);
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
