/**
 * Randomness as every WASI version sees it.
 *
 * @module
 */
import { SkerryError } from "../../errors.ts";
import { maybeTask } from "../../context.ts";
import { taskLocal } from "../../task.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";

/** `crypto.getRandomValues` fills no more at once. */
const MAX_FILL_BYTES = 65_536;

/**
 * `length` bytes from the system's cryptographic generator. The insecure interfaces get these too: nothing is gained by
 * worse ones.
 *
 * @throws {SkerryError} `guest-trapped` beyond {@linkcode maxRandomBytes}: the WIT has no error to answer with.
 */
export function randomBytes(length: bigint): Uint8Array<ArrayBuffer> {
  const most = maxRandomBytes();
  if (length > most) {
    maybeTask()?.countLimit("randomBytes");
    throw new SkerryError(
      "guest-trapped",
      `wasi:random: ${length} bytes at once, but at most ${most} are allowed (limits.randomBytes). Ask several times.`,
    );
  }
  const bytes = new Uint8Array(Number(length));
  for (let at = 0; at < bytes.byteLength; at += MAX_FILL_BYTES) {
    crypto.getRandomValues(bytes.subarray(at, at + MAX_FILL_BYTES));
  }
  return bytes;
}

/** What one call may ask for: a guest can ask for 2^64 bytes. */
export function maxRandomBytes(): number {
  return (maybeTask()?.limits ?? DEFAULT_LIMITS).randomBytes;
}

export function randomU64(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0]!;
}

/** 128 bits to seed hash maps with: the same ones for all of a task, however often its guest asks. */
export const randomSeed: () => readonly [bigint, bigint] = taskLocal(() => [randomU64(), randomU64()] as const);
