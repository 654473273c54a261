/**
 * The capability `log`: `wasi:logging`. What a function logs becomes records of its task, with level and context:
 * `"log": {}`, or `"log": { "level": "info" }` to leave out what is below a level.
 *
 * @module
 */
import { z } from "zod";
import { defineCapability } from "../../capability.ts";
import { currentTask } from "../../context.ts";
import type { HostImports } from "../../engine/mod.ts";
import { MAX_LOG_LINE_BYTES } from "../../limits.ts";
import type { LogLevel } from "../../log.ts";

/** From the least to the most urgent, as the WIT has them. */
const LEVELS = ["trace", "debug", "info", "warn", "error", "critical"] as const satisfies readonly LogLevel[];

/** The part of a context that is kept: it groups records, and is no place for text. */
const MAX_CONTEXT_CHARS = 64;

/** The parameters of the grant. */
export interface LogGrant {
  /** Records below this level are dropped. All are kept if left out. */
  readonly level?: LogLevel | undefined;
}

/** `wasi:logging`, for a function that logs from `grant.level` on; `toSource` finds places in its sources. */
export function logging(grant: LogGrant, toSource = (text: string) => text): HostImports {
  const least = LEVELS.indexOf(grant.level ?? "trace");
  const host = {
    log(level: LogLevel, context: string, message: string): void {
      if (LEVELS.indexOf(level) < least) return;
      const task = currentTask();
      // Never `host` or `stdout`, whatever the guest says: who reads a record has to know who wrote it.
      const source = context === "" ? "log" : `log:${context.slice(0, MAX_CONTEXT_CHARS)}`;
      const told = toSource(message);
      for (let at = 0; at === 0 || at < told.length; at += MAX_LOG_LINE_BYTES) {
        task.log(level, told.slice(at, at + MAX_LOG_LINE_BYTES), source);
      }
    },
  };
  // Older toolchains leave the version out.
  return { "wasi:logging/logging@0.1.0-draft": host, "wasi:logging/logging": host };
}

export const log = defineCapability({
  name: "log",
  interfaces: Object.keys(logging({})),
  grant: z.strictObject({
    level: z.enum(LEVELS).optional().meta({
      description: "The least urgent level that is kept; all if left out.",
      examples: ["info"],
    }),
  }).meta({ description: "Log records with a level and a context." }),
  open: () => undefined,
  link: ({ grant, toSource }) => logging(grant, toSource),
});
