/**
 * The two kinds of ends that a call can have: the host, and another component.
 *
 * @module
 */
import type { ValueSlot } from "./component_values.ts";
import type { Cx } from "./context.ts";
import { GuestResource } from "./guest_resource.ts";
import type { Face } from "./handles.ts";
import { liftForHost, liftShared, lowerFromHost, lowerShared } from "./async/values.ts";
import type { ResourceType } from "./types.ts";

/** Between two components, representations travel as they are. */
export const componentFace: Face = {
  isHost: false,
  fromRep: (_type, rep) => rep,
  toRep: (_type, rep) => rep,
  liftAsync: liftShared,
  lowerAsync: lowerShared,
};

/** Towards the host, a component's resource is a {@linkcode GuestResource}, and the host's are its own objects. */
export class HostFace implements Face {
  readonly isHost = true;
  /** The host's class of each resource type that it gave. */
  readonly classes = new Map<ResourceType, abstract new () => object>();
  /** The values that it gave. */
  readonly values = new Map<ValueSlot, unknown>();

  fromRep(type: ResourceType, rep: unknown, cx: Cx, own: boolean): unknown {
    return new GuestResource(cx.isolate, type, rep, own);
  }

  toRep(type: ResourceType, value: unknown, cx: Cx, own: boolean): unknown {
    if (type.owner !== undefined) return GuestResource.rep(value, cx.isolate, type, own);
    const hostClass = this.classes.get(type);
    if (hostClass === undefined || !(value instanceof hostClass)) {
      throw new TypeError(`expected an instance of the host's ${hostClass?.name ?? type.name}, got ${describe(value)}`);
    }
    return value;
  }

  readonly liftAsync = liftForHost;
  readonly lowerAsync = lowerFromHost;
}

function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Promise) return "a Promise: declare the host function async, or mark it with waits()";
  return `an instance of ${value.constructor?.name ?? "no class"}`;
}
