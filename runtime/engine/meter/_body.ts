/**
 * Reads the instructions of one function after another.
 *
 * V8 validates a rewritten module, so this checks only what a rewrite could turn from wrong into right, an index of a
 * local, global, type, label or function just past the end, and what it must not misread.
 *
 * @module
 */
import { FREE_LOCALS, MAX_COST } from "./_costs.ts";
import * as ev from "./_events.ts";
import * as op from "./_opcodes.ts";
import { BLOCK_FRAME, FUNCTION_FRAME, IF_FRAME, SeldomScan } from "./_seldom.ts";

const SIGN = 1 << 31;

export class BodyScan extends SeldomScan {
  /** Reads one body, whose instructions stand from `start` to `end`. */
  run(start: number, end: number, locals: number): void {
    const c = this.cursor;
    const b = c.bytes;
    const steps = op.STEP;
    const { functionTypes, functionTypes: { length: functions }, globals, importedFunctions: imported, typeCost } =
      c.module;
    const { events } = this;
    let { data, length } = events;
    let frames = this.frames;
    frames[0] = FUNCTION_FRAME;
    const lastLocal = locals - 1;
    // Behind it, the bytes after an opcode may be none.
    const safe = Math.min(end, b.length - 2);
    let depth = 0;
    let dead = false;
    let cost = Math.max(0, locals - FREE_LOCALS);
    let previous = start;
    let at = start;
    c.end = end;
    // Most instructions are read here, with all that matters in registers, and as few branches as can be.
    for (let p = start; p < end;) {
      let step = 0;
      while (p < safe) {
        step = steps[b[p]!]!;
        const next = b[p + 1]!;
        if ((step & (next | b[p + 2]! << 8 | op.NOT_AT_ONCE | (lastLocal - next) & SIGN)) !== 0) break;
        cost += step >>> op.COST_SHIFT & op.COST_MASK;
        previous = at;
        at = p;
        p += step >> op.LENGTH_SHIFT & 3;
      }
      if (p >= end) break;
      previous = at;
      at = p;
      const code = b[p++]!;
      cost += steps[code]! >>> op.COST_SHIFT & op.COST_MASK;
      let word = 0;
      switch (code) {
        case 0x02: // block
        case 0x03: // loop
        case 0x04: { // if
          const type = b[p]!;
          if (type === 0x40 || type >= 0x7b && type < 0x80) p++;
          else {
            c.pos = p;
            c.blockType(at);
            p = c.pos;
          }
          if (++depth === frames.length) frames = this.widen();
          if (code === 0x02) word = ev.BLOCK;
          else if (code === 0x04) {
            word = ev.IF;
            if (op.MAY_BE_LOCAL[b[previous]!] === 1) this.conditions.push(at);
          } else {
            word = ev.LOOP | p - at << ev.KIND_BITS;
            this.loops.push(length);
          }
          frames[depth] = code === 0x04 ? IF_FRAME : BLOCK_FRAME;
          break;
        }
        case 0x0b: // end
          word = ev.END;
          depth--;
          break;
        case 0x0c: // br
        case 0x0d: { // br_if
          let label = b[p++]!;
          if (label >= 0x80) {
            label = c.long(p - 1);
            while (b[p++]! & 0x80);
          }
          if (label > depth) c.fail(`there is no label ${label}`, at);
          if (code === 0x0d && op.MAY_BE_LOCAL[b[previous]!] === 1) this.conditions.push(at);
          word = (code === 0x0c ? ev.BR : ev.BR_IF) | label << ev.KIND_BITS;
          break;
        }
        case 0x10: { // call
          let callee = b[p++]!;
          if (callee >= 0x80) {
            const high = b[p]!;
            if (high < 0x80) {
              callee = callee & 0x7f | high << 7;
              p++;
            } else {
              callee = c.long(p - 1);
              while (b[p++]! & 0x80);
            }
          }
          if (callee >= functions) c.fail(`there is no function ${callee}`, at);
          if (callee >= imported) this.calls.push(callee - imported);
          if (typeCost !== undefined) {
            const values = typeCost[functionTypes[callee]!]!;
            cost += values;
            this.writtenOut += values;
          }
          word = ev.CALL | callee << ev.KIND_BITS;
          break;
        }
        case 0x23: // global.get
        case 0x24: { // global.set
          let index = b[p++]!;
          if (index >= 0x80) {
            index = c.long(p - 1);
            while (b[p++]! & 0x80);
          }
          if (index >= globals) c.fail(`there is no global ${index}`, at);
          continue;
        }
        case 0x43: // f32.const
          p += 4;
          continue;
        case 0x44: // f64.const
          p += 8;
          continue;
        default:
          switch (op.PLAIN[code]) {
            case op.NONE:
              continue;
            case op.LEB:
              while (b[p++]! & 0x80);
              continue;
            case op.MEMARG: {
              const align = b[p]!;
              while (b[p++]! & 0x80);
              if (align & 0x40) { while (b[p++]! & 0x80); }
              while (b[p++]! & 0x80);
              continue;
            }
            case op.LOCAL: {
              let index = b[p++]!;
              if (index >= 0x80) {
                index = c.long(p - 1);
                while (b[p++]! & 0x80);
              }
              if (index > lastLocal) c.fail(`there is no local ${index}`, at);
              continue;
            }
          }
          this.cost = cost;
          this.dead = dead;
          events.length = length;
          c.depth = depth;
          c.pos = p;
          this.instruction(code, at, previous);
          p = c.pos;
          depth = c.depth;
          frames = this.frames;
          ({ data, length } = events);
          dead = this.dead;
          cost = this.cost;
          continue;
      }
      dead = false;
      if (length + ev.EVENT > data.length) {
        events.length = length;
        events.reserve(ev.EVENT);
        data = events.data;
      }
      data[length] = word;
      data[length + 1] = at;
      data[length + 2] = cost < MAX_COST ? cost : MAX_COST;
      length += ev.EVENT;
      cost = 0;
      if (depth < 0) {
        events.length = length;
        if (p !== end) c.fail("a body goes on behind its end", p);
        return;
      }
    }
    c.fail("a body without its end", end);
  }
}
