import { expect } from "@std/expect";
import { Admission } from "../../runtime/admission.ts";
import { onEachEngine, serve, type TestServer } from "../http/_serve.ts";

const allow = (...names: string[]) => ({ http: { allow: names.map((name) => `http://${name}.internal`) } });
const url = (name: string, path: string) => encodeURIComponent(`http://${name}.internal/${path}`);

/** None of these answers may come of a wait that ran out. */
const PATIENT = { queueWaitMs: 600_000, wallMs: 600_000 };

const ask = async (server: TestServer, path: string) => await (await server.request(path)).text();

async function allGone({ runtime }: TestServer): Promise<void> {
  while (runtime.tasks.size > 0) await new Promise((done) => setTimeout(done, 1));
}

onEachEngine("a function that has all its isolates and calls itself hears of the loop, and answers", async (engine) => {
  await using server = await serve({
    engine,
    guests: { one: { fixture: "c-http", grants: allow("one"), limits: { ...PATIENT, isolates: 1 } } },
  });
  expect(await ask(server, `/one/outgoing?url=${url("one", "hello")}`)).toMatch(/loop-detected/);
  expect(await ask(server, "/one/hello")).toBe("hello\n");
  await allGone(server);
  const refused = server.records.find(({ fields }) => fields?.["code"] === "loop-detected");
  expect(refused?.message).toMatch(/limits\.isolates/);
});

onEachEngine("so does one that is called back by a function that it calls", async (engine) => {
  const limits = { ...PATIENT, isolates: 1 };
  await using server = await serve({
    engine,
    guests: {
      left: { fixture: "c-http", grants: allow("right"), limits },
      right: { fixture: "c-http", grants: allow("left"), limits },
      left3: { fixture: "c-p3", grants: allow("right3"), limits },
      right3: { fixture: "c-p3", grants: allow("left3"), limits },
    },
  });
  for (const version of ["", "3"]) {
    const path = `outgoing?url=${url(`right${version}`, `outgoing?url=${url(`left${version}`, "hello")}`)}`;
    expect(await ask(server, `/left${version}/${path}`)).toMatch(/loop-detected/);
    await allGone(server);
  }
});

onEachEngine("requests that wait for each other's isolates are told that the function is busy", async (engine) => {
  const admission = new Admission({ isolates: 100 });
  await using server = await serve({
    engine,
    admission,
    guests: {
      some: { fixture: "c-http", grants: allow("some"), limits: { ...PATIENT, isolates: 3 } },
      left: { fixture: "c-http", grants: allow("right"), limits: { ...PATIENT, isolates: 2 } },
      right: { fixture: "c-http", grants: allow("left"), limits: { ...PATIENT, isolates: 2 } },
    },
  });
  const all = (paths: readonly string[]) => Promise.all(paths.map((path) => ask(server, path)));
  const own = `/some/outgoing?url=${url("some", "hello")}`;
  const [there, back] = [
    `/left/outgoing?url=${url("right", "hello")}`,
    `/right/outgoing?url=${url("left", "hello")}`,
  ];
  for (const paths of [Array(12).fill(own), Array(8).fill([there, back]).flat()]) {
    const answers = await all(paths);
    for (const answer of answers) expect(answer).toMatch(/hello\n|destination-unavailable/);
    expect(answers.some((answer) => answer.includes("hello\n"))).toBe(true);
    await allGone(server);
    expect([admission.running, admission.waiting]).toEqual([0, 0]);
  }
  const codes = new Set(server.records.map(({ fields }) => fields?.["code"]).filter((code) => code !== undefined));
  expect([...codes]).toEqual(["function-busy"]);
});
