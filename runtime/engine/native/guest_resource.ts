/**
 * A component's resource in the hands of the host.
 *
 * @module
 */
import type { NativeIsolate } from "./isolate.ts";
import { trap } from "./trap.ts";
import type { ResourceType } from "./types.ts";

/** What the host holds of a resource that a component exports. It is good for that component's functions alone. */
export class GuestResource {
  readonly #isolate: NativeIsolate;
  readonly #type: ResourceType;
  readonly #rep: unknown;
  #own: boolean;

  constructor(isolate: NativeIsolate, type: ResourceType, rep: unknown, own: boolean) {
    this.#isolate = isolate;
    this.#type = type;
    this.#rep = rep;
    this.#own = own;
  }

  /** The representation behind `value`, which is given away when `own` is set. */
  static rep(value: unknown, isolate: NativeIsolate, type: ResourceType, own: boolean): unknown {
    if (!(value instanceof GuestResource) || value.#type !== type || value.#isolate !== isolate) {
      throw new TypeError(`expected a resource ${type.name} of this isolate`);
    }
    if (!value.#own) trap(`the resource ${type.name} has been given away or is borrowed`);
    if (own) value.#own = false;
    return value.#rep;
  }
}
