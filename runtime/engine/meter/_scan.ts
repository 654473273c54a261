/**
 * Reads the code section once: checks that it can be rewritten and notes what the plan needs.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import { BodyScan } from "./_body.ts";
import type { Steps } from "../steps.ts";
import { ADDED_BLOCKS } from "./_costs.ts";
import { EVENT, type Ints } from "./_events.ts";
import type { ModuleInfo, Section } from "./_module.ts";
import { skipValueType, unsupported } from "./_types.ts";
import { Work } from "./_work.ts";

/** V8 takes no more locals in a function; a rewrite adds up to {@linkcode ADDED_LOCALS}. */
const MAX_LOCALS = 50_000;
export const ADDED_LOCALS = 3;

/** The code of a module. All offsets are those of the module's bytes. */
export interface ScannedCode {
  readonly events: Ints;
  /** Per defined function and one more: where its events begin. */
  readonly firstEvent: Int32Array;
  /** The functions that direct calls name, of those that are defined here, and per function and one more where they begin. */
  readonly calls: Int32Array;
  readonly firstCall: Int32Array;
  /** The events of loops. */
  readonly loops: Int32Array;
  /** Where branches stand that may ask whether a local is zero, and per function and one more where those begin. */
  readonly conditions: Int32Array;
  readonly firstCondition: Int32Array;
  /** Per defined function: where its size stands, where its body begins and ends, where its instructions begin. */
  readonly sizeStart: Int32Array;
  readonly bodyStart: Int32Array;
  readonly bodyEnd: Int32Array;
  readonly codeStart: Int32Array;
  /** All bodies together. */
  readonly bodyBytes: number;
  /** Parameters and locals. */
  readonly locals: Int32Array;
  /** Functions that `ref.func` names. */
  readonly references: ReadonlySet<number>;
  /** Whether functions of other modules can come into its tables or be called by reference. */
  readonly takesReferences: boolean;
  /** Whether some function catches exceptions. */
  readonly catches: boolean;
  /** Whether some function makes objects, or large exceptions, of the host's garbage-collected heap. */
  readonly allocates: boolean;
  readonly facts: CodeFacts;
}

/** What a host may want to know of a module's code that has nothing to do with metering, from the same scan. */
export interface CodeFacts {
  /**
   * Whether, of what an instance has, it can change only bytes of its memories, by stores and bulk operations, the
   * memories' sizes, and globals: no tables, no dropped segments, no objects, no atomic stores.
   */
  readonly changesOnlyMemory: boolean;
  /** Whether it has `memory.size` or `memory.grow`. */
  readonly asksForSize: boolean;
}

/** `table.set`, garbage collection, atomics; `data.drop`, `table.init`, `elem.drop`, `table.copy`, `.grow`, `.fill`. */
const OTHER_CHANGES = [0x26, 0xfb, 0xfe], OTHER_MISC_CHANGES = [0x09, 0x0c, 0x0d, 0x0e, 0x0f, 0x11];

function factsOf({ seen, seenMisc }: BodyScan): CodeFacts {
  return {
    changesOnlyMemory: !OTHER_CHANGES.some((code) => seen[code] === 1) &&
      !OTHER_MISC_CHANGES.some((code) => seenMisc[code] === 1),
    asksForSize: seen[0x3f] === 1 || seen[0x40] === 1,
  };
}

/** After so many bytes of code others may run: a few milliseconds' work. */
const STEP_BYTES = 2 ** 17;

export function* scanCode(module: ModuleInfo, section: Section | undefined): Steps<ScannedCode> {
  const count = module.functionTypes.length - module.importedFunctions;
  const make = () => new Int32Array(count);
  const scan = new BodyScan(module, section === undefined ? 0 : section.end - section.body);
  const [firstEvent, firstCall] = [new Int32Array(count + 1), new Int32Array(count + 1)];
  const firstCondition = new Int32Array(count + 1);
  const [sizeStart, bodyStart, bodyEnd, codeStart, locals] = [make(), make(), make(), make(), make()];
  if (section !== undefined) {
    const r = new Reader(module.bytes, module.name, section.body, section.end);
    r.u32();
    let next = r.pos + STEP_BYTES;
    const work = new Work(module, section.end - section.body);
    for (let i = 0; i < count; i++) {
      sizeStart[i] = r.pos;
      const size = r.u32();
      const end = r.pos + size;
      if (end > section.end) r.fail("a body is longer than its section");
      bodyStart[i] = r.pos;
      bodyEnd[i] = end;
      locals[i] = readLocals(r, scan, i, end);
      codeStart[i] = r.pos;
      const before = { loops: scan.loops.length, more: scan.moreSteps, bulks: scan.bulks };
      scan.run(r.pos, end, locals[i]!);
      // V8 takes no module that has both, but looks for them on several threads: it may miss it, and when it then looks
      // again for what it has found before, the process ends.
      if (scan.tries && scan.cursor.exceptions) {
        r.fail("a mix of try and try_table, of legacy instructions for exceptions and others", bodyStart[i]);
      }
      firstEvent[i + 1] = scan.events.length;
      const events = (scan.events.length - firstEvent[i]!) / EVENT;
      const loops = scan.loops.length - before.loops + scan.bulks - before.bulks;
      work.add({
        index: module.importedFunctions + i,
        type: module.functionTypes[module.importedFunctions + i]!,
        locals: locals[i]!,
        start: r.pos,
        end,
        blocks: events + ADDED_BLOCKS * loops,
        loops,
        steps: events + scan.moreSteps - before.more,
        writtenOut: scan.writtenOut,
      });
      firstCall[i + 1] = scan.calls.length;
      firstCondition[i + 1] = scan.conditions.length;
      r.pos = end;
      if (end >= next) {
        next = end + STEP_BYTES;
        yield;
      }
    }
    r.finish("the code section");
  }
  const { events, references, takesReferences, catches, allocates } = scan;
  return {
    events,
    firstEvent,
    calls: scan.calls.data.subarray(0, scan.calls.length),
    firstCall,
    loops: scan.loops.data.subarray(0, scan.loops.length),
    conditions: scan.conditions.data.subarray(0, scan.conditions.length),
    firstCondition,
    sizeStart,
    bodyStart,
    bodyEnd,
    codeStart,
    bodyBytes: section === undefined ? 0 : section.end - section.body,
    locals,
    references,
    takesReferences,
    catches,
    allocates,
    facts: factsOf(scan),
  };
}

/** Steps over a function's declarations of locals and counts them with its parameters. */
function readLocals(r: Reader, { cursor }: BodyScan, index: number, end: number): number {
  const { module } = cursor;
  const type = module.functionTypes[module.importedFunctions + index]!;
  let total = module.typeParams[type]!;
  const at = r.pos;
  const groups = r.u32();
  for (let i = 0; i < groups; i++) {
    total += r.u32();
    if (total > MAX_LOCALS) r.fail("too many locals", at);
    if (skipValueType(r, module.typeParams.length)) cursor.exceptions = true;
    if (r.pos > end) r.fail("locals run over the end of their function", at);
  }
  if (total > MAX_LOCALS - ADDED_LOCALS) throw unsupported(module.name, `a function with ${total} locals`, at);
  return total;
}
