import { expect } from "@std/expect";
import { WitError } from "../../errors.ts";
import { inIsolate, linkFixture } from "./_testing.ts";

const GUEST = "test:values/guest@1.2.0";

/** Sends a value through the guest to the host and back; answers what the host saw and what came back. */
async function echo(name: string, ...values: unknown[]): Promise<{ seen: unknown[]; back: unknown }> {
  let seen: unknown[] = [];
  const host = new Proxy({}, {
    get: () => (...args: unknown[]) => {
      seen = args;
      return args.length > 1 ? args : args[0];
    },
  });
  const linked = await linkFixture("values", { "test:values/host@1.3.0": host });
  const back = await inIsolate(linked, (isolate) => isolate.exports[GUEST]![name]!(...values));
  return { seen, back };
}

async function same(name: string, value: unknown): Promise<void> {
  const { seen, back } = await echo(name, value);
  expect(seen).toEqual([value]);
  expect(back).toEqual(value);
}

Deno.test("numbers of every width, char and bool go there and back", async () => {
  const low = [-128, 0, -32768, 0, -(2 ** 31), 0, -(2n ** 63n), 0n, -1.5, -1e300, "a", false];
  const high = [
    127,
    255,
    32767,
    65535,
    2 ** 31 - 1,
    2 ** 32 - 1,
    2n ** 63n - 1n,
    2n ** 64n - 1n,
    3.5,
    1e300,
    "😀",
    true,
  ];
  for (const values of [low, high]) {
    const { seen, back } = await echo("numbers", ...values);
    expect(seen).toEqual(values);
    expect(back).toEqual(values);
  }
});

Deno.test("strings go there and back, short and long, ASCII and not", async () => {
  for (
    const text of ["", "hello", "é", "日本語", "😀".repeat(5000), "a".repeat(200_000), "\u0000", "x".repeat(24) + "ü"]
  ) {
    await same("text", text);
  }
});

Deno.test("a lone surrogate becomes the replacement character", async () => {
  expect((await echo("text", "a\ud800b")).back).toBe("a\ufffdb");
});

Deno.test("records, variants, enums and flags have jco's forms", async () => {
  await same("recOf", { aB: 7, name: "seven", flag: true });
  await same("varOf", { tag: "none-at-all" });
  await same("varOf", { tag: "num", val: 2n ** 64n - 1n });
  await same("varOf", { tag: "text", val: "grüße" });
  await same("varOf", { tag: "real", val: Math.PI });
  await same("varOf", { tag: "small", val: -0.5 });
  await same("enOf", "light-green");
  await same("flOf", {
    one: true,
    twoThree: false,
    c4: true,
    c5: false,
    c6: true,
    c7: false,
    c8: true,
    c9: false,
    c10: true,
  });
});

Deno.test("options are undefined or the value, and nested ones have tags", async () => {
  await same("optOf", 5);
  expect((await echo("optOf", undefined)).back).toBe(undefined);
  await same("ooOf", { tag: "none" });
  await same("ooOf", { tag: "some", val: undefined });
  await same("ooOf", { tag: "some", val: 9 });
});

Deno.test("a result's ok is the value; its err is thrown with the payload", async () => {
  const linked = await linkFixture("values", {
    "test:values/host@1.2.0": new Proxy({}, {
      get: () => (v: { tag: string; val: unknown }) => {
        if (v.tag === "err") throw new WitError(v.val);
        return v.val;
      },
    }),
  });
  await inIsolate(linked, async (isolate) => {
    const resOf = isolate.exports[GUEST]!["resOf"]!;
    expect(await resOf({ tag: "ok", val: { tag: "some", val: 3 } })).toEqual({ tag: "some", val: 3 });
    const error = await resOf({ tag: "err", val: "broken" }).catch((e: unknown) => e) as WitError;
    expect(error).toBeInstanceOf(WitError);
    expect(error.payload).toBe("broken");
  });
});

Deno.test("numeric lists are typed arrays, others are arrays", async () => {
  await same("bytes", new Uint8Array([1, 2, 255]));
  await same("bytes", new Uint8Array(100_000).fill(7));
  await same("shorts", new Int16Array([-1, 2, 300]));
  await same("bigs", new BigUint64Array([1n, 2n ** 64n - 1n]));
  await same("recs", [{ aB: 1, name: "", flag: false }, { aB: 2, name: "zwei", flag: true }]);
  expect((await echo("bytes", [1, 2, 3])).back).toEqual(new Uint8Array([1, 2, 3]));
});

Deno.test("parameters and results that do not fit flat go through memory", async () => {
  const eight = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const linked = await linkFixture("values", {
    "test:values/host@1.2.0": new Proxy({}, { get: () => (v: unknown[]) => [v.slice(0, 8).join(""), v[9]] }),
  });
  const back = await inIsolate(
    linked,
    (isolate) => isolate.exports[GUEST]!["many"]!([...eight, 5n, { tag: "text", val: "deep" }]),
  );
  expect(back).toEqual(["abcdefgh", { tag: "text", val: "deep" }]);
});

Deno.test("a host value of the wrong shape ends the guest with what was expected", async () => {
  const linked = await linkFixture("values", {
    "test:values/host@1.2.0": new Proxy({}, { get: () => () => 5 }),
  });
  const failure = (name: string, value: unknown) =>
    inIsolate(linked, (isolate) => isolate.exports[GUEST]![name]!(value)).catch((e) => String(e));
  expect(await failure("text", "x")).toBe("TypeError: expected a string, got number");
  expect(await failure("enOf", "red")).toBe("TypeError: expected one of red, light-green, got number");
  expect(await failure("bytes", new Uint8Array())).toBe("TypeError: expected a list, got number");
  expect(await failure("resOf", 5)).toBe("TypeError: expected an object with a tag of ok, err, got number");
  expect(await failure("resOf", { tag: "no" })).toBe('TypeError: expected a tag of ok, err, got string "no"');
});
