/**
 * The capability `cli`: `wasi:cli`. Every function has it: the manifest's `env`, no arguments, an empty stdin, and
 * stdout and stderr that go to the log.
 *
 * @module
 */
import { z } from "zod";
import { defineCapability } from "../../capability.ts";
import { p2 } from "./p2.ts";
import { p3 } from "./p3.ts";
import { guestOutput } from "./stdio.ts";

export const cli = defineCapability({
  name: "cli",
  interfaces: Object.keys({ ...p2({}), ...p3({}) }),
  ungranted: {},
  grant: z.strictObject({}),
  open: () => undefined,
  link({ env, toSource }) {
    const output = guestOutput(toSource);
    return { ...p2(env, output), ...p3(env, output) };
  },
});
