/**
 * `wasi:clocks` 0.2.12.
 *
 * @module
 */
import { atOnce, type HostImports } from "../../engine/mod.ts";
import { Pollable } from "../../streams/p2/mod.ts";
import { timer } from "../../streams/waitable.ts";
import { localTime, MONOTONIC_RESOLUTION_NS, monotonicNow, WALL_RESOLUTION_NS, wallNow } from "./time.ts";

/** `wasi:clocks/wall-clock.datetime`. */
export interface Datetime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** Nanoseconds of the monotonic clock as `performance.now()` has it. */
const milliseconds = (nanoseconds: bigint) => Number(nanoseconds) / 1e6;

const wallClockNow = (): Datetime => wallNow();
atOnce(monotonicNow, wallClockNow);

export const p2: HostImports = {
  "wasi:clocks/monotonic-clock@0.2.12": {
    now: monotonicNow,
    resolution: () => MONOTONIC_RESOLUTION_NS,
    subscribeInstant: (when: bigint) => new Pollable(timer(milliseconds(when))),
    subscribeDuration: (duration: bigint) => new Pollable(timer(performance.now() + milliseconds(duration))),
  },
  "wasi:clocks/wall-clock@0.2.12": {
    now: wallClockNow,
    resolution: (): Datetime => ({
      seconds: 0n,
      nanoseconds: WALL_RESOLUTION_NS,
    }),
  },
  "wasi:clocks/timezone@0.2.12": {
    display: () => localTime,
    utcOffset: () => localTime.utcOffset,
  },
};
