/**
 * What lifted values take of the host beside their bytes.
 *
 * @module
 */
import { LIFTED_VALUE_BYTES } from "../../limits.ts";
import { isNestedOption, payloads, type ValueType } from "./types.ts";

/** Numbers that are lifted in one piece: lists of them are typed arrays, as in jco's mapping. */
const NUMBERS: ReadonlySet<ValueType["kind"]> = new Set(
  ["u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64"],
);

const known = new WeakMap<ValueType, number>();

/**
 * How many values a value of `type` is made of, at most: fields, flags, payloads, and the elements of lists of fixed length.
 * Strings and lists are not counted, for how long they are is only known when they are lifted.
 */
export function parts(type: ValueType): number {
  let count = known.get(type);
  if (count === undefined) known.set(type, count = partsOf(type));
  return count;
}

function partsOf(type: ValueType): number {
  switch (type.kind) {
    case "record":
      return type.fields.reduce((sum, field) => sum + 1 + parts(field.type), 0);
    case "tuple":
      return type.types.reduce((sum, part) => sum + 1 + parts(part), 0);
    case "flags":
      return type.labels.length;
    case "list":
      return type.length === undefined ? 0 : Math.ceil(type.length * elementBytes(type.element) / LIFTED_VALUE_BYTES);
    case "variant":
    case "option":
    case "result": {
      const own = type.kind === "option" && !isNestedOption(type) ? 0 : 1;
      return payloads(type).reduce((most, payload) => payload ? Math.max(most, own + parts(payload)) : most, 0);
    }
    default:
      return 0;
  }
}

/** What an element of a list, a stream or a future counts, in bytes; what is in its strings and lists is counted besides. */
export function elementBytes(element: ValueType): number {
  return NUMBERS.has(element.kind) ? element.size : element.size + LIFTED_VALUE_BYTES * (1 + parts(element));
}

/** Values of so many parts count as well where they are no elements; common parameters and results have fewer. */
const MANY_PARTS = 64;

/** What values of these types count that are in no list, in bytes. */
export function plainBytes(types: readonly ValueType[]): number {
  const count = types.reduce((sum, type) => sum + parts(type), 0);
  return count < MANY_PARTS ? 0 : count * LIFTED_VALUE_BYTES;
}
