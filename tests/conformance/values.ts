/**
 * Values of scripts as JavaScript values, by jco's mapping, and whether a JavaScript value is what a script expects.
 *
 * @module
 */
import { camelCase } from "../../runtime/component/mod.ts";
import type { ScriptValue } from "./commands.ts";

type Payload = ScriptValue | null | undefined;

/** The JavaScript value of an argument. */
export function toJs({ type, value }: ScriptValue): unknown {
  switch (type) {
    case "u64":
    case "s64":
      return BigInt(value as string);
    case "f32":
    case "f64":
      return toFloat(type, value as string);
    case "bool":
    case "char":
    case "string":
    case "enum":
      return value;
    case "list":
    case "tuple":
      return (value as ScriptValue[]).map(toJs);
    case "record":
      return Object.fromEntries(
        (value as [string, ScriptValue][]).map(([name, field]) => [camelCase(name), toJs(field)]),
      );
    case "flags":
      return Object.fromEntries((value as string[]).map((label) => [camelCase(label), true]));
    case "option":
      return optional(value as Payload);
    case "variant": {
      const { case: tag, payload } = value as { case: string; payload: Payload };
      return { tag, val: optional(payload) };
    }
    case "result": {
      const { tag, payload } = resultOf(value);
      return { tag, val: optional(payload) };
    }
    default:
      return Number(value);
  }
}

function optional(payload: Payload): unknown {
  return payload === null || payload === undefined ? undefined : toJs(payload);
}

/** Scripts write floats as the bits of them. */
function toFloat(type: "f32" | "f64", bits: string): number {
  const view = new DataView(new ArrayBuffer(8));
  if (bits.startsWith("nan")) return NaN;
  if (type === "f32") {
    view.setUint32(0, Number(bits));
    return view.getFloat32(0);
  }
  view.setBigUint64(0, BigInt(bits));
  return view.getFloat64(0);
}

function resultOf(value: unknown): { tag: "ok" | "err"; payload: Payload } {
  const { Ok, Err } = value as { Ok?: Payload; Err?: Payload };
  return Err === undefined ? { tag: "ok", payload: Ok } : { tag: "err", payload: Err };
}

/** Whether a JavaScript value is what a script expects. */
export function matches(expected: ScriptValue, actual: unknown): boolean {
  const { type, value } = expected;
  switch (type) {
    case "list":
    case "tuple": {
      const items = value as ScriptValue[];
      const list = actual as ArrayLike<unknown>;
      return typeof actual === "object" && list?.length === items.length && items.every((v, i) => matches(v, list[i]));
    }
    case "record":
      return isObject(actual) &&
        (value as [string, ScriptValue][]).every(([name, field]) => matches(field, actual[camelCase(name)]));
    case "flags": {
      if (!isObject(actual)) return false;
      const set = Object.keys(actual).filter((key) => actual[key] === true).sort();
      return String(set) === String((value as string[]).map(camelCase).sort());
    }
    case "option":
      if (isObject(actual) && (actual.tag === "some" || actual.tag === "none")) {
        return (value == null) === (actual.tag === "none") && matchesOptional(value as Payload, actual.val);
      }
      return matchesOptional(value as Payload, actual);
    case "variant": {
      const { case: tag, payload } = value as { case: string; payload: Payload };
      return isObject(actual) && actual.tag === tag && matchesOptional(payload, actual.val);
    }
    case "result": {
      const { tag, payload } = resultOf(value);
      return isObject(actual) && actual.tag === tag && matchesOptional(payload, actual.val);
    }
    default:
      return Object.is(toJs(expected), actual);
  }
}

function matchesOptional(expected: Payload, actual: unknown): boolean {
  return expected === null || expected === undefined ? actual === undefined : matches(expected, actual);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
