/**
 * The capability `http`: `wasi:http`. Every function has it, to be called; what it may call is what it was granted.
 *
 * @module
 */
import { z } from "zod";
import { defineCapability } from "../../capability.ts";
import { p2 } from "./p2.ts";

export { serveP2 } from "./serve_p2.ts";

export const http = defineCapability({
  name: "http",
  interfaces: Object.keys(p2),
  ungranted: {},
  grant: z.strictObject({}),
  open: () => undefined,
  link: () => p2,
});
