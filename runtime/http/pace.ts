/**
 * How long a function may have to wait for its caller's body.
 *
 * @module
 */
import { SkerryError } from "../errors.ts";
import type { ReadPace } from "../streams/web.ts";
import type { Task } from "../task.ts";

/** For each byte that has come, the caller may take a millisecond more: a slow line is no attack. */
const MS_PER_BYTE = 1;

/** What is late by so much may have come meanwhile, and only not been looked at, as others were computing. */
const GRACE_MS = 20;

/**
 * Ends a task whose caller takes longer than `limits.requestBodyWaitMs`, with `request-timeout`. Only the time counts in
 * which the guest waits; while it computes, or reads nothing, the caller need not send.
 */
export class BodyPace implements ReadPace {
  readonly #task: Task;
  #waitedMs = 0;
  #bytes = 0;
  /** Since when the guest waits, and what it had computed by then; negative when it does not. */
  #since = -1;
  #cpuMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #late = false;

  constructor(task: Task) {
    this.#task = task;
    task.defer(() => this.ended());
  }

  waiting(): void {
    if (this.#since >= 0) return;
    // One that is armed is soon enough. Before the mark: on a stack that is full it throws, and the next wait must try again.
    if (this.#timer === undefined) this.#arm(this.#leftMs);
    this.#since = performance.now();
    this.#cpuMs = this.#task.cpuMs;
  }

  arrived(bytes: number): void {
    this.#waitedMs += this.#nowMs;
    this.#since = -1;
    this.#bytes += bytes;
  }

  ended(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#since = -1;
  }

  get #nowMs(): number {
    if (this.#since < 0) return 0;
    return Math.max(0, performance.now() - this.#since - (this.#task.cpuMs - this.#cpuMs));
  }

  get #leftMs(): number {
    return this.#task.limits.requestBodyWaitMs + this.#bytes * MS_PER_BYTE - this.#waitedMs - this.#nowMs;
  }

  #arm(ms: number): void {
    // The longest delay that a timer takes.
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(Math.ceil(ms), GRACE_MS), 2 ** 31 - 1));
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#since < 0 || this.#task.ended) return;
    const left = this.#leftMs;
    if (left > 0 || !this.#late) {
      this.#late = left <= 0;
      return this.#arm(left);
    }
    this.#task.countLimit("requestBodyWaitMs");
    const { requestBodyWaitMs } = this.#task.limits;
    this.#task.end(
      new SkerryError(
        "request-timeout",
        `receiving a request's body: after ${this.#bytes} bytes, the function has waited for more than ` +
          `${requestBodyWaitMs} ms (limits.requestBodyWaitMs)`,
      ),
    );
  }
}
