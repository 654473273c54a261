/**
 * Calls a guest's `wasi:http/handler` 0.3.
 *
 * @module
 */
import { currentTask, enterTask } from "../../context.ts";
import type { InterfaceName, Isolate } from "../../engine/mod.ts";
import { guestError, hostStreamsOpen } from "../../engine/streams.ts";
import { SkerryError } from "../../errors.ts";
import type { Exchange, HttpRequest, HttpResponse } from "../../http/message.ts";
import { afterTurn } from "../../streams/turn.ts";
import type { Task } from "../../task.ts";
import { describeErrorCode, type ErrorCode, HttpFailure } from "./error_code.ts";
import { failedBehind, received } from "./next.ts";
import type { GuestContents } from "./p3_contents.ts";
import { Request, Response } from "./p3_messages.ts";
import { guestFailure } from "./serve_p2.ts";

/** How long the last bytes of a guest that has ended may take to get here, before its body counts as left open. */
const LAST_BYTES_MS = 1_000;

/**
 * Hands `request` to the guest. Call it inside the isolate's task.
 *
 * The response is there as soon as the guest has returned it; its body then comes as the guest writes it. The exchange
 * has finished when the guest's last task is over, if the engine can tell, and otherwise when the body is.
 *
 * @param interfaceName As the isolate exports it: `wasi:http/handler@0.3.0`.
 */
export function serveP3(isolate: Isolate, interfaceName: InterfaceName, request: HttpRequest): Exchange {
  return new P3Exchange(isolate, interfaceName, request);
}

class P3Exchange implements Exchange {
  readonly response: Promise<HttpResponse>;
  readonly finished: Promise<void>;
  readonly #task: Task = currentTask();
  readonly #isolate: Isolate;
  readonly #interface: InterfaceName;
  readonly #request: HttpRequest;
  /** The guest's part in the response, if it made it; a response that it passed on has none. */
  #guest: GuestContents | undefined;
  /** Whether it has returned from `handle`, well or not. */
  #returned = false;

  constructor(isolate: Isolate, interfaceName: InterfaceName, request: HttpRequest) {
    // Whatever the component's own type of `handle` says, what is made of its answer waits.
    enterTask();
    this.#isolate = isolate;
    this.#interface = interfaceName;
    this.#request = request;
    const over = Promise.withResolvers<never>();
    over.promise.catch(() => {});
    const forget = this.#task.defer(() => over.reject(this.#task.reason));
    this.response = this.#respond(over.promise);
    this.finished = this.#finish(over.promise).finally(forget);
    // Not before: a guest that is over may have passed the body on, and it still flows.
    this.#task.defer(() => request.body?.source.cancel());
    // Whoever serves listens to one of them at a time; neither may end the process.
    this.response.catch(() => {});
    this.finished.catch(() => {});
  }

  async #respond(over: Promise<never>): Promise<HttpResponse> {
    let returned: unknown;
    received(this.#request);
    try {
      returned = await Promise.race([this.#call(Request.received(this.#request)), this.#endedFirst(), over]);
    } catch (thrown) {
      const error = guestError(thrown);
      if (error === undefined) throw guestFailure(thrown, this.#task.function);
      const behind = failedBehind(error.payload);
      if (behind !== undefined) throw behind;
      throw this.#failure(
        "guest-error",
        `the guest answered with the error ${describeErrorCode(error.payload as ErrorCode)}`,
      );
    } finally {
      this.#returned = true;
    }
    if (!(returned instanceof Response)) {
      throw this.#failure("guest-response-invalid", "the guest returned a response of another host");
    }
    try {
      const { response, guest } = Response.send(returned, this.#request.method);
      this.#guest = guest;
      await guest?.settle();
      return response;
    } catch (error) {
      returned[Symbol.dispose]();
      if (!(error instanceof HttpFailure)) throw error;
      throw this.#failure("guest-response-invalid", error.message);
    }
  }

  #call(request: Request): unknown {
    const isolate = this.#isolate;
    if (isolate.call !== undefined) return isolate.call(this.#interface, "handle", [request]);
    const handle = isolate.exports[this.#interface]?.["handle"];
    if (handle !== undefined) return handle(request);
    throw this.#failure("component-no-handler", `it does not export ${this.#interface}`);
  }

  async #finish(over: Promise<never>): Promise<void> {
    await this.response;
    const guest = this.#guest;
    const { ended } = this.#isolate;
    if (ended === undefined) {
      await Promise.race([guest?.transmission, over]);
      return;
    }
    let sent = guest === undefined;
    guest?.transmission.then(() => sent = true);
    try {
      await Promise.race([ended, over]);
    } catch (thrown) {
      // Whoever exits after all is sent has exited in good order.
      const failure = guestFailure(thrown, this.#task.function);
      if (sent && failure.code === "guest-exited") return;
      guest?.breakOff(failure);
      throw failure;
    }
    if (!sent) this.#expectEnd(guest!);
  }

  /** Rejects when the guest is over, for it will not return any more; what it has returned gets here first. */
  #endedFirst(): Promise<never> {
    return new Promise((_, reject) => {
      this.#isolate.ended?.then(() => {
        if (this.#returned) return;
        afterTurn(() => {
          if (!this.#returned) reject(this.#failure("guest-no-response", "the guest ended without a response"));
        });
      }, reject);
    });
  }

  /** No guest is left to write `guest`'s body: it ends soon, or when a stream of the host that was passed on does, or never. */
  #expectEnd(guest: GuestContents): void {
    let sent = false;
    let timer: ReturnType<typeof setInterval> | undefined;
    const look = () => {
      // A slow reader may take as long as it likes over what the guest has left.
      if (guest.hasMore() || hostStreamsOpen()) return;
      guest.breakOff(this.#failure("guest-response-incomplete", "the guest ended without finishing its body"));
    };
    // Most are sent by then.
    const callOff = afterTurn(() => {
      if (!sent && !this.#task.ended) timer = setInterval(look, LAST_BYTES_MS);
    });
    const over = () => {
      sent = true;
      callOff();
      clearInterval(timer);
    };
    const forget = this.#task.defer(over);
    guest.transmission.then(() => {
      over();
      forget();
    });
  }

  #failure(
    code:
      | "component-no-handler"
      | "guest-no-response"
      | "guest-error"
      | "guest-response-invalid"
      | "guest-response-incomplete",
    message: string,
  ): SkerryError {
    return new SkerryError(code, `calling ${this.#task.function}: ${message}`);
  }
}
