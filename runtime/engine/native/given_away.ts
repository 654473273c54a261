/**
 * Own handles whose way to somebody else ends in a trap: over another value of the same call, or as they are written into
 * the memory of whom they are for. They are in no table then, and the host would never hear that its resource is dropped.
 * So they go back into one, and the end of the isolate, which has trapped, disposes of them as of all others.
 *
 * @module
 */
import { camelCase } from "../../component/mod.ts";
import type { Cx } from "./context.ts";
import { ResourceHandle } from "./resources.ts";
import { payloads, type ValueType } from "./types.ts";

type Types = readonly (ValueType | undefined)[];

/** What is a number however it looks: lifting it cannot trap. */
const PLAIN: ReadonlySet<ValueType["kind"]> = new Set(
  ["bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "flags"],
);

/** `lift` of values of `types`, that gives all own handles away or none. */
export function allOrNone<A, T>(types: readonly ValueType[], lift: (cx: Cx, from: A) => T): (cx: Cx, from: A) => T {
  if (!mayLose(types)) return lift;
  return (cx, from) => {
    const { handles } = cx.instance;
    handles.noteTaken();
    try {
      const lifted = lift(cx, from);
      handles.forgetTaken();
      return lifted;
    } catch (error) {
      handles.keepTaken();
      throw error;
    }
  };
}

/** Whether something can trap behind an own handle. */
function mayLose(types: readonly ValueType[]): boolean {
  const first = types.findIndex((type) => type.hasOwn);
  if (first < 0) return false;
  return types[first]!.kind !== "own" || types.slice(first + 1).some((type) => !PLAIN.has(type.kind));
}

/** Whether a value of these types may hold an own handle. */
export function anyOwn(types: Types): boolean {
  return types.some((type) => type?.hasOwn);
}

/** Keeps the host's resources that stand in values which could not be lowered; some may be in a table already. */
export function keepOwns(cx: Cx, types: Types, values: readonly unknown[]): void {
  types.forEach((type, i) => type && keepOwn(cx, type, values[i]));
}

function keepOwn(cx: Cx, type: ValueType, value: unknown): void {
  if (!type.hasOwn || typeof value !== "object" || value === null) return;
  switch (type.kind) {
    case "own":
      // A number is a resource of a guest's, which has ended with it.
      return cx.instance.handles.keep(new ResourceHandle(type.resource, value, true, undefined));
    case "record":
      for (const { name, type: field } of type.fields) {
        keepOwn(cx, field, (value as Record<string, unknown>)[camelCase(name)]);
      }
      return;
    case "tuple":
      return keepOwns(cx, type.types, value as unknown[]);
    case "list":
      for (const element of value as Iterable<unknown>) keepOwn(cx, type.element, element);
      return;
    case "map":
      for (const [key, item] of value as Iterable<[unknown, unknown]>) {
        keepOwns(cx, [type.key, type.value], [key, item]);
      }
      return;
    case "option":
      return keepOwn(cx, type.type, type.type.kind === "option" ? (value as { val: unknown }).val : value);
    default: {
      const { tag, val } = value as { tag: string; val: unknown };
      const at = type.kind === "result"
        ? ["ok", "err"].indexOf(tag)
        : type.kind === "variant"
        ? type.cases.findIndex(({ name }) => name === tag)
        : -1;
      const payload = payloads(type)[at];
      if (payload !== undefined) keepOwn(cx, payload, val);
    }
  }
}
