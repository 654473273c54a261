/**
 * How the sending of a response goes.
 *
 * @module
 */
import { SkerryError, toSkerryError } from "./errors.ts";
import type { SendOptions } from "./http/web.ts";

/** How the sending of a response goes. */
export class Delivery {
  readonly #name: string;
  #closed = false;
  #over: PromiseWithResolvers<void> | undefined;

  /** @param name the function's */
  constructor(name: string) {
    this.#name = name;
  }

  /** To be called once, when the response's body has ended. */
  readonly end: SendOptions["onEnd"] = (how, reason) => {
    if (how === "closed") {
      this.#closed = true;
      return this.#over?.resolve();
    }
    this.#resolvers.reject(
      how === "cancelled"
        ? new SkerryError("caller-gone", `serving ${this.#name}: the caller has left`)
        : toSkerryError(reason, `sending the response of ${this.#name}`),
    );
  };

  /** Settles when the body has ended; `undefined` when it has done so in good order already. */
  get over(): Promise<void> | undefined {
    return this.#closed ? undefined : this.#resolvers.promise;
  }

  get #resolvers(): PromiseWithResolvers<void> {
    return this.#over ??= Promise.withResolvers();
  }
}
