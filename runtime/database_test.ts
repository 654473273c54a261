import { expect } from "@std/expect";
import { join } from "node:path";
import { patient } from "./database.ts";

Deno.test("several connections to one file wait for each other, and nothing is lost or done twice", async () => {
  const directory = await Deno.makeTempDir({ prefix: "skerry-database-" });
  const path = join(directory, "kv.sqlite3");
  const open = () => Deno.openKv(path).then(patient);
  const connections = [await open(), await open(), await open(), await open()];
  await Promise.all(connections.map(async (kv, which) => {
    for (let i = 0; i < 50; i++) {
      await kv.set(["each", which, i], i);
      while (true) {
        const entry = await kv.get<number>(["sum"]);
        const { ok } = await kv.atomic().check(entry).set(["sum"], (entry.value ?? 0) + 1).commit();
        if (ok) break;
      }
      const seen = await Array.fromAsync(kv.list({ prefix: ["each", which] }, { batchSize: 7 }), ({ value }) => value);
      expect(seen).toEqual(Array.from({ length: i + 1 }, (_, n) => n));
      if (i % 10 === 0) await kv.delete(["nothing"]);
    }
  }));
  expect((await connections[0]!.get(["sum"])).value).toBe(200);
  for (const kv of connections) kv.close();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a patient list keeps its limit, its cursor and its order", async () => {
  using kv = patient(await Deno.openKv(":memory:"));
  for (let i = 0; i < 10; i++) await kv.set(["k", i], i);
  const keys = (options?: Deno.KvListOptions) =>
    Array.fromAsync(kv.list({ prefix: ["k"] }, options), ({ key }) => key[1]);
  expect(await keys()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(await keys({ limit: 3 })).toEqual([0, 1, 2]);
  expect(await keys({ limit: 3, reverse: true, batchSize: 2 })).toEqual([9, 8, 7]);
});

Deno.test("an error that is none of locking is told at once", async () => {
  using kv = patient(await Deno.openKv(":memory:"));
  await expect(kv.set(["k"], "x".repeat(70_000))).rejects.toThrow(/too large/i);
});
