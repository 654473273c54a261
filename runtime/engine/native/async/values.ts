/**
 * Streams, futures and error contexts as values: lifted and lowered.
 *
 * Implements `lift_async_value`, `lower_stream` and `lower_future` of CanonicalABI.md.
 *
 * @module
 */
import { HostStream } from "../../streams.ts";
import type { Cx } from "../context.ts";
import { trap } from "../trap.ts";
import type { ValueType } from "../types.ts";
import { ErrorContext } from "./builtins.ts";
import { COPY_DONE, COPY_IDLE, CopyEnd, type Shared } from "./copy.ts";
import { GuestFutureReader, GuestStreamReader } from "./host_reader.ts";
import { ByteSourceEnd, hostFutureEnd, hostStreamEnd, PromiseEnd } from "./host_source.ts";

/** Takes a readable end out of a table. */
function takeEnd(cx: Cx, index: number, type: ValueType): Shared {
  const kind = type.kind as "stream" | "future";
  const end = cx.instance.handles.get(index);
  if (!(end instanceof CopyEnd) || end.shared.kind !== kind || !end.readable) {
    trap(`handle index ${index} is not a readable ${kind} end`);
  }
  if (end.shared.element !== elementOf(type)) trap(`${kind} end has a different type`);
  if (end.state !== COPY_IDLE) {
    trap(
      end.state === COPY_DONE
        ? `cannot lift ${kind} after being notified that the writable end dropped`
        : `cannot lift busy ${kind}`,
    );
  }
  if (end.inSet) trap(`cannot lift ${kind} that is in a waitable set`);
  cx.instance.handles.remove(index);
  return end.shared;
}

function elementOf(type: ValueType): ValueType | undefined {
  return type.kind === "stream" || type.kind === "future" ? type.element : undefined;
}

function takeErrorContext(cx: Cx, index: number): ErrorContext {
  const context = cx.instance.handles.get(index);
  return context instanceof ErrorContext ? context : trap(`handle index ${index} is not an error context`);
}

/** Between components. */
export function liftShared(type: ValueType): (cx: Cx, index: number) => unknown {
  if (type.kind === "error-context") return takeErrorContext;
  return (cx, index) => takeEnd(cx, index, type);
}

export function lowerShared(type: ValueType): (cx: Cx, value: unknown) => number {
  if (type.kind === "error-context") return (cx, value) => cx.instance.handles.add(value as ErrorContext);
  return (cx, value) => cx.instance.handles.add(new CopyEnd(value as Shared, true));
}

/** Towards the host. */
export function liftForHost(type: ValueType): (cx: Cx, index: number) => unknown {
  switch (type.kind) {
    case "stream":
      return (cx, index) => {
        const shared = takeEnd(cx, index, type);
        // The host's own stream goes back as the source that it was.
        return shared instanceof ByteSourceEnd ? shared.source : new GuestStreamReader(cx.isolate, shared);
      };
    case "future":
      return (cx, index) => {
        const shared = takeEnd(cx, index, type);
        return shared instanceof PromiseEnd ? shared.promise : new GuestFutureReader(cx.isolate, shared);
      };
    default:
      return takeErrorContext;
  }
}

export function lowerFromHost(type: ValueType): (cx: Cx, value: unknown) => number {
  switch (type.kind) {
    case "stream":
      return (cx, value) => {
        const { isolate } = cx;
        const shared = GuestStreamReader.take(value, isolate) ?? hostStreamEnd(isolate, type.element, asStream(value));
        return cx.instance.handles.add(new CopyEnd(shared, true));
      };
    case "future":
      return (cx, value) => {
        const { isolate } = cx;
        const shared = GuestFutureReader.take(value, isolate) ?? hostFutureEnd(isolate, type.element, value);
        return cx.instance.handles.add(new CopyEnd(shared, true));
      };
    default:
      return (cx, value) => {
        const message = value instanceof Error ? value.message : (value as Partial<ErrorContext>)?.debugMessage;
        return cx.instance.handles.add(
          value instanceof ErrorContext ? value : new ErrorContext(String(message ?? value)),
        );
      };
  }
}

/** A source of bytes is as good as a stream around it. */
function asStream(value: unknown): unknown {
  const isSource = typeof value === "object" && value !== null && "take" in value && "subscribe" in value;
  return isSource ? new HostStream(value as ConstructorParameters<typeof HostStream>[0]) : value;
}
