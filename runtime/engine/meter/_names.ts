/**
 * The name section, with its indices moved.
 *
 * @module
 */
import { Reader } from "../../component/reader.ts";
import { customSection, Writer } from "../writer.ts";
import * as edit from "./_edits.ts";
import * as ev from "./_events.ts";
import type { Helper } from "./_helpers.ts";
import type { Layout } from "./_layout.ts";
import type { ModuleInfo, Section } from "./_module.ts";
import type { Plan } from "./_plan.ts";
import type { ScannedCode } from "./_scan.ts";

const FUNCTIONS = 1;
const LOCALS = 2;
const LABELS = 3;
/** The last subsection that is known, tags; an unknown one may count functions. */
const LAST = 11;

export interface NamesContext {
  readonly module: ModuleInfo;
  readonly layout: Layout;
  readonly helpers: readonly Helper[];
  readonly scanned: ScannedCode;
  readonly plan: Plan;
  /** What the hooks' and helpers' names begin with. */
  readonly prefix: string;
}

/** The section's new bytes, or nothing if it cannot be read: V8 would ignore it as well. */
export function rewriteNames(context: NamesContext, section: Section): Uint8Array | undefined {
  const { module } = context;
  const r = new Reader(module.bytes, module.name, section.body, section.end);
  try {
    return customSection("name", (w) => {
      while (!r.done) {
        const id = r.u8();
        const sub = r.sub(r.u32(), "names");
        if (id > LAST) continue;
        w.u8(id);
        w.sized((inside) => {
          if (id === FUNCTIONS) functionNames(context, inside, sub);
          else if (id === LOCALS || id === LABELS) innerNames(context, inside, sub, id === LABELS);
          else inside.raw(sub.take(sub.end - sub.pos, "names"));
        });
        sub.finish("names");
      }
    });
  } catch {
    return undefined;
  }
}

function functionNames({ module, layout, helpers, scanned, plan, prefix }: NamesContext, w: Writer, r: Reader): void {
  const names: [index: number, name: Uint8Array][] = [];
  const own = new Map<number, Uint8Array>();
  const count = r.count("names");
  for (let i = 0; i < count; i++) {
    const index = r.u32();
    const name = nameBytes(module, r);
    own.set(index, name);
    names.push([index < layout.firstMoved ? index : index + layout.moved, name]);
  }
  const made = (text: string) => {
    const name = new Writer();
    name.string(text);
    return name.bytes;
  };
  for (const hook of layout.hooks) names.push([hook.index, made(`${prefix}.${hook.name}`)]);
  for (let body = scanned.bodyStart.length; body < plan.bodies.length; body++) {
    const name = own.get(plan.bodies[body]! + module.importedFunctions);
    if (name !== undefined) names.push([body + module.importedFunctions + layout.moved, name]);
  }
  helpers.forEach((helper, i) => names.push([layout.refuel + i, made(`${prefix}#${helper.name}`)]));
  names.sort(([a], [b]) => a - b);
  w.u32(names.length);
  for (const [index, name] of names) {
    w.u32(index);
    w.raw(name);
  }
}

/** A name with its length, as bytes. */
function nameBytes(module: ModuleInfo, r: Reader): Uint8Array {
  const start = r.pos;
  r.take(r.u32(), "a name");
  return module.bytes.subarray(start, r.pos);
}

/** Names of locals, which stay, or of labels, between which others have come. */
function innerNames(context: NamesContext, w: Writer, r: Reader, labels: boolean): void {
  const { layout, module } = context;
  const functions = r.count("functions");
  w.u32(functions);
  for (let i = 0; i < functions; i++) {
    const index = r.u32();
    w.u32(index < layout.firstMoved ? index : index + layout.moved);
    const moved = labels ? labelsOf(context, index - module.importedFunctions) : undefined;
    const names = r.count("names");
    w.u32(names);
    for (let j = 0; j < names; j++) {
      const label = r.u32();
      w.u32(moved?.[label] ?? label);
      w.raw(nameBytes(module, r));
    }
  }
}

/** Where a function's labels are, which are counted in the order of their blocks. */
function labelsOf({ scanned, plan }: NamesContext, f: number): number[] {
  const moved: number[] = [];
  if (f < 0 || f >= scanned.bodyStart.length) return moved;
  const { events: { data } } = scanned;
  const { edits, loops } = plan;
  let next = 0;
  let e = plan.firstEdit[f]!;
  const lastEdit = plan.lastEdit[f]!;
  /** Counts the blocks that edits up to an offset add. */
  const count = (at: number) => {
    for (; e < lastEdit && edits.data[e]! <= at; e += edit.EDIT) {
      const kind = edits.data[e + 1]!;
      if (kind === edit.CHECK || kind === edit.TURN || kind === edit.BULK) next++;
    }
  };
  const walk = (first: number, last: number, named: boolean) => {
    for (let event = first; event < last; event += ev.EVENT) {
      const kind = data[event]! & ev.KIND_MASK;
      count(data[event + 1]!);
      const opens = kind <= ev.TRY_TABLE && kind !== ev.ELSE && kind !== ev.CATCH || kind === ev.SMALL_LOOP;
      if (!opens) continue;
      if (named) moved.push(next);
      next++;
      if (kind !== ev.SMALL_LOOP) continue;
      const loop = edits.data[e + 2]!;
      const end = loops.data[loop + edit.LOOP_LAST]!;
      const repeats = loops.data[loop + edit.LOOP_REPEATS]!;
      count(edits.data[e]!);
      next++;
      const inside = e;
      for (let i = 0; i < repeats; i++) {
        next += 2;
        e = inside;
        walk(event + ev.EVENT, end, named && i === 0);
        count(data[end + 1]!);
      }
      next++; // The check's.
      event = end;
    }
  };
  walk(scanned.firstEvent[f]!, scanned.firstEvent[f + 1]!, true);
  return moved;
}
