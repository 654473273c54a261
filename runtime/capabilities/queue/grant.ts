/**
 * The grant of `queue`: to which queues a function may send.
 *
 * @module
 */
import { z } from "zod";

/** The parameters of the grant. */
export interface QueueGrant {
  readonly send: readonly string[];
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
}).meta({ description: "Sending messages to queues." });
