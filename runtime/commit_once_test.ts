import { expect } from "@std/expect";
import { DenoKvBackend } from "./capabilities/kv/deno_kv.ts";
import { QueueStore } from "./capabilities/queue/store.ts";
import { committingOnce } from "./commit_once.ts";
import { ScheduleStore } from "./triggers/schedule_store.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** What Deno's client does when the answer to a commit is lost: it sends the commit again. */
function losingAnswers(kv: Deno.Kv): Deno.Kv {
  const atomic = kv.atomic.bind(kv);
  return Object.assign(kv, {
    atomic() {
      const operation = atomic();
      const commit = operation.commit.bind(operation);
      return Object.assign(operation, {
        async commit() {
          await commit();
          return await commit();
        },
      });
    },
  });
}

async function withKv(body: (kv: Deno.Kv) => Promise<void>): Promise<void> {
  using kv = committingOnce(losingAnswers(await Deno.openKv(":memory:")));
  await body(kv);
}

Deno.test("a commit whose answer was lost is known to be done, with the version that it has", () =>
  withKv(async (kv) => {
    const first = await kv.atomic().check({ key: ["a"], versionstamp: null }).set(["a"], 1).sum(["n"], 5n).commit();
    const entry = await kv.get(["a"]);
    expect(first).toEqual({ ok: true, versionstamp: entry.versionstamp });
    expect((await kv.get<Deno.KvU64>(["n"])).value?.value).toBe(5n);
    expect((await kv.atomic().check(entry).set(["a"], 2).commit()).ok).toBe(true);
    // One whose check does not hold is not done for that.
    expect(await kv.atomic().check(entry).set(["a"], 3).sum(["n"], 1n).commit()).toMatchObject({ ok: false });
    expect((await kv.get(["a"])).value).toBe(2);
    expect((await kv.get<Deno.KvU64>(["n"])).value?.value).toBe(5n);
  }));

Deno.test("a swap whose answer was lost has taken place, and a store holds what it holds", () =>
  withKv(async (kv) => {
    const backend = new DenoKvBackend(kv);
    const most = { bytes: 100, entries: 3 };
    expect(await backend.write(["b"], "k", bytes("1"), { expected: null, most })).toBe(true);
    const entry = await backend.get(["b"], "k");
    expect(await backend.write(["b"], "k", bytes("22"), { expected: entry, most })).toBe(true);
    expect(await backend.write(["b"], "k", bytes("3"), { expected: entry, most })).toBe(false);
    expect(await backend.usage(["b"])).toEqual({ bytes: 3, entries: 1 });
  }));

Deno.test("a message whose sender lost the answer is sent once, and claimed and done by who lost those", () =>
  withKv(async (kv) => {
    const store = new QueueStore(kv);
    await store.send("q", { data: bytes("hello"), sender: "f", sentAt: 0 }, { bytes: 1000, entries: 10 });
    expect(await store.usage("q")).toEqual({ bytes: 5, entries: 1 });
    const claims = await store.claim("q", 10);
    expect(claims).toHaveLength(1);
    expect(await store.renew("q", claims[0]!)).toBe(true);
    expect(await store.done("q", claims[0]!)).toBe(true);
    expect(await store.usage("q")).toEqual({ bytes: 0, entries: 0 });
    expect(await store.counts()).toEqual(new Map([["q", { waiting: 0, leased: 0, dead: 0 }]]));
  }));

Deno.test("a run of a schedule is ours although the answer was lost", () =>
  withKv(async (kv) => {
    const store = new ScheduleStore(kv);
    const key = { function: "f", name: "nightly" };
    expect(await store.claim(key, { at: 60_000, now: 60_000, until: 70_000 })).toBe("ours");
    expect(await store.claim(key, { at: 60_000, now: 60_000, until: 70_000 })).toBe("taken");
  }));
