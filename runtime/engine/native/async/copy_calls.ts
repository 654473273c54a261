/**
 * The canonical built-ins of streams and futures.
 *
 * Implements `canon {stream,future}.*` of CanonicalABI.md.
 *
 * @module
 */
import type { Face } from "../handles.ts";
import { type CoreValue, Lifter } from "../lift.ts";
import { Lowerer } from "../lower.ts";
import type { Synth } from "../plan.ts";
import type { CoreFunction } from "../thread.ts";
import { trap } from "../trap.ts";
import { fromCore, wideType } from "../wide.ts";
import { builtin } from "./builtin.ts";
import {
  COPY_CANCELLED,
  COPY_CANCELLING,
  COPY_COMPLETED,
  COPY_COPYING,
  COPY_DONE,
  COPY_DROPPED,
  COPY_IDLE,
  CopyEnd,
  type ReclaimBuffer,
  SharedFuture,
  SharedStream,
} from "./copy.ts";
import { elementCodec, GuestBuffer } from "./guest_buffer.ts";
import type { TaskThread } from "./task.ts";
import {
  BLOCKED,
  CANCELLED_IN_SET,
  type Event,
  EVENT_FUTURE_READ,
  EVENT_FUTURE_WRITE,
  EVENT_STREAM_READ,
  EVENT_STREAM_WRITE,
} from "./waitable.ts";

export type CopySynth = Synth & { kind: "stream" | "future" };

/** Whether a built-in may suspend the guest. */
export function copyWaits({ op, options, async }: CopySynth): boolean {
  if (op === "read" || op === "write") return !options!.async;
  return op.startsWith("cancel-") && !async;
}

/** @param strict whether an end in a set may not be cancelled without `async`, not even where that is over at once */
export function copyBuiltin(
  synth: CopySynth,
  faces: { readonly host: Face; readonly component: Face },
  strict: boolean,
): CoreFunction {
  const { owner, op } = synth;
  switch (op) {
    case "new":
      return newPair(synth);
    case "read":
    case "write":
      return copy(synth, faces);
    case "cancel-read":
    case "cancel-write":
      return builtin(owner, (thread, index: number) => cancel(synth, thread, index >>> 0, strict));
    case "drop-readable":
    case "drop-writable":
      return builtin(owner, (thread, index: number) => {
        const end = endOf(synth, thread, index >>> 0, op === "drop-readable");
        end.drop();
        thread.isolate.instances[owner]!.handles.remove(index >>> 0);
      });
  }
}

function elementOf({ type }: CopySynth) {
  return type.kind === "stream" || type.kind === "future" ? type.element : undefined;
}

function newPair(synth: CopySynth): CoreFunction {
  const element = elementOf(synth);
  const { owner, kind } = synth;
  return builtin(owner, ({ isolate }) => {
    const { handles } = isolate.instances[owner]!;
    const shared = kind === "stream" ? new SharedStream(element) : new SharedFuture(element);
    const readable = handles.add(new CopyEnd(shared, true));
    const writable = handles.add(new CopyEnd(shared, false));
    return BigInt(readable) | BigInt(writable) << 32n;
  });
}

function endOf(synth: CopySynth, { isolate }: TaskThread, index: number, readable: boolean): CopyEnd {
  const end = isolate.instances[synth.owner]!.handles.get(index);
  if (!(end instanceof CopyEnd) || end.shared.kind !== synth.kind || end.readable !== readable) {
    trap(`handle index ${index} is not a ${readable ? "readable" : "writable"} ${synth.kind} end`);
  }
  if (end.shared.element !== elementOf(synth)) trap(`${synth.kind} end has a different type`);
  return end;
}

function copy(synth: CopySynth, { host, component }: { readonly host: Face; readonly component: Face }): CoreFunction {
  const { owner, kind } = synth;
  const options = synth.options!;
  const reads = synth.op === "read";
  const code = kind === "stream"
    ? reads ? EVENT_STREAM_READ : EVENT_STREAM_WRITE
    : reads
    ? EVENT_FUTURE_READ
    : EVENT_FUTURE_WRITE;
  const { encoding } = options;
  const element = elementOf(synth);
  // Who reads bytes for the host copies them at once.
  const views = kind === "stream" && element?.kind === "u8";
  const codec = elementCodec(
    element && options.wide ? wideType(element) : element,
    reads ? undefined : { host: new Lifter(host, encoding, views), component: new Lifter(component, encoding) },
    reads ? { host: new Lowerer(host, encoding), component: new Lowerer(component, encoding) } : undefined,
  );
  // The most that can be copied at once fits into any of both.
  const toAddress = kind === "stream" && options.wide;
  return builtin(owner, (thread, index: number, ptr: CoreValue, count: CoreValue = 1) => {
    const end = endOf(synth, thread, index >>> 0, reads);
    if (end.state !== COPY_IDLE) {
      trap(
        end.state === COPY_DONE
          ? `cannot ${synth.op} ${reads ? "from" : "to"} ${kind} after being notified that the ${
            reads ? "writable" : "readable"
          } end dropped`
          : `cannot have concurrent operations active on a ${kind}`,
      );
    }
    if (end.inSet && !options.async) trap("waitable cannot be used synchronously while it is in a waitable set");
    const cx = thread.isolate.cx(options.cx);
    cx.refresh();
    const buffer = new GuestBuffer(codec, cx, fromCore(ptr), kind === "stream" ? fromCore(count) : 1);
    const event = (copied: number, reclaim: ReclaimBuffer | undefined): Event => {
      reclaim?.();
      // What had been copied when the operation was cancelled counts, but it was cancelled all the same.
      const cut = end.state === COPY_CANCELLING && kind === "stream" && copied === COPY_COMPLETED;
      const result = cut ? COPY_CANCELLED : copied;
      const over = result === COPY_DROPPED || kind === "future" && result === COPY_COMPLETED;
      end.state = over ? COPY_DONE : COPY_IDLE;
      return [code, index >>> 0, kind === "stream" ? result | buffer.progress << 4 : result];
    };
    end.state = COPY_COPYING;
    const instance = thread.isolate.instances[owner]!;
    const onCopy = (reclaim: ReclaimBuffer) => end.setEvent(() => event(COPY_COMPLETED, reclaim));
    const done = (result: number) => end.setEvent(() => event(result, undefined));
    if (reads) end.shared.read(instance, buffer, onCopy, done);
    else end.shared.write(instance, buffer, onCopy, done);
    const made = outcome(end, thread, options.async);
    if (!toAddress) return made;
    return made instanceof Promise ? made.then(asAddress) : asAddress(made as number);
  });
}

/** All ones stay all ones. */
function asAddress(outcome: number): bigint {
  return outcome === BLOCKED ? -1n : BigInt(outcome);
}

/** The payload of an operation that has ended; otherwise waits for it, or says that it has not. */
function outcome(end: CopyEnd, thread: TaskThread, isAsync: boolean): unknown {
  if (end.hasEvent) return end.takeEvent()[2];
  return isAsync ? BLOCKED : end.waitForEvent(thread).then(() => end.takeEvent()[2]);
}

function cancel(synth: CopySynth, thread: TaskThread, index: number, strict: boolean): unknown {
  const end = endOf(synth, thread, index, synth.op === "cancel-read");
  if (end.state !== COPY_COPYING || end.hasSyncWaiter) trap(`cannot cancel: no ${synth.kind} operation is pending`);
  const waitsInSet = end.inSet && !synth.async;
  if (waitsInSet && strict) trap(CANCELLED_IN_SET);
  end.state = COPY_CANCELLING;
  if (!end.hasEvent) end.shared.cancel();
  if (waitsInSet && !end.hasEvent) trap(CANCELLED_IN_SET);
  return outcome(end, thread, synth.async);
}
