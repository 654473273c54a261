/**
 * The capability `io`: `wasi:io`. Every function has it; it reaches nothing by itself.
 *
 * @module
 */
import { z } from "zod";
import { defineCapability } from "../../capability.ts";
import { p2 } from "./p2.ts";

export const io = defineCapability({
  name: "io",
  interfaces: Object.keys(p2),
  ungranted: {},
  grant: z.strictObject({}),
  open: () => undefined,
  link: () => p2,
});
