import { expect } from "@std/expect";
import { difference } from "./testdata/compare.ts";
import { randomModule } from "./testdata/random_module.ts";
import { smithHost } from "./testdata/smith_host.ts";

const HOST = () => ({ host: { mix: (n: number) => n ^ n >>> 3 } });

Deno.test("random programs compute the same when metered, with much fuel and with little", () => {
  for (let seed = 1; seed <= 250; seed++) {
    const bytes = randomModule(seed);
    expect([seed, difference(bytes, HOST, {}, 1_000_000)]).toEqual([seed, undefined]);
    const options = { exceptions: true, memory: { max: 3, ask: 1 } };
    expect([seed, difference(bytes, HOST, options, 1)]).toEqual([seed, undefined]);
  }
});

Deno.test("random programs compute the same when all their conditions are hidden", () => {
  for (let seed = 1; seed <= 250; seed++) {
    expect([seed, difference(randomModule(seed), HOST, { conditions: 0 }, 1000)]).toEqual([seed, undefined]);
  }
});

const folder = new URL("testdata/smith/", import.meta.url);

Deno.test("modules of wasm-tools' generator, with all that V8 accepts, compute the same", async () => {
  let modules = 0;
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".wasm")) continue;
    const bytes = await Deno.readFile(new URL(name, folder));
    expect([name, difference(bytes, smithHost, {}, 100_000)]).toEqual([name, undefined]);
    const options = { memory: { max: 60, ask: 2 }, table: { max: 1000, ask: 2 }, conditions: 0 };
    expect([name, difference(bytes, smithHost, options, 1)]).toEqual([name, undefined]);
    modules++;
  }
  expect(modules).toBeGreaterThan(15);
});
