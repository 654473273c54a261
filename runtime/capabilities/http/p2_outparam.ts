/**
 * The resource `wasi:http/types.response-outparam` 0.2.
 *
 * @module
 */
import { trap } from "../../streams/p2/mod.ts";
import { type ErrorCode, HttpFailure, type Result } from "./error_code.ts";
import type { Fields } from "./p2_fields.ts";
import { OutgoingResponse, type SetResponse } from "./p2_outgoing.ts";

/** What becomes of a {@linkcode ResponseOutparam}: exactly one of these, once. */
export interface OutparamOutcome {
  set(response: SetResponse): void;
  failed(code: ErrorCode): void;
  dropped(): void;
}

/** Where a guest puts its response. */
export class ResponseOutparam {
  #outcome: OutparamOutcome | undefined;

  constructor(outcome: OutparamOutcome) {
    this.#outcome = outcome;
  }

  sendInformational(status: number, _headers: Fields): void {
    if (status < 100 || status > 199) {
      throw new HttpFailure("HTTP-protocol-error", `sending an informational response: status ${status} is none`);
    }
    throw new HttpFailure({ tag: "internal-error", val: "this server sends no informational responses" });
  }

  static set(param: ResponseOutparam, response: Result<OutgoingResponse, ErrorCode>): void {
    const outcome = param.#outcome;
    if (outcome === undefined) {
      throw trap("wasi:http/types#[static]response-outparam.set", "the response has been set already");
    }
    param.#outcome = undefined;
    if (response.tag === "ok") outcome.set(OutgoingResponse.hostResponse(response.val));
    else outcome.failed(response.val);
  }

  [Symbol.dispose](): void {
    const outcome = this.#outcome;
    this.#outcome = undefined;
    outcome?.dropped();
  }
}
