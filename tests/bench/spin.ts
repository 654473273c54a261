/**
 * By how much guests that compute without end exceed their CPU time before they are ended.
 *
 * @module
 */
import type { Worker } from "./again.ts";
import { handlerOf, loadComponent, openEngine, type ServedComponent } from "./engines.ts";
import { percentile } from "./stats.ts";

/** What a spinner may compute. */
export const SPIN_CPU_MS = 200;

export interface SpinSpec extends ServedComponent {
  /** Where its guest computes without end. */
  readonly path: string;
  /** How many at once. */
  readonly c: number;
}

/** Makes what lets guests compute until they are ended, again and again. An operation is one of them. */
export async function spinners(spec: SpinSpec): Promise<Worker> {
  const served = await loadComponent(await openEngine(spec), spec);
  let over: number[] = [];
  const handler = handlerOf({ ...served, limits: { ...served.limits, cpuMs: SPIN_CPU_MS } }, ({ fields }) => {
    const cpuMs = fields?.["cpuMs"];
    if (typeof cpuMs === "number") over.push(cpuMs - SPIN_CPU_MS);
  });
  const spin = async () => {
    const { status } = await handler(new Request(`http://localhost${spec.path}`));
    if (status !== 504) throw new Error(`computing without end: the status is ${status}`);
  };
  return async function workFor(ms) {
    over = [];
    const began = performance.now();
    do await Promise.all(Array.from({ length: spec.c }, spin)); while (performance.now() - began < ms);
    over.sort((a, b) => a - b);
    const elapsedMs = performance.now() - began;
    return { count: over.length, elapsedMs, p50Ms: percentile(over, 0.5), p99Ms: percentile(over, 0.99) };
  };
}
