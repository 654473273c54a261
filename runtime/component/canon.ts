/**
 * Decodes canonical functions and their options.
 *
 * @module
 */
import { coreValType } from "./core_types.ts";
import type { Canon, CanonOptions } from "./model.ts";
import { hex, type Reader } from "./reader.ts";
import { resultList } from "./types.ts";

function options(r: Reader): CanonOptions {
  let encoding: CanonOptions["encoding"] | undefined;
  let isAsync = false;
  const indices: {
    memory?: number;
    realloc?: number;
    postReturn?: number;
    callback?: number;
  } = {};
  r.vec("options", () => {
    const at = r.pos;
    const code = r.u8();
    switch (code) {
      case 0x00:
      case 0x01:
      case 0x02:
        if (encoding !== undefined) {
          r.fail("conflicting or duplicate string encoding", at);
        }
        encoding = code === 0 ? "utf8" : code === 1 ? "utf16" : "latin1+utf16";
        return;
      case 0x03:
      case 0x04:
      case 0x05:
      case 0x07: {
        const key = code === 0x03 ? "memory" : code === 0x04 ? "realloc" : code === 0x05 ? "postReturn" : "callback";
        if (key in indices) r.fail(`duplicate option ${key}`, at);
        indices[key] = r.u32();
        return;
      }
      case 0x06:
        if (isAsync) r.fail("duplicate option async", at);
        isAsync = true;
        return;
      case 0x08:
      case 0x09:
        return r.unsupported(`the canonical option ${code === 0x08 ? "core-type" : "gc"} is not supported`, at);
      default:
        r.fail(`invalid leading byte 0x${hex(code)} for canonical option`, at);
    }
  });
  return { encoding: encoding ?? "utf8", async: isAsync, ...indices };
}

/** Those that take nothing, and those whose one operand is a type. */
const PLAIN = {
  0x24: "backpressure.inc",
  0x25: "backpressure.dec",
  0x05: "task.cancel",
  0x0d: "subtask.drop",
  0x1e: "error-context.drop",
  0x1f: "waitable-set.new",
  0x22: "waitable-set.drop",
  0x23: "waitable.join",
  0x26: "thread.index",
  0x28: "thread.resume-later",
} as const;

const TYPED = {
  0x02: "resource.new",
  0x03: "resource.drop",
  0x04: "resource.rep",
  0x0e: "stream.new",
  0x13: "stream.drop-readable",
  0x14: "stream.drop-writable",
  0x15: "future.new",
  0x1a: "future.drop-readable",
  0x1b: "future.drop-writable",
} as const;

const COPIES = {
  0x0f: "stream.read",
  0x10: "stream.write",
  0x16: "future.read",
  0x17: "future.write",
} as const;

const CANCELS = {
  0x11: "stream.cancel-read",
  0x12: "stream.cancel-write",
  0x18: "future.cancel-read",
  0x19: "future.cancel-write",
} as const;

const SWITCHES = {
  0x29: "thread.suspend",
  0x2a: "thread.suspend-then-resume",
  0x2b: "thread.yield-then-resume",
  0x2c: "thread.suspend-then-promote",
  0x2d: "thread.yield-then-promote",
} as const;

function lookup<T extends string>(
  table: Readonly<Record<number, T>>,
  code: number,
): T | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined;
}

function contextSlot(r: Reader): number {
  const at = r.pos;
  const slot = r.u32();
  return slot <= 1 ? slot : r.fail(`a context has the slots 0 and 1, not ${slot}`, at);
}

/** One canonical function. */
export function canon(r: Reader): Canon {
  const at = r.pos;
  const code = r.u8();
  const plain = lookup(PLAIN, code);
  if (plain !== undefined) return { kind: plain };
  const typed = lookup(TYPED, code);
  if (typed !== undefined) return { kind: typed, type: r.u32() };
  const copy = lookup(COPIES, code);
  if (copy !== undefined) {
    return { kind: copy, type: r.u32(), options: options(r) };
  }
  const cancel = lookup(CANCELS, code);
  if (cancel !== undefined) {
    return { kind: cancel, type: r.u32(), async: r.flag("async") };
  }
  const threadSwitch = lookup(SWITCHES, code);
  if (threadSwitch !== undefined) {
    return { kind: threadSwitch, cancellable: r.flag("cancellable") };
  }
  switch (code) {
    case 0x00:
      if (r.u8() !== 0) r.fail("invalid canonical lift", at);
      return {
        kind: "lift",
        func: r.u32(),
        options: options(r),
        type: r.u32(),
      };
    case 0x01:
      if (r.u8() !== 0) r.fail("invalid canonical lower", at);
      return { kind: "lower", func: r.u32(), options: options(r) };
    case 0x06:
      return { kind: "subtask.cancel", async: r.flag("async") };
    case 0x09: {
      const result = resultList(r);
      return {
        kind: "task.return",
        ...(result === undefined ? {} : { result }),
        options: options(r),
      };
    }
    case 0x0a:
    case 0x0b:
      return {
        kind: code === 0x0a ? "context.get" : "context.set",
        type: coreValType(r),
        slot: contextSlot(r),
      };
    case 0x0c:
      return { kind: "thread.yield", cancellable: r.flag("cancellable") };
    case 0x1c:
    case 0x1d:
      return {
        kind: code === 0x1c ? "error-context.new" : "error-context.debug-message",
        options: options(r),
      };
    case 0x20:
    case 0x21:
      return {
        kind: code === 0x20 ? "waitable-set.wait" : "waitable-set.poll",
        cancellable: r.flag("cancellable"),
        memory: r.u32(),
      };
    case 0x27:
      return { kind: "thread.new-indirect", type: r.u32(), table: r.u32() };
    case 0x40:
      r.flag("shared");
      return { kind: "thread.spawn-ref", type: r.u32() };
    case 0x41:
      r.flag("shared");
      return { kind: "thread.spawn-indirect", type: r.u32(), table: r.u32() };
    case 0x42:
      r.flag("shared");
      return { kind: "thread.available-parallelism" };
    case 0x2e:
    case 0x2f: {
      const name = code === 0x2e ? "stream.forward" : "future.forward";
      return r.unsupported(`the canonical function ${name} is not supported`, at);
    }
    default:
      return r.fail(
        `invalid leading byte 0x${hex(code)} for canonical function`,
        at,
      );
  }
}
