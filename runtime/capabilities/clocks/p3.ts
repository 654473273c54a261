/**
 * `wasi:clocks` 0.3.0.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import type { HostImports } from "../../engine/mod.ts";
import { yieldTurn } from "../../streams/turn.ts";
import { timer, waitAny } from "../../streams/waitable.ts";
import { localTime, MONOTONIC_RESOLUTION_NS, monotonicNow, WALL_RESOLUTION_NS, wallNow } from "./time.ts";

/** `wasi:clocks/system-clock.instant`. */
export interface Instant {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** Waits until `performance.now()` has reached `at`. When the task ends the timer goes, and nobody waits any more. */
async function waitUntil(at: number): Promise<void> {
  const instant = timer(at);
  // A guest that waits for what is past, over and over, must not keep the event loop to itself.
  if (instant.ready) await yieldTurn();
  else await waitAny([instant], currentTask().signal);
}

const milliseconds = (nanoseconds: bigint) => Number(nanoseconds) / 1e6;

export const p3: HostImports = {
  "wasi:clocks/types@0.3.0": {},
  "wasi:clocks/monotonic-clock@0.3.0": {
    now: monotonicNow,
    getResolution: () => MONOTONIC_RESOLUTION_NS,
    waitUntil: async (when: bigint): Promise<void> => await waitUntil(milliseconds(when)),
    waitFor: async (howLong: bigint): Promise<void> => await waitUntil(performance.now() + milliseconds(howLong)),
  },
  "wasi:clocks/system-clock@0.3.0": {
    now: (): Instant => wallNow(),
    getResolution: () => BigInt(WALL_RESOLUTION_NS),
  },
  "wasi:clocks/timezone@0.3.0": {
    ianaId: (): string | undefined => localTime.name,
    utcOffset: (_when: Instant): bigint | undefined => BigInt(localTime.utcOffset),
    toDebugString: () => localTime.name,
  },
};
