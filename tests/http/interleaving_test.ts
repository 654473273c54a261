import { expect } from "@std/expect";
import { Admission } from "../../runtime/admission.ts";
import { onEachEngine, serve } from "./_serve.ts";

/** One kind of request: what it asks for, and what must come back, by its number. */
interface Kind {
  readonly path: (n: number) => string;
  /** The body; nothing where it breaks off or does not come. */
  readonly body?: (n: number) => string;
  readonly sends?: (n: number) => string;
  /** The code or the status in the record of what became of it. */
  readonly ends: string;
  /** The caller leaves at this stage. */
  readonly leaves?: "before" | "within";
  /** What the guest prints. */
  readonly prints?: (n: number) => string;
  /** Whether the same work always makes the same host calls. */
  readonly counted?: boolean;
  /** Whether only the guest of WASI 0.2 does it like this. */
  readonly p2?: boolean;
}

const GUESTS = ["p2", "p3"] as const;
const ask = (guest: string, path: string) => `outgoing?url=${encodeURIComponent(`http://${guest}.internal/${path}`)}`;
const either = (n: number) => GUESTS[n % 2]!;
const letters = (count: number) => Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i % 26)).join("");
const own = (n: number) => `${n} is mine, `.repeat(n % 400);

const KINDS: Readonly<Record<string, Kind>> = {
  counts: { path: () => "count", body: () => "1\n", ends: "200", counted: true },
  writes: { path: (n) => `big?bytes=${n * 17}&chunk=702`, body: (n) => letters(n * 17), ends: "200" },
  echoes: { path: () => "echo", sends: own, body: own, ends: "200" },
  sleeps: { path: (n) => `sleep?ms=${n % 7}`, body: (n) => `slept ${n % 7}\n`, ends: "200" },
  prints: {
    path: (n) => `stdout?text=${n}-is-mine`,
    p2: true,
    prints: (n) => `${n}-is-mine`,
    body: () => "hello\n",
    ends: "200",
    counted: true,
  },
  traps: { path: (n) => `trap?kind=${n % 5}`, ends: "guest-trapped" },
  breaks: { path: (n) => `trap-mid-body?ms=${n % 3}`, ends: "guest-trapped" },
  exits: { p2: true, path: () => "exit?done=1", body: () => "hello\n", ends: "guest-exited" },
  nothing: { p2: true, path: () => "no-response?drop=1", ends: "guest-no-response" },
  leaves: { path: () => "never", leaves: "before", ends: "caller-gone" },
  "leaves within": { path: () => "never?headers=1", leaves: "within", ends: "caller-gone" },
  asks: { path: (n) => ask(either(n), "count"), body: () => "1\n", ends: "200" },
  "asks twice": {
    path: (n) => ask(either(n), ask(either(n >> 1), `big?bytes=${n * 3}`)),
    body: (n) => letters(n * 3),
    ends: "200",
  },
  "asks to sleep": { path: (n) => ask(either(n), `sleep?ms=${n % 5}`), body: (n) => `slept ${n % 5}\n`, ends: "200" },
  "asks to print": {
    path: (n) => ask("p2", `stdout?text=${n}`),
    prints: String,
    body: () => "hello\n",
    ends: "200",
  },
};

onEachEngine("requests in any order see nothing of each other", async (engine) => {
  const admission = new Admission({ isolates: 100 });
  const grants = { http: { allow: GUESTS.map((name) => `http://${name}.internal`) } };
  const guests = { p2: { fixture: "c-http", grants }, p3: { fixture: "c-p3", grants } } as const;
  await using server = await serve({ engine, admission, guests });
  let seed = 11;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 2 ** 32 * below);
  };
  const names = Object.keys(KINDS);
  const wrong: unknown[] = [];
  const calls = new Map<string, Set<unknown>>();
  /** How many records of what became of a task each request is to have: one for each function called. */
  const told = new Map<string, number>();
  const serveOne = async (n: number) => {
    const name = names[random(names.length)]!;
    const kind = KINDS[name]!;
    const guest = kind.p2 ? "p2" : GUESTS[random(2)]!;
    const id = `i${n}`;
    const caller = new AbortController();
    const init: RequestInit = { signal: caller.signal, headers: { "x-request-id": id } };
    if (kind.sends !== undefined) Object.assign(init, { method: "POST", body: kind.sends(n) });
    const answer = server.request(`/${guest}/${kind.path(n)}`, init);
    if (kind.leaves === "before") setTimeout(() => caller.abort(), random(4));
    const response = await answer;
    if (kind.leaves === "within") {
      const reader = response.body!.getReader();
      await reader.read();
      await reader.cancel();
    }
    const text = kind.leaves === "within" ? "" : await response.text().catch(() => "broken off");
    if (kind.body !== undefined && text !== kind.body(n)) wrong.push([id, guest, name, "answered", text.slice(0, 200)]);
    if (response.headers.get("x-request-id") !== id) {
      wrong.push([id, guest, name, response.headers.get("x-request-id")]);
    }
    const { fields } = await server.outcome(id);
    const ended = String(fields?.["code"] ?? fields?.["status"]);
    if (ended !== kind.ends) wrong.push([id, guest, name, "ended", ended]);
    if (kind.counted) {
      calls.set(`${guest} ${name}`, (calls.get(`${guest} ${name}`) ?? new Set()).add(fields?.["calls"]));
    }
    const printed = server.recordsOf(id).filter(({ source }) => source === "stdout").map(({ message }) => message);
    if (printed.join() !== (kind.prints?.(n) ?? "")) wrong.push([id, guest, name, "printed", printed]);
    told.set(id, name.startsWith("asks") ? kind.path(n).split(".internal").length : 1);
  };
  const TOTAL = engine.name === "native" ? 3000 : 300;
  let next = 1;
  await Promise.all(Array.from({ length: 40 }, async () => {
    while (next < TOTAL) {
      // Some of one turn, so that isolates go from one to the next within it.
      const burst = Array.from({ length: 1 + random(4) }, () => serveOne(next++));
      await Promise.all(burst);
    }
  }));
  while (server.runtime.tasks.size > 0) await new Promise((done) => setTimeout(done, 1));
  const outcomes = Map.groupBy(server.records.filter(({ fields }) => fields?.["ms"] !== undefined), ({ task }) => task);
  for (const [id, count] of told) if (outcomes.get(id)?.length !== count) wrong.push([id, "told", outcomes.get(id)]);
  expect(wrong.slice(0, 20)).toEqual([]);
  for (const [kind, counts] of calls) expect([kind, counts.size]).toEqual([kind, 1]);
  expect([admission.running, admission.waiting]).toEqual([0, 0]);
});
