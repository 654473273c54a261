// Capabilities of your own: a line for each. A function is granted one by its name in function.json.
import { gatherCapabilities } from "../runtime/mod.ts";

export const capabilities = await gatherCapabilities([
  () => import("./stopwatch/capability.ts"),
]);
