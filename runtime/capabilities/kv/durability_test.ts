import { expect } from "@std/expect";
import { join } from "node:path";
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { hostOf, open, text } from "./_testing.ts";
import { DenoKvBackend } from "./deno_kv.ts";

/** Runs the writer on `path`, kills it once it has acknowledged `count` rounds, and resolves to all it acknowledged. */
async function killAfter(path: string, count: number): Promise<number> {
  const writer = join(import.meta.dirname!, "_writer.ts");
  const args = ["run", "--quiet", "--no-check", "--unstable-kv", "-A", writer, path];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
  let said = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += chunk;
    if (said.split("\n").length > count) child.kill("SIGKILL");
  }
  expect((await child.status).signal).toBe("SIGKILL");
  // What follows the last newline was not said to its end.
  return said.split("\n").length - 1;
}

Deno.test("a process killed in the middle of writes loses nothing acknowledged and doubles nothing", async () => {
  const directory = await Deno.makeTempDir({ prefix: "skerry-kv-" });
  await killed(join(directory, "kv.sqlite3"));
  await Deno.remove(directory, { recursive: true });
});

const remote = Deno.env.get("TEST_KV_URL");

Deno.test({
  name: "neither does one killed in the middle of writes to a denokv server",
  // There is one where TEST_KV_URL names it.
  ignore: remote === undefined,
  async fn() {
    using kv = await Deno.openKv(remote);
    for await (const { key } of kv.list({ prefix: ["skerry", "kv"] })) await kv.delete(key);
    await killed(remote!);
  },
});

async function killed(path: string): Promise<void> {
  let counted = 0;
  for (const count of [1, 25, 60]) {
    const acknowledged = await killAfter(path, count);
    const kv = await Deno.openKv(path);
    const task = new Task({ function: "f" });
    await withTask(task, async () => {
      const bucket = open(hostOf(new DenoKvBackend(kv)));
      for (let i = 1; i <= acknowledged; i++) expect([i, text(await bucket.get(`key-${i}`))]).toEqual([i, `${i}`]);
      const sum = Number(text(await bucket.get("count")));
      // The round that the kill came into may have been committed without being acknowledged, once.
      expect([counted + acknowledged, counted + acknowledged + 1]).toContain(sum);
      counted = sum;
    });
    task.end();
    kv.close();
  }
}
