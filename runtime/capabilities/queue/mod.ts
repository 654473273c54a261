/**
 * The capability `queue`: a function sends messages by `wasi:messaging/producer`. `"queue": { "send": ["orders"] }` lets it
 * send to one queue. Which function is called for the messages stands in that function's manifest, under `queues`.
 *
 * @module
 */
import { z } from "zod";
import { type Capability, defineCapability } from "../../capability.ts";
import { currentTask } from "../../context.ts";
import { openDatabase } from "../../database.ts";
import { Full, meetQuota } from "../../quota.ts";
import { taskLocal } from "../../task.ts";
import { formatTraceParent } from "../../trace.ts";
import { queueGrant } from "./grant.ts";
import { type Client, Message, MessagingError, types } from "./message.ts";
import { QueueStore } from "./store.ts";

/** Messages that one task may send, so that a loop without an end does not fill the disk. */
export const MAX_SENT_PER_TASK = 1000;

const sent = taskLocal(() => ({ count: 0 }));

/** The capability on a database of one's own. */
export function queueOn(open: () => QueueStore | Promise<QueueStore>): Capability {
  return defineCapability({
    name: "queue",
    interfaces: ["wasi:messaging/producer@0.2.0-draft"],
    grant: queueGrant,
    open,
    link: ({ grant, function: sender, store }) => {
      const most = { bytes: grant.maxBytes, entries: grant.maxMessages };
      return {
        "wasi:messaging/producer@0.2.0-draft": {
          async send(_client: Client, topic: string, message: Message): Promise<void> {
            const task = currentTask();
            // It was handed over, whatever becomes of it.
            using _handed = message;
            if (!grant.send.includes(topic)) {
              const line = `"queue": { "send": ${JSON.stringify([...grant.send, topic.slice(0, 63)])} }`;
              task.log("warn", `${sender} may not send to the queue. To allow it, write in its function.json: ${line}`);
              const val = `${sender} was not granted to send to ${JSON.stringify(topic)}`;
              throw new MessagingError({ tag: "permission-denied", val });
            }
            const content = Message.content(message);
            if (++sent().count > MAX_SENT_PER_TASK) {
              task.countLimit("request.messages");
              throw new MessagingError({ tag: "other", val: `one request may send ${MAX_SENT_PER_TASK} messages` });
            }
            try {
              const traceparent = formatTraceParent(task.trace);
              await store.send(topic, { ...content, traceparent, sender, sentAt: Date.now() }, most);
            } catch (error) {
              if (error instanceof Full) throw full(topic, error);
              task.log("error", `queue send: ${error instanceof Error ? error.stack : error}`);
              throw new MessagingError({ tag: "connection", val: "the queue could not take the message" });
            }
          },
        },
      };
    },
  });
}

function full(topic: string, { what, held, most }: Full): MessagingError {
  const [unit, key] = what === "bytes" ? ["bytes", "maxBytes"] : ["messages", "maxMessages"];
  const val = `the queue ${JSON.stringify(topic)} is full: ${held} of ${most} ${unit}`;
  meetQuota({ grant: "queue", key, message: val });
  return new MessagingError({ tag: "other", val });
}

export const queue: Capability = queueOn(async () => QueueStore.on(await openDatabase()));

/** What messages are, which who only receives them has to know as well: it does no harm, and needs no grant. */
export const messages: Capability = defineCapability({
  name: "messages",
  interfaces: ["wasi:messaging/types@0.2.0-draft"],
  ungranted: {},
  grant: z.strictObject({}).meta({ description: "What messages are. Every function has it." }),
  open: () => undefined,
  link: () => ({ "wasi:messaging/types@0.2.0-draft": types }),
});
