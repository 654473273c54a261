/**
 * What a test makes of a body, and of how a message ended.
 *
 * @module
 */
import type { SkerryError } from "../../errors.ts";
import type { Body } from "../../http/message.ts";
import { waitAny } from "../../streams/waitable.ts";

/** All that comes of a body, taken in pieces of at most `atOnce` bytes. Rejects with what it broke off with. */
export async function drained(body: Body | null, atOnce: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  while (body !== null) {
    const { source } = body;
    await waitAny([source]);
    if (source.state === "closed") break;
    if (source.state === "errored") throw source.error;
    pieces.push(source.take(atOnce).slice());
  }
  return await new Blob(pieces).bytes();
}

/** The code that a promise fails with. */
export const code = (outcome: unknown) =>
  Promise.resolve(outcome).then(() => "no error", (error: SkerryError) => error.code);
