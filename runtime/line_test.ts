import { expect } from "@std/expect";
import { MAX_CHILDREN_AT_ONCE, MAX_URGENT_CHILDREN } from "./limits.ts";
import { hurry, inLine } from "./line.ts";

/** Work that ends when it is told, and a record of what began. */
class Jobs {
  readonly began: string[] = [];
  readonly queued: string[] = [];
  readonly #ends = new Map<string, () => void>();
  readonly #all: Promise<void>[] = [];

  add(name: string): void {
    const work = () => new Promise<void>((end) => this.#ends.set(name, end));
    const onStart = () => this.began.push(name);
    this.#all.push(inLine(work, { for: name, onStart, onQueued: () => this.queued.push(name) }));
  }

  /** Ends one, and lets what follows begin. */
  async end(name: string): Promise<void> {
    this.#ends.get(name)!();
    this.#ends.delete(name);
    await settled();
  }

  async endAll(): Promise<void> {
    while (this.#ends.size > 0) for (const name of [...this.#ends.keys()]) await this.end(name);
    await Promise.all(this.#all);
  }
}

const settled = () => new Promise<void>((done) => setTimeout(done));
const full = Array.from({ length: MAX_CHILDREN_AT_ONCE }, (_, n) => `full-${n}`);

Deno.test("work begins in the order in which it came, and says if it has to wait", async () => {
  const jobs = new Jobs();
  for (const name of [...full, "a", "b", "c"]) jobs.add(name);
  await settled();
  expect(jobs.began).toEqual(full);
  expect(jobs.queued).toEqual(["a", "b", "c"]);
  await jobs.end(full[0]!);
  await jobs.end("a");
  expect(jobs.began).toEqual([...full, "a", "b"]);
  await jobs.endAll();
  expect(jobs.began).toEqual([...full, "a", "b", "c"]);
});

Deno.test("what somebody waits for begins at once, and the next of its kind before all others", async () => {
  const jobs = new Jobs();
  for (const name of [...full, "a", "b", "c", "d"]) jobs.add(name);
  await settled();
  {
    using _c = hurry("c");
    using _again = hurry("c");
    await settled();
    expect(MAX_URGENT_CHILDREN).toBe(1);
    expect(jobs.began).toEqual([...full, "c"]);
    using _b = hurry("b");
    await settled();
    expect(jobs.began).toEqual([...full, "c"]);
    await jobs.end(full[0]!);
    expect(jobs.began).toEqual([...full, "c", "b"]);
  }
  await jobs.end(full[1]!);
  expect(jobs.began).toEqual([...full, "c", "b", "a"]);
  await jobs.endAll();
  expect(jobs.began).toEqual([...full, "c", "b", "a", "d"]);
});

Deno.test("what is wanted before it is there goes first, until nobody waits any more", async () => {
  const jobs = new Jobs();
  const late = hurry("late");
  for (const name of [...full, "a", "late"]) jobs.add(name);
  await settled();
  expect(jobs.began).toEqual([...full, "late"]);
  late[Symbol.dispose]();
  late[Symbol.dispose]();
  await jobs.end("late");
  jobs.add("late");
  await jobs.end(full[0]!);
  await jobs.end(full[1]!);
  expect(jobs.began).toEqual([...full, "late", "a", "late"]);
  await jobs.endAll();
});

Deno.test("work that fails makes room", async () => {
  const failing = Array.from({ length: MAX_CHILDREN_AT_ONCE * 2 }, () => inLine(() => Promise.reject(new Error("x"))));
  expect((await Promise.allSettled(failing)).every(({ status }) => status === "rejected")).toBe(true);
  expect(await inLine(() => Promise.resolve("done"))).toBe("done");
});
