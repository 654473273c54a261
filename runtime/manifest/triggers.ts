/**
 * What calls a function beside requests: messages of queues, and schedules.
 *
 * @module
 */
import { z } from "zod";
import { checkedText, triggerName } from "../checked_text.ts";
import { DEFAULT_QUEUE_ATTEMPTS, DEFAULT_QUEUE_CONCURRENCY } from "../limits.ts";
import { cronProblem } from "../triggers/cron.ts";
import type { Mistake } from "./explain.ts";

/** A queue whose messages a function is called for. */
export interface QueueTrigger {
  readonly name: string;
  /** Where a POST goes for each message; `null` to call `wasi:messaging/incoming-handler`. */
  readonly path: string | null;
  /** After so many failures a message is a dead letter. */
  readonly attempts: number;
  /** Messages that one process handles at once. */
  readonly concurrency: number;
  /** How long the first retry waits, in milliseconds; each further one waits twice as long. */
  readonly backoffMs: number;
}

/** A time at which a function is called. */
export interface ScheduleTrigger {
  readonly name: string;
  /** Five fields, in UTC. */
  readonly cron: string;
  /** What is called: a path, with a POST, or an exported function, `INTERFACE#FUNCTION`. */
  readonly call: { readonly path: string } | { readonly export: string };
  /** Whether a run that nobody was there for is made up for, once. */
  readonly catchUp: boolean;
}

const path = checkedText((text) =>
  /^\/[\x21-\x7e]*$/.test(text) && !text.includes("#")
    ? undefined
    : 'is no path; write one that begins with a slash, such as "/jobs/nightly"'
);

const exported = checkedText((text) =>
  /^[a-z0-9-]+:[a-z0-9-]+\/[a-z0-9-]+(?:@[0-9A-Za-z.+-]+)?#[a-z][a-z0-9-]*$/.test(text)
    ? undefined
    : 'is no exported function; write INTERFACE#FUNCTION, such as "wasi:cli/run#run"'
);

const queue = z.strictObject({
  name: triggerName("queue").meta({ description: "The queue's name.", examples: ["orders"] }),
  path: path.optional().meta({
    description: `Where a POST goes for each message. If left out, wasi:messaging/incoming-handler is called.`,
    examples: ["/orders"],
  }),
  attempts: z.int().min(1).max(100).default(DEFAULT_QUEUE_ATTEMPTS).meta({
    description: "After so many failures a message is put among the dead letters.",
  }),
  concurrency: z.int().min(1).max(1000).default(DEFAULT_QUEUE_CONCURRENCY).meta({
    description: "Messages that one process handles at once.",
  }),
  backoffMs: z.int().min(1).max(3_600_000).default(1000).meta({
    description:
      "How long the first retry waits, in milliseconds; each further one waits twice as long, up to an hour.",
  }),
});

const schedule = z.strictObject({
  name: triggerName("schedule").meta({ description: "The schedule's name.", examples: ["nightly"] }),
  cron: checkedText(cronProblem).meta({
    description: "When: minute, hour, day of the month, month, day of the week, in UTC.",
    examples: ["0 3 * * *"],
  }),
  path: path.optional().meta({ description: "Where a POST goes.", examples: ["/jobs/nightly"] }),
  export: exported.optional().meta({
    description: 'Or what is called: an exported function without parameters, "INTERFACE#FUNCTION".',
    examples: ["wasi:cli/run#run"],
  }),
  catchUp: z.boolean().default(false).meta({
    description: "Whether a run that was missed, because no server was there, is made up for once.",
  }),
});

/** The keys of `function.json`. */
export const triggerKeys = {
  queues: z.array(queue).default([]).meta({
    description: "The queues whose messages the function is called for. Each queue has one function.",
    examples: [[{ name: "orders", path: "/orders" }]],
  }),
  schedule: z.array(schedule).default([]).meta({
    description: "When the function is called by itself.",
    examples: [[{ name: "nightly", cron: "0 3 * * *", path: "/jobs/nightly" }]],
  }),
};

type Written = { readonly [Key in keyof typeof triggerKeys]: z.output<(typeof triggerKeys)[Key]> };

/** The triggers with their defaults. */
export function resolveTriggers(
  { queues, schedule }: Written,
): { readonly queues: readonly QueueTrigger[]; readonly schedule: readonly ScheduleTrigger[] } {
  return {
    queues: queues.map((written) => ({ ...written, path: written.path ?? null })),
    schedule: schedule.map(({ name, cron, catchUp, path, export: exported }) => ({
      name,
      cron,
      catchUp,
      call: path !== undefined ? { path } : { export: exported! },
    })),
  };
}

/** What each key allows and the keys together do not. */
export function triggerContradictions({ queues, schedule }: Written): Mistake[] {
  const mistakes: Mistake[] = [];
  for (const [index, { path, export: exported }] of schedule.entries()) {
    if ((path === undefined) === (exported === undefined)) {
      const message = path === undefined
        ? 'says when, but not what to call; write "path" or "export"'
        : 'has both "path" and "export"; take one of them out';
      mistakes.push({ path: ["schedule", index], message });
    }
  }
  for (const [key, entries] of [["queues", queues], ["schedule", schedule]] as const) {
    for (const [index, { name }] of entries.entries()) {
      const twin = entries.slice(0, index).findIndex((earlier) => earlier.name === name);
      if (twin < 0) continue;
      const message = `${JSON.stringify(name)} is the name of ${key}[${twin}] already; write another, or take it out`;
      mistakes.push({ path: [key, index, "name"], message });
    }
  }
  return mistakes;
}
