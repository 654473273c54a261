/**
 * Who pays for what SQLite does.
 *
 * @module
 */
import type { CpuClock } from "../../../engine/cpu.ts";
import { Growth } from "../../../engine/growth.ts";
import { type Fuel, type MeteredIsolate, noFuel } from "../../../engine/metering.ts";
import type { Task } from "../../../task.ts";

/** What a task asks of an instance, for the meter. */
export class Work implements MeteredIsolate {
  readonly task: Task;
  readonly clock: CpuClock;
  readonly fuel: Fuel = noFuel();
  readonly growth: Growth = new Growth();
  #suspended = false;

  constructor(task: Task, clock: CpuClock) {
    this.task = task;
    this.clock = clock;
  }

  get over(): boolean {
    return this.task.ended;
  }

  failed(error: unknown): unknown {
    this.task.end(error as Parameters<Task["end"]>[0]);
    return error;
  }

  suspend(): void {
    this.pause();
    this.#suspended = true;
  }

  /** Until it is first suspended, its time is part of the guest's, whose clock runs. */
  pause(): void {
    const { cpuMs } = this.task;
    this.clock.stop();
    if (!this.#suspended) this.task.cpuMs = cpuMs;
  }
}
