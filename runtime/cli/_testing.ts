/**
 * A host with a capability of somebody's own.
 *
 * @module
 */
import { z } from "zod";
import { builtinCapabilities } from "../capabilities/mod.ts";
import type { Capability } from "../capability.ts";
import { Host } from "../host.ts";

const greeter: Capability = {
  name: "greeter",
  interfaces: ["example:greeter/greet@1.2.0"],
  grant: z.strictObject({}),
  open: () => undefined,
  link: () => ({}),
};
export const host = new Host([...builtinCapabilities, greeter]);
