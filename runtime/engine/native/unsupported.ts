/**
 * What the native engine does not run yet, by name.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import type { Plan, Synth } from "./plan.ts";
import type { FuncType, ValueType } from "./types.ts";

/** @throws {SkerryError} `component-unsupported`, naming the construct. */
export function refuseUnsupported(plan: Plan): void {
  for (const lift of plan.lifts) {
    if (lift.options.async) refuse(plan, `an async lifted function, ${lift.name},`);
    checkFunc(plan, lift.type);
  }
  for (const synth of plan.synths) checkSynth(plan, synth);
}

function checkSynth(plan: Plan, synth: Synth): void {
  switch (synth.kind) {
    case "lower":
      if (synth.options.async) refuse(plan, `an async lowered function, ${synth.func.name},`);
      return checkFunc(plan, synth.func.type);
    case "resource.new":
    case "resource.drop":
    case "resource.rep":
      return;
    case "builtin":
      return refuse(plan, `the canonical function ${synth.canon.kind}`);
    case "stream":
    case "future":
      return refuse(plan, `the canonical function ${synth.kind}.${synth.op}`);
    default:
      return refuse(plan, `the canonical function ${synth.kind}`);
  }
}

function checkFunc(plan: Plan, type: FuncType): void {
  for (const { type: param } of type.params) checkType(plan, param);
  checkType(plan, type.result);
}

function checkType(plan: Plan, type: ValueType | undefined): void {
  switch (type?.kind) {
    case "stream":
    case "future":
    case "error-context":
      return refuse(plan, `the type ${type.kind}`);
    case "record":
      return type.fields.forEach((f) => checkType(plan, f.type));
    case "variant":
      return type.cases.forEach((c) => checkType(plan, c.type));
    case "tuple":
      return type.types.forEach((t) => checkType(plan, t));
    case "list":
      return checkType(plan, type.element);
    case "option":
      return checkType(plan, type.type);
    case "result":
      checkType(plan, type.ok);
      return checkType(plan, type.err);
  }
}

function refuse(plan: Plan, what: string): never {
  throw new SkerryError(
    "component-unsupported",
    `loading ${plan.name}: ${what} is not supported by the native engine yet`,
  );
}
