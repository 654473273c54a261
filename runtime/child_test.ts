import { expect } from "@std/expect";
import { join } from "node:path";
import { withFolder } from "../tests/_folder.ts";

Deno.test("what runs in a process of its own ends with the process that started it", async () => {
  await withFolder(async (directory) => {
    const child = new URL("./child.ts", import.meta.url).href;
    const waiting = join(directory, "waiting.ts");
    // It says that it is there by a file with its number.
    await Deno.writeTextFile(
      waiting,
      `Deno.writeTextFileSync(${JSON.stringify(join(directory, "draft"))}, String(Deno.pid));
       Deno.renameSync(${JSON.stringify(join(directory, "draft"))}, ${JSON.stringify(join(directory, "pid"))});
       setTimeout(() => {}, 60_000);`,
    );
    const parent = join(directory, "parent.ts");
    await Deno.writeTextFile(
      parent,
      `import { runChild } from ${JSON.stringify(child)};
       const watcher = Deno.watchFs(${JSON.stringify(directory)});
       runChild({ script: ${JSON.stringify(waiting)}, flags: ["-A"] });
       for await (const { paths } of watcher) {
         if (paths.some((path) => /[\\\\/]pid$/.test(path))) break;
       }
       Deno.exit(3);`,
    );
    const { code } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", parent] }).output();
    expect(code).toBe(3);
    const pid = Number(await Deno.readTextFile(join(directory, "pid")));
    // Killed, it is gone as soon as the system has come to it.
    let there = true;
    for (let turn = 0; there && turn < 6000; turn++) {
      await new Promise((done) => setTimeout(done, 10));
      try {
        Deno.kill(pid, "SIGCONT");
        // Where nobody collects it, its number stays.
        const state = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
        if (/\) Z /.test(state)) there = false;
      } catch {
        there = false;
      }
    }
    expect([pid > 0, there]).toEqual([true, false]);
  });
});
