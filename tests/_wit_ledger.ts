/**
 * The errors that WIT declares, and how a host comes to say each of them.
 *
 * @module
 */
import { expect } from "@std/expect";
import { WitError } from "../runtime/testing.ts";

/** How one interface comes to say each case of its error: an attempt that ends in it, or a sentence on why none does. */
export type Ledger = Readonly<Record<string, string | (() => unknown)>>;

/** The cases of the errors that a text of WIT declares, by interface: with the type of its payload, or none. */
export function errorsOf(wit: string): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  const code = wit.replaceAll(/\/\/[^\n]*/g, "");
  for (const [, face, body] of code.matchAll(/^interface ([\w-]+) \{(.*?)^\}/gms)) {
    for (const [, name, cases] of body!.matchAll(/(?:variant|enum) ([\w-]*error[\w-]*) \{(.*?)\}/gs)) {
      const each = cases!.split(",").map((one) => one.trim()).filter((one) => one !== "");
      found.set(
        `${face}.${name}`,
        new Map(each.map((one) => [one.replace(/\(.*/s, ""), /\((.*)\)$/s.exec(one)?.[1] ?? ""])),
      );
    }
  }
  return found;
}

export async function expectEach(wit: URL, type: string, ledger: Ledger): Promise<void> {
  const cases = errorsOf(await Deno.readTextFile(wit)).get(type);
  expect([type, Object.keys(ledger).sort()]).toEqual([type, [...cases!.keys()].sort()]);
  for (const [tag, attempt] of Object.entries(ledger)) {
    if (typeof attempt === "string") continue;
    const payload = await payloadOf(attempt);
    const said = typeof payload === "string" ? { tag: payload } : payload as { tag: string; val?: unknown } | undefined;
    expect([type, said?.tag]).toEqual([type, tag]);
    // A payload where there should be none, or none where there should be one, traps the guest.
    const wanted = cases!.get(tag)!;
    if (!wanted.startsWith("option<")) expect([type, tag, said?.val !== undefined]).toEqual([type, tag, wanted !== ""]);
  }
}

/** The payload of the error that `attempt` ends in, or of the `result` that it resolves with. */
export async function payloadOf(attempt: () => unknown): Promise<unknown> {
  try {
    const result = await attempt() as { tag?: unknown; val?: unknown } | undefined;
    return result?.tag === "err" ? result.val : "no error";
  } catch (error) {
    if (error instanceof WitError) return error.payload;
    throw error;
  }
}
