// Capabilities of your own: a line for each. A function is granted one by its name in function.json.
import { stopwatch } from "./stopwatch/capability.ts";

export const capabilities = [stopwatch];
