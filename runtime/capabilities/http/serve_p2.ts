/**
 * Calls a guest's `wasi:http/incoming-handler` 0.2.
 *
 * @module
 */
import { currentTask, enterTask } from "../../context.ts";
import type { InterfaceName, Isolate } from "../../engine/mod.ts";
import { SkerryError } from "../../errors.ts";
import type { Exchange, HttpRequest, HttpResponse } from "../../http/message.ts";
import { afterTurn, fairTurn, isInLine } from "../../streams/turn.ts";
import type { Task } from "../../task.ts";
import type { BodyWriter } from "./body_writer.ts";
import { contentLength } from "./body_writer.ts";
import { describeErrorCode, type ErrorCode, HttpFailure } from "./error_code.ts";
import { IncomingRequest } from "./p2_incoming.ts";
import { incoming, type SetResponse } from "./p2_outgoing.ts";
import { type OutparamOutcome, ResponseOutparam } from "./p2_outparam.ts";

/**
 * Hands `request` to the guest. Call it inside the isolate's task.
 *
 * The response is there as soon as the guest has set it. If the guest ends its body within the same turn of the event
 * loop, as most do, the response comes with all of it, so that the server can send it whole; and if the body breaks off
 * within that turn, nothing has been sent, and the caller can be told.
 *
 * @param interfaceName As the isolate exports it: `wasi:http/incoming-handler@0.2.3`.
 */
export function serveP2(isolate: Isolate, interfaceName: InterfaceName, request: HttpRequest): Exchange {
  return new P2Exchange(isolate, interfaceName, request);
}

const ignore = () => {};

/** Statuses of responses that have no body, whatever the guest has written: RFC 9110, sections 15.3.5 and 15.4.5. */
const BODYLESS: ReadonlySet<number> = new Set([204, 304]);

class P2Exchange implements Exchange, OutparamOutcome {
  readonly #task: Task = currentTask();
  readonly #request: HttpRequest;
  /** What the response has come to, once it may go out. */
  #outcome: HttpResponse | SkerryError | undefined;
  /** There when somebody waits for it. */
  #waiting: PromiseWithResolvers<HttpResponse> | undefined;
  /** There until the guest has returned, unless that is at once. */
  #end: PromiseWithResolvers<void> | undefined;
  /** The body of the response that was set. */
  #writer: BodyWriter | undefined;
  /** Whether the guest has said what its response is, or that it has none. */
  #settled = false;
  #over = false;
  /** The response that was set. */
  #response: HttpResponse | undefined;
  /** Takes back that the response goes out at the end of this turn; there while the guest may still end its body. */
  #forgetTurn: (() => void) | undefined;

  constructor(isolate: Isolate, interfaceName: InterfaceName, request: HttpRequest) {
    this.#request = request;
    const result = this.#call(isolate, interfaceName);
    if (result instanceof Promise) this.#await(result);
    else this.#conclude();
  }

  #await(result: Promise<unknown>): void {
    enterTask();
    this.#end = Promise.withResolvers();
    // Whoever serves listens to the response first; neither may end the process.
    this.#end.promise.catch(ignore);
    const forget = this.#task.defer(() => this.#conclude(taskFailure(this.#task)));
    const ended = (failure?: SkerryError) => {
      forget();
      this.#conclude(failure);
    };
    result.then(() => ended(), (error) => ended(guestFailure(error, this.#task.function)));
    this.#releaseSoon();
  }

  get response(): HttpResponse | Promise<HttpResponse> {
    const outcome = this.#outcome;
    if (outcome !== undefined && !(outcome instanceof SkerryError)) return outcome;
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers();
      this.#waiting.promise.catch(ignore);
      if (outcome !== undefined) this.#waiting.reject(outcome);
    }
    return this.#waiting.promise;
  }

  get finished(): Promise<void> | undefined {
    return this.#end?.promise;
  }

  #call(isolate: Isolate, interfaceName: InterfaceName): unknown {
    incoming().method = this.#request.method;
    const args = [new IncomingRequest(this.#request), new ResponseOutparam(this)];
    if (isolate.call !== undefined) return isolate.call(interfaceName, "handle", args);
    const handle = isolate.exports[interfaceName]?.["handle"];
    if (handle !== undefined) return handle(...args);
    return Promise.reject(
      new SkerryError("component-no-handler", `calling ${this.#task.function}: it does not export ${interfaceName}`),
    );
  }

  failed(code: ErrorCode): void {
    this.#fail("guest-error", `the guest answered with the error ${describeErrorCode(code)}`);
  }

  dropped(): void {
    // An isolate that ends with its task drops what the guest still holds: that is no doing of the guest's.
    if (this.#task.ended) return;
    this.#fail("guest-no-response", "the guest dropped response-outparam without setting it");
  }

  set({ status, fields, writer }: SetResponse): void {
    this.#settled = true;
    this.#writer = writer;
    try {
      const length = contentLength(fields);
      const bodyless = this.#request.method === "HEAD" || status === 304;
      if (writer === undefined && length && !bodyless) {
        throw new HttpFailure("HTTP-protocol-error", `content-length is ${length}, but there is no body`);
      }
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      writer?.body.source.cancel();
      return this.#settle(this.#failure("guest-response-invalid", error.message));
    }
    this.#response = { status, fields, body: writer?.body ?? null };
    // Before its call has answered, the guest may be about to end the body.
    if (this.#end !== undefined) this.#releaseSoon();
  }

  /** Lets the response go out: with all of its body, if that has ended or does so within this turn. */
  #releaseSoon(): void {
    if (this.#response === undefined) return;
    if (this.#writer === undefined || this.#writer.ended) return this.#release();
    this.#forgetTurn = afterTurn(this.#releaseInLine.bind(this));
  }

  /** The same once those of its function that could go on, and that others came before, have had their turn. */
  #releaseInLine(): void {
    const { function: name } = this.#task;
    if (!isInLine(name)) return this.#release();
    const release = this.#release.bind(this, undefined);
    fairTurn(name).then(() => this.#forgetTurn = afterTurn(release));
  }

  /** The response goes out; or, if its body has broken off before that, an answer that says so. */
  #release(failure?: SkerryError): void {
    const response = this.#response;
    if (response === undefined) return;
    const error = response.body?.source.error;
    // A response without a body goes out whatever became of the body that the guest wrote.
    const bodyless = this.#request.method === "HEAD" || BODYLESS.has(response.status);
    this.#settle(error instanceof SkerryError && !bodyless ? failure ?? error : response);
  }

  #settle(outcome: HttpResponse | SkerryError): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    if (outcome instanceof SkerryError) this.#waiting?.reject(outcome);
    else this.#waiting?.resolve(outcome);
  }

  #fail(code: "guest-error" | "guest-no-response", message: string): void {
    this.#settled = true;
    this.#settle(this.#failure(code, message));
  }

  /** The guest has ended: what it has not done by now, it never will. */
  #conclude(failure?: SkerryError): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#settled) {
      this.#settle(failure ?? this.#failure("guest-no-response", "the guest returned without a response"));
    }
    this.#forgetTurn?.();
    if (this.#writer?.ended === false) {
      const why = failure === undefined ? "the guest returned without finishing it" : failure.message;
      this.#writer.breakOff(
        new SkerryError("guest-response-incomplete", `writing the response body: ${why}`, { cause: failure }),
      );
    }
    this.#release(failure);
    this.#request.body?.source.cancel();
    if (failure === undefined) this.#end?.resolve();
    else this.#end!.reject(failure);
  }

  #failure(code: "guest-error" | "guest-no-response" | "guest-response-invalid", message: string): SkerryError {
    return new SkerryError(code, `calling ${this.#task.function}: ${message}`);
  }
}

/** Why a task is over, if not because all went well. */
function taskFailure({ reason }: Task): SkerryError | undefined {
  return reason instanceof SkerryError ? reason : undefined;
}

/** What a guest's call threw, by its meaning. Whatever a host function throws without a `payload` is a trap by the ABI. */
export function guestFailure(thrown: unknown, name: string): SkerryError {
  if (thrown instanceof SkerryError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new SkerryError("guest-trapped", `calling ${name}: ${detail}`, { cause: thrown });
}
