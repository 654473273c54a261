/**
 * The grant of `queue`: to which queues a function may send.
 *
 * @module
 */
import { z } from "zod";
import { MAX_QUEUE_BYTES, MAX_QUEUE_MESSAGES } from "../../limits.ts";

/** The parameters of the grant. */
export interface QueueGrant {
  readonly send: readonly string[];
  /** What each of them may hold. */
  readonly maxBytes: number;
  readonly maxMessages: number;
}

const NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/;

const queueName = z.string().check(({ value, issues }) => {
  if (NAME.test(value)) return;
  const message =
    `${JSON.stringify(value)} is no name of a queue; write lower-case letters, digits, dashes, dots and ` +
    "underscores, at most 63";
  issues.push({ code: "custom", message, input: value });
}).meta({ pattern: NAME.source });

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
  send: z.array(queueName).meta({
    description: 'The queues that the function may send to. Who receives them says so under "queues".',
    examples: [["orders"]],
  }),
  maxBytes: z.int().min(1).max(2 ** 50).default(MAX_QUEUE_BYTES).meta({
    description: "How many bytes the messages of each of the queues may have, for this function to send one.",
  }),
  maxMessages: z.int().min(1).max(2 ** 40).default(MAX_QUEUE_MESSAGES).meta({
    description:
      "How many messages each of the queues may hold, for this function to send one: those that wait, those " +
      "that are being handled, and dead letters.",
  }),
}).meta({ description: "Sending messages to queues." });
