import { expect } from "@std/expect";
import { difference } from "./testdata/compare.ts";
import { randomModule } from "./testdata/random_module.ts";

const HOST = () => ({ host: { mix: (n: number) => n ^ n >>> 3 } });

Deno.test("random programs compute the same when metered, with much fuel and with little", () => {
  for (let seed = 1; seed <= 250; seed++) {
    const bytes = randomModule(seed);
    expect([seed, difference(bytes, HOST, {}, 1_000_000)]).toEqual([seed, undefined]);
    const options = { exceptions: true, memory: { max: 3, ask: 1 } };
    expect([seed, difference(bytes, HOST, options, 1)]).toEqual([seed, undefined]);
  }
});
