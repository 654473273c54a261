/**
 * The capability `sockets`: `wasi:sockets`. Every function has it, because toolchains import it, and it refuses.
 *
 * @module
 */
import { z } from "zod";
import { defineCapability } from "../../capability.ts";
import { p2 } from "./p2.ts";
import { p3 } from "./p3.ts";

export const sockets = defineCapability({
  name: "sockets",
  interfaces: Object.keys({ ...p2, ...p3 }),
  ungranted: {},
  grant: z.strictObject({}),
  open: () => undefined,
  link: () => ({ ...p2, ...p3 }),
});
