import { expect } from "@std/expect";
import { MAX_LOG_LINE_BYTES } from "../../runtime/limits.ts";
import { onEachEngine, serve, type ServeOptions } from "./_serve.ts";

const GUESTS = ["c-http", "c-p3"] as const;

const options = (engine: ServeOptions["engine"]): ServeOptions => ({
  engine,
  guests: Object.fromEntries(GUESTS.map((name) => [name, { fixture: name, env: { GREETING: "ahoy" } }])),
});

onEachEngine("stdout and stderr of a guest are log records of its task, line by line", async (engine) => {
  await using server = await serve(options(engine));
  for (const stream of ["stdout", "stderr"]) {
    for (const guest of GUESTS) {
      const id = `${stream}-${guest}`;
      await (await server.fetch(`/${guest}/${stream}`, { headers: { "x-request-id": id } })).text();
      await server.outcome(id);
      const lines = server.recordsOf(id).filter(({ source }) => source === stream).map(({ message }) => message);
      expect(lines.slice(0, 2)).toEqual(["one", "two"]);
      // The rest is in the guest of 0.2 alone.
      if (guest === "c-p3") continue;
      expect(lines.slice(2, 4)).toEqual(["three", ""]);
      const long = lines.filter((line) => /^x+$/.test(line));
      expect(long.join("").length).toBe(100_000);
      expect(long.every((line) => line.length <= MAX_LOG_LINE_BYTES)).toBe(true);
      expect(lines.some((line) => line.includes("\ufffd"))).toBe(true);
      expect(lines.some((line) => line.endsWith("\r"))).toBe(false);
    }
  }
});

onEachEngine("a guest sees the variables of its manifest, no argument, no folder, no terminal", async (engine) => {
  await using server = await serve(options(engine));
  for (const guest of GUESTS) {
    expect(await (await server.fetch(`/${guest}/env`)).text()).toMatch(/^env GREETING=ahoy\ncwd -\n(terminal no\n)?$/);
  }
  expect(await (await server.fetch("/c-http/stdin")).text()).toBe("closed\n");
});

onEachEngine("a guest has clocks and random bytes", async (engine) => {
  await using server = await serve(options(engine));
  for (const guest of GUESTS) {
    const clocks = await (await server.fetch(`/${guest}/clocks`)).text();
    expect(clocks).not.toContain("forward=no");
    const seconds = Number(/^wall=(\d+)$/m.exec(clocks)?.[1]);
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(60);
    const random = async () =>
      /^bytes=([0-9a-f]{64})$/m.exec(await (await server.fetch(`/${guest}/random?n=32`)).text());
    const [first, second] = [await random(), await random()];
    expect(first).not.toBe(null);
    expect(first![1]).not.toBe(second?.[1]);
  }
});

onEachEngine("a guest sees no file and gets no socket", async (engine) => {
  await using server = await serve(options(engine));
  expect(await (await server.fetch("/c-http/fs")).text()).toBe("preopens=0\n");
  expect(await (await server.fetch("/c-http/sockets")).text()).toBe(
    "tcp create=access-denied\nudp create=access-denied\nlookup=permanent-resolver-failure\n",
  );
});
