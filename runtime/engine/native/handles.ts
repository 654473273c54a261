/**
 * Resources on their way through a call: own and borrow, lifted and lowered.
 *
 * Implements `lift_own`, `lift_borrow`, `lower_own` and `lower_borrow` of CanonicalABI.md.
 *
 * @module
 */
import type { Cx } from "./context.ts";
import { ResourceHandle, takeOwn } from "./resources.ts";
import { trap } from "./trap.ts";
import type { ResourceType, ValueType } from "./types.ts";

/**
 * Who is at the other end of a call: the host, for whom a resource is an object and a stream a `ReadableStream`, or
 * another component, for whom values stay in the forms that the engine has for them.
 */
export interface Face {
  readonly isHost: boolean;
  /** What a lifted `own` of a component's resource becomes. */
  fromRep(type: ResourceType, rep: unknown, cx: Cx, own: boolean): unknown;
  /** The representation behind what is to be lowered. */
  toRep(type: ResourceType, value: unknown, cx: Cx, own: boolean): unknown;
  /** Streams, futures and error contexts. */
  liftAsync(type: ValueType): (cx: Cx, index: number) => unknown;
  lowerAsync(type: ValueType): (cx: Cx, value: unknown) => number;
}

export function liftOwn(type: ResourceType, face: Face): (cx: Cx, index: number) => unknown {
  if (type.owner === undefined) return (cx, index) => takeOwn(cx.instance.handles, index, type);
  return (cx, index) => face.fromRep(type, takeOwn(cx.instance.handles, index, type), cx, true);
}

export function liftBorrow(type: ResourceType, face: Face): (cx: Cx, index: number) => unknown {
  const ofHost = type.owner === undefined;
  return (cx, index) => {
    const handle = cx.instance.handles.resource(index, type);
    handle.lends++;
    if (cx.lenders === undefined) cx.lenders = [handle];
    else cx.lenders.push(handle);
    return ofHost ? handle.rep : face.fromRep(type, handle.rep, cx, false);
  };
}

export function lowerOwn(type: ResourceType, face: Face): (cx: Cx, value: unknown) => number {
  return (cx, value) => {
    const rep = face.toRep(type, value, cx, true);
    return cx.instance.handles.add(new ResourceHandle(type, rep, true, undefined));
  };
}

export function lowerBorrow(type: ResourceType, face: Face): (cx: Cx, value: unknown) => number {
  return (cx, value) => {
    const rep = face.toRep(type, value, cx, false);
    if (cx.instance.index === type.owner) return rep as number;
    const { scope } = cx;
    if (scope === undefined) return trap("a borrow cannot be lowered here");
    scope.borrows++;
    return cx.instance.handles.add(new ResourceHandle(type, rep, false, scope));
  };
}
