/**
 * The capability `files`: `wasi:filesystem`. Every function has it, and none sees a file: nothing is preopened.
 *
 * @module
 */
import { z } from "zod";
import { defineCapability } from "../../capability.ts";
import { p2 } from "./p2.ts";
import { p3 } from "./p3.ts";

export const files = defineCapability({
  name: "files",
  interfaces: Object.keys({ ...p2, ...p3 }),
  ungranted: {},
  grant: z.strictObject({}),
  open: () => undefined,
  link: () => ({ ...p2, ...p3 }),
});
