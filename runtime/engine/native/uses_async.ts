/**
 * Whether a component uses async at all: most do not, and take shorter ways.
 *
 * @module
 */
import type { Plan } from "./plan.ts";

export function usesAsync(plan: Plan): boolean {
  if (plan.lifts.some((lift) => lift.type.async || lift.options.async)) return true;
  return plan.synths.some((synth) => {
    switch (synth.kind) {
      case "lower":
        return synth.options.async || synth.func.type.async;
      case "resource.new":
      case "resource.drop":
      case "resource.rep":
      case "late":
      case "start":
      case "wide-realloc":
        return false;
      default:
        return true;
    }
  });
}
