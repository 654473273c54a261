import { expect } from "@std/expect";
import { join } from "node:path";
import { inTask, killAfter, withFolder } from "../_testing.ts";
import { hostOf, open, text } from "./_testing.ts";
import { DenoKvBackend } from "./deno_kv.ts";

const WRITER = new URL("./_writer.ts", import.meta.url);

Deno.test("a process killed in the middle of writes loses nothing acknowledged and doubles nothing", () =>
  withFolder((folder) => killed(join(folder, "kv.sqlite3"))));

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
    const acknowledged = await killAfter(count, WRITER, path);
    const kv = await Deno.openKv(path);
    await inTask(async () => {
      const bucket = open(hostOf(new DenoKvBackend(kv)));
      for (let i = 1; i <= acknowledged; i++) expect([i, text(await bucket.get(`key-${i}`))]).toEqual([i, `${i}`]);
      const sum = Number(text(await bucket.get("count")));
      // The round that the kill came into may have been committed without being acknowledged, once.
      expect([counted + acknowledged, counted + acknowledged + 1]).toContain(sum);
      counted = sum;
    });
    kv.close();
  }
}
