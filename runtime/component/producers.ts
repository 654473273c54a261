/**
 * What made a binary: its `producers` custom sections, wherever they stand.
 *
 * @module
 */
import type { ComponentModel, CustomSection } from "./model.ts";
import { Reader } from "./reader.ts";

/** By field (`language`, `processed-by`, `sdk`), then by name, the version. */
export type Producers = Readonly<
  Record<string, Readonly<Record<string, string>>>
>;

/** The custom sections of a core module that lies between `start` and `end`. Stops at the first that it cannot read. */
export function coreCustomSections(
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): CustomSection[] {
  const found: CustomSection[] = [];
  const r = new Reader(bytes, "core module", Math.min(start + 8, end), end);
  try {
    while (!r.done) {
      const id = r.u8();
      const s = r.sub(r.u32(), "section");
      if (id === 0) found.push({ name: s.string(), start: s.pos, end: s.end });
    }
  } catch {
    // Compiling the module says what is wrong with it; here it is only described.
  }
  return found;
}

/** All producers of a component: its own, and those of its core modules and nested components. */
export function producersOf(
  bytes: Uint8Array,
  model: ComponentModel,
): Producers {
  const fields: Record<string, Record<string, string>> = Object.create(null);
  collect(bytes, model, fields);
  return fields;
}

/** Those of one core module. */
export function coreProducers(bytes: Uint8Array): Producers {
  const fields: Record<string, Record<string, string>> = Object.create(null);
  for (const custom of coreCustomSections(bytes)) read(bytes, custom, fields);
  return fields;
}

function collect(
  bytes: Uint8Array,
  model: ComponentModel,
  fields: Record<string, Record<string, string>>,
): void {
  for (const custom of model.customs) read(bytes, custom, fields);
  for (const definition of model.definitions) {
    if (definition.kind === "component") {
      collect(bytes, definition.component, fields);
    } else if (definition.kind === "core-module") {
      const { start, end } = definition;
      for (const custom of coreCustomSections(bytes, start, end)) {
        read(bytes, custom, fields);
      }
    }
  }
}

function read(
  bytes: Uint8Array,
  custom: CustomSection,
  fields: Record<string, Record<string, string>>,
): void {
  if (custom.name !== "producers") return;
  const r = new Reader(bytes, "producers", custom.start, custom.end);
  try {
    r.vec("fields", () => {
      const field = fields[r.string()] ??= Object.create(null);
      r.vec("values", () => {
        const name = r.string();
        field[name] = r.string();
      });
    });
  } catch {
    // A custom section that is broken is no error.
  }
}
