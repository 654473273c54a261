/**
 * The runner itself: it must not pass what is wrong.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { expect } from "@std/expect";
import { createNativeEngine } from "../../runtime/engine/native/mod.ts";
import { SkerryError } from "../../runtime/errors.ts";
import { Trap } from "../../runtime/engine/native/trap.ts";
import type { Command } from "./commands.ts";
import { sameTrap, trapText } from "./errors.ts";
import { execute, type Outcome } from "./execute.ts";
import { knownDifference } from "./known.ts";
import { render } from "./report.ts";
import { matches, toJs } from "./values.ts";

const u32 = (value: string) => ({ type: "u32", value });

Deno.test("values of scripts are compared with what an engine gives, in jco's forms", () => {
  const record = { type: "record", value: [["a-b", u32("1")], ["c", { type: "option", value: u32("2") }]] };
  expect(toJs(record)).toEqual({ aB: 1, c: 2 });
  expect(matches(record, { aB: 1, c: 2 })).toBe(true);
  expect(matches(record, { aB: 1, c: undefined })).toBe(false);
  const none = { type: "option", value: null };
  expect(matches(none, undefined)).toBe(true);
  expect(matches(none, 0)).toBe(false);
  const list = { type: "list", value: [u32("1"), u32("2")] };
  expect(matches(list, new Uint32Array([1, 2]))).toBe(true);
  expect(matches(list, [1, 2, 3])).toBe(false);
  const flags = { type: "flags", value: ["a"] };
  expect(matches(flags, { a: true, b: false })).toBe(true);
  expect(matches(flags, { a: true, b: true })).toBe(false);
  const err = { type: "result", value: { Err: u32("3") } };
  expect(matches(err, { tag: "err", val: 3 })).toBe(true);
  expect(matches(err, { tag: "ok", val: 3 })).toBe(false);
  expect(matches({ type: "variant", value: { case: "x", payload: null } }, { tag: "x" })).toBe(true);
  expect(matches({ type: "u64", value: "7" }, 7n)).toBe(true);
  expect(matches({ type: "u64", value: "7" }, 7)).toBe(false);
  expect(matches({ type: "f32", value: "1065353216" }, 1)).toBe(true);
  expect(matches({ type: "f64", value: "nan:canonical" }, NaN)).toBe(true);
});

Deno.test("an error of the engine's own is no trap, and a failed assertion of the guest is not the trap that was meant", () => {
  expect(trapText(new Trap("no"), false)).toBe("no");
  expect(trapText(new SkerryError("internal", "x", { cause: new Trap("no") }), false)).toBe("no");
  expect(trapText(new TypeError("undefined is not a function"), false)).toBe(undefined);
  expect(trapText(new TypeError("a trap of generated code"), true)).toBe("a trap of generated code");
  expect(sameTrap("wasm `unreachable` instruction executed", "unreachable")).toBe(true);
  expect(sameTrap("unaligned pointer", "unreachable")).toBe(false);
  expect(sameTrap("unreachable", "unaligned pointer")).toBe(false);
});

const FIXTURES = fileURLToPath(new URL("../../runtime/engine/native/testdata", import.meta.url));

async function outcomes(commands: readonly Command[]): Promise<Outcome[]> {
  const found: Outcome[] = [];
  await execute({ folder: FIXTURES, commands }, createNativeEngine(), (outcome) => found.push(outcome));
  return found;
}

const load = (filename: string): Command => ({
  type: "module",
  line: 1,
  filename: `${filename}.wasm`,
  module_type: "binary",
});
const invoke = (field: string) => ({ type: "invoke", field });

Deno.test("a command passes when it goes as the script says, and fails otherwise", async () => {
  const found = await outcomes([
    load("rules"),
    { type: "assert_return", line: 2, action: invoke("ask-async"), expected: [u32("43")] },
    { type: "assert_return", line: 3, action: invoke("ask-async"), expected: [u32("44")] },
    { type: "assert_trap", line: 4, action: invoke("ask-async"), text: "unreachable" },
    { type: "assert_return", line: 5, action: invoke("nothing"), expected: [] },
    { type: "assert_trap", line: 6, action: invoke("ask"), text: "cannot block" },
    { type: "assert_trap", line: 7, action: invoke("ask"), text: "cannot enter component instance" },
    { type: "assert_return", line: 8, action: invoke("ask-async"), expected: [u32("43")] },
    { type: "assert_invalid", line: 9, filename: "rules.wasm", module_type: "binary", text: "wrong" },
    {
      type: "assert_uninstantiable",
      line: 10,
      filename: "start_waits.wasm",
      module_type: "binary",
      text: "cannot block",
    },
    { type: "assert_unlinkable", line: 11, filename: "resources.wasm", module_type: "binary", text: "missing" },
    { type: "assert_unlinkable", line: 12, filename: "rules.wasm", module_type: "binary", text: "missing" },
    { type: "thread", line: 13 },
  ]);
  expect(found.map(({ line, status }) => `${line} ${status}`)).toEqual([
    "1 passed",
    "2 passed",
    "3 failed",
    "4 failed",
    "5 failed",
    "6 passed",
    "7 passed",
    "8 failed",
    "9 failed",
    "10 passed",
    "11 passed",
    "12 failed",
    "13 skipped",
  ]);
});

Deno.test("what depends on a component that could not be made is not passed", async () => {
  const found = await outcomes([
    load("resources"),
    { type: "assert_trap", line: 2, action: invoke("x"), text: "anything" },
  ]);
  expect(found.map(({ status }) => status)).toEqual(["failed", "failed"]);
});

Deno.test("the report sums up by folder, and gives each skip its reason", () => {
  const outcome = (status: Outcome["status"], reason?: string): Outcome => ({
    line: 7,
    type: "assert_return",
    sort: "run",
    status,
    ...(reason === undefined ? {} : { reason }),
  });
  const text = render([
    { path: "a/x.wast", outcomes: [outcome("passed"), outcome("failed", "it broke")] },
    { path: "a/y.wast", outcomes: [outcome("skipped", "no threads")] },
    { path: "b/z.wast", outcomes: [], skipped: "not converted" },
  ]);
  expect(text).toContain("failed line 7, assert_return: it broke");
  expect(text).toContain("1 × no threads");
  expect(text).toContain("b/z.wast: not converted");
  expect(text).toMatch(/\na +1 +1 +1/);
});

Deno.test("only the failures that are known have a reason", () => {
  const reason = 'expected a trap "unreachable", got the trap "string is too long"';
  expect(knownDifference("/x/component-model/big-strings.wast", reason)).toContain("2²⁸");
  expect(knownDifference("/x/component-model/big-strings.wast", "RuntimeError: unreachable")).toBe(undefined);
  expect(knownDifference("/x/other.wast", reason)).toBe(undefined);
});
