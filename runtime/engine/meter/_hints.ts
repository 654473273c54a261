/**
 * Branch hints, and where code has come from.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import { customSection } from "../writer.ts";
import type { Hint, Hints } from "./_code.ts";
import type * as ev from "./_events.ts";
import type { Layout } from "./_layout.ts";
import type { ModuleInfo, Section } from "./_module.ts";
import type { ScannedCode } from "./_scan.ts";

export const HINTS = "metadata.code.branch_hint";

/** From an offset in the new code section to the one in the old module, or -1 for what was added at its start. */
export function oldOffset({ data, length }: ev.Ints, now: number): number {
  let low = 0;
  for (let high = length / 2; low < high;) {
    const middle = (low + high) >>> 1;
    if (data[middle * 2 + 1]! <= now) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : data[low * 2 - 2]! + now - data[low * 2 - 1]!;
}

/** The branch hints of the old module; those that cannot be read are none. */
export function readHints(module: ModuleInfo, scanned: ScannedCode, section: Section | undefined): Hints {
  const hints = new Map<number, Hint[]>();
  if (section === undefined) return hints;
  const r = new Reader(module.bytes, module.name, section.body, section.end);
  try {
    const functions = r.count("functions");
    for (let i = 0; i < functions; i++) {
      const f = r.u32() - module.importedFunctions;
      const own: Hint[] = [];
      const count = r.count("hints");
      for (let j = 0; j < count; j++) {
        const at = scanned.bodyStart[f]! + r.u32();
        if (r.u32() !== 1) r.fail("malformed hint");
        const taken = r.u8();
        if (at < scanned.bodyEnd[f]!) own.push([at, taken]);
      }
      hints.set(f, own.sort(([a], [b]) => a - b));
    }
    return hints;
  } catch {
    return new Map();
  }
}

/** A section of branch hints: those of the module, where they have gone, and the added branches. */
export function writeHints(module: ModuleInfo, layout: Layout, { data, length }: ev.Ints): Uint8Array {
  return customSection(HINTS, (w) => {
    let functions = 0;
    for (let i = 0; i < length; i += 3) if (i === 0 || data[i] !== data[i - 3]) functions++;
    w.u32(functions);
    for (let i = 0; i < length;) {
      const body = data[i]!;
      let end = i;
      while (end < length && data[end] === body) end += 3;
      w.u32(module.importedFunctions + layout.moved + body);
      w.u32((end - i) / 3);
      for (; i < end; i += 3) {
        w.u32(data[i + 1]!);
        w.u8(1, data[i + 2]!);
      }
    }
  });
}
