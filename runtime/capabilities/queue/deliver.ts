/**
 * Hands a message to a guest: to its `wasi:messaging/incoming-handler`.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import type { Isolate } from "../../engine/mod.ts";
import { guestError } from "../../engine/streams.ts";
import { SkerryError } from "../../errors.ts";
import { Message, type MessagingErrorPayload } from "./message.ts";
import type { QueueMessage } from "./store.ts";

/** The interface that a function exports to be called for messages. */
export const INCOMING_HANDLER = "wasi:messaging/incoming-handler@0.2.0-draft";

/**
 * Calls the guest for a message. Call it inside the isolate's task. Resolves when the guest has handled it.
 *
 * @throws {SkerryError} `guest-error` with what the guest said, `guest-trapped` or `guest-exited`.
 */
export async function deliver(isolate: Isolate, queue: string, content: QueueMessage): Promise<void> {
  const { function: name } = currentTask();
  const handle = isolate.exports[INCOMING_HANDLER]?.["handle"];
  if (handle === undefined) {
    throw new SkerryError("component-no-handler", `calling ${name}: it does not export ${INCOMING_HANDLER}`);
  }
  try {
    await handle(Message.received(queue, content));
  } catch (thrown) {
    if (thrown instanceof SkerryError) throw thrown;
    const error = guestError(thrown);
    if (error !== undefined) {
      const { tag, ...rest } = error.payload as MessagingErrorPayload;
      const said = "val" in rest ? `${tag}: ${rest.val}` : tag;
      throw new SkerryError("guest-error", `calling ${name}: the guest answered with the error ${said}`);
    }
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SkerryError("guest-trapped", `calling ${name}: ${detail}`, { cause: thrown });
  }
}
