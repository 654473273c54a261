import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { inTask, withFolder } from "../_testing.ts";
import { blobstore, fill, get, hostOf, names, put, types } from "./_testing.ts";
import { openFolder } from "./folder.ts";

Deno.test("a folder keeps what was written, in files that nobody else writes into", () =>
  withFolder((folder) =>
    inTask(async () => {
      const host = hostOf(await openFolder(folder));
      await put(host, await blobstore(host).createContainer("default"), "../a", "kept");
      // A process that was killed leaves a file here, which is deleted a day later.
      await Deno.writeTextFile(`${folder}/tmp/old`, "half");
      await Deno.utime(`${folder}/tmp/old`, 1, 1);
      await Deno.writeTextFile(`${folder}/tmp/new`, "half");
      const again = hostOf(await openFolder(folder));
      const container = await blobstore(again).getContainer("default");
      expect(await get(again, container, "../a")).toBe("kept");
      expect([...Deno.readDirSync(`${folder}/tmp`)].map(({ name }) => name)).toEqual(["new"]);
      expect([...Deno.readDirSync(`${folder}/functions/f/=default`)].map(({ name }) => name).sort()).toEqual([
        ".container",
        "=..~2fa",
      ]);
      expect([...Deno.readDirSync(folder)].map(({ name }) => name).sort()).toEqual(["functions", "tmp"]);
    })
  ));

Deno.test("an unfinished upload leaves no file behind", () =>
  withFolder((folder) =>
    inTask(async () => {
      const host = hostOf(await openFolder(folder));
      const container = await blobstore(host).createContainer("default");
      const { OutgoingValue } = types(host);
      for (const ends of [(value: { [Symbol.dispose](): void }) => value[Symbol.dispose](), undefined]) {
        const task = new Task({ function: "f" });
        await withTask(task, async () => {
          const value = OutgoingValue.newOutgoingValue();
          await container.writeData("a", value);
          await fill(value, new Uint8Array(200_000));
          ends?.(value);
        });
        task.end();
        const left = () => [...Deno.readDirSync(`${folder}/tmp`)].length;
        while (left() > 0) await new Promise((resolve) => setTimeout(resolve, 1));
        expect(await names(container)).toEqual([]);
      }
    })
  ));
