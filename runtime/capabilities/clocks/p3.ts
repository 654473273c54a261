/**
 * `wasi:clocks` 0.3.0.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { type HostImports, waits } from "../../engine/mod.ts";
import { CALL_OFF } from "../../engine/streams.ts";
import { yieldTurn } from "../../streams/turn.ts";
import { timer } from "../../streams/waitable.ts";
import { taskLocal } from "../../task.ts";
import { localTime, MONOTONIC_RESOLUTION_NS, monotonicNow, WALL_RESOLUTION_NS, wallNow } from "./time.ts";

/** `wasi:clocks/system-clock.instant`. */
export interface Instant {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** So many waits for the past are over at once, before it is looked at whether others should have their turn. */
const PAST_AT_ONCE = 32;

const past = taskLocal(() => ({ left: PAST_AT_ONCE }));

/**
 * Waits until `performance.now()` has reached `at`; where it has already, the call is over at once. When the task ends, or the guest takes its call back, the timer goes
 * and nobody waits any more.
 */
function waitUntil(at: number): Promise<void> | undefined {
  const instant = timer(at);
  if (instant.ready) {
    const waits = past();
    if (--waits.left > 0) return undefined;
    // A guest that waits for what is past, over and over, must not keep the event loop to itself.
    waits.left = PAST_AT_ONCE;
    return yieldTurn();
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  let forget = () => {};
  const stop = instant.subscribe(() => {
    forget();
    resolve();
  });
  forget = currentTask().defer(stop);
  return Object.assign(promise, {
    [CALL_OFF]() {
      forget();
      stop();
    },
  });
}

const milliseconds = (nanoseconds: bigint) => Number(nanoseconds) / 1e6;

export const p3: HostImports = {
  "wasi:clocks/types@0.3.0": {},
  "wasi:clocks/monotonic-clock@0.3.0": {
    now: monotonicNow,
    getResolution: () => MONOTONIC_RESOLUTION_NS,
    waitUntil: waits((when: bigint) => waitUntil(milliseconds(when))),
    waitFor: waits((howLong: bigint) => waitUntil(performance.now() + milliseconds(howLong))),
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
