/**
 * The grant of `queue`: to which queues a function may send.
 *
 * @module
 */
import { z } from "zod";
import { triggerName } from "../../checked_text.ts";
import { GRANT_LIMITS } from "../../grant_limits.ts";

/** The parameters of the grant. */
export interface QueueGrant {
  readonly send: readonly string[];
  /** What each of them may hold. */
  readonly maxBytes: number;
  readonly maxMessages: number;
}

const { "queue.maxBytes": BYTES, "queue.maxMessages": MESSAGES } = GRANT_LIMITS;

const quota = ({ most, byDefault }: typeof BYTES | typeof MESSAGES) => z.int().min(1).max(most).default(byDefault);

/**
 * The schema of the grant.
 *
 * @example
 * ```ts
 * import { queueGrant } from "./grant.ts";
 *
 * console.assert(queueGrant.safeParse({ send: ["orders"] }).success);
 * console.assert(!queueGrant.safeParse({ send: ["Orders!"] }).success);
 * ```
 */
export const queueGrant: z.ZodType<QueueGrant> = z.strictObject({
  send: z.array(triggerName("queue")).meta({
    description: 'The queues that the function may send to. Who receives them says so under "queues".',
    examples: [["orders"]],
  }),
  maxBytes: quota(BYTES).meta({
    description: "How many bytes the messages of each of the queues may have, for this function to send one.",
  }),
  maxMessages: quota(MESSAGES).meta({
    description:
      "How many messages each of the queues may hold, for this function to send one: those that wait, those " +
      "that are being handled, and dead letters.",
  }),
}).meta({ description: "Sending messages to queues." });
