import { expect } from "@std/expect";
import { Roster } from "./roster.ts";

Deno.test("items stand in the order in which they came, and any of them may leave", () => {
  const roster = new Roster<string>();
  const [a, b, c, d] = ["a", "b", "c", "d"].map((item) => roster.add(item)) as [never, never, never, never];
  expect([...roster, roster.first, roster.size]).toEqual(["a", "b", "c", "d", "a", 4]);
  expect([roster.delete(b), roster.delete(b)]).toEqual([true, false]);
  expect([...roster]).toEqual(["a", "c", "d"]);
  roster.delete(d);
  roster.add("e");
  expect([...roster]).toEqual(["a", "c", "e"]);
  roster.delete(a);
  expect([roster.shift(), roster.shift(), roster.shift()]).toEqual(["c", "e", undefined]);
  expect([roster.delete(c), roster.size, roster.first]).toEqual([false, 0, undefined]);
});

Deno.test("whoever leaves while the others are gone through, all who were there are met", () => {
  const roster = new Roster<number>();
  const entries = [1, 2, 3].map((item) => roster.add(item));
  const met: number[] = [];
  for (const item of roster) {
    met.push(item);
    for (const entry of entries) roster.delete(entry);
  }
  expect([met, roster.size]).toEqual([[1, 2, 3], 0]);
});

Deno.test("who has left is collected soon, however old the roster is", async () => {
  // Of what comes and goes through a Set, small collections leave some: V8 keeps its former tables from the oldest on.
  const script = `
    import { Roster } from ${JSON.stringify(new URL("roster.ts", import.meta.url).href)};
    const roster = new Roster();
    let last = roster.add({});
    const visit = (item) => {
      const entry = roster.add(item);
      roster.delete(last);
      last = entry;
    };
    gc(); // What is there now is old from here on.
    const visitors = [];
    const come = () => {
      const item = {};
      visitors.push(new WeakRef(item));
      visit(item);
    };
    for (let i = 0; i < 1000; i++) come();
    visit({});
    for (let i = 0; i < 5; i++) {
      await new Promise((done) => setTimeout(done));
      gc({ type: "minor" });
    }
    console.log(visitors.filter((visitor) => visitor.deref() !== undefined).length);
  `;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--v8-flags=--expose-gc", `data:text/javascript,${encodeURIComponent(script)}`],
    env: { NO_COLOR: "1" },
  }).output();
  const [said, wrong] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  expect([wrong, said]).toEqual(["", "0"]);
});
