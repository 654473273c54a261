/**
 * Connections that a task keeps for its next request to the same origin. What they save is a handshake, so only those are
 * kept that had one; and they are the task's own: another has other grants, and another caller.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { taskLocal } from "../../task.ts";
import type { CallLife } from "./call_life.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionGate } from "./connection_gate.ts";

/** Connections that one task keeps, so that one that asks everybody holds few. */
const MAX_KEPT = 4;

/** An open connection, and how long it lives. */
export interface Held {
  readonly connection: Connection;
  /** Ends with the connection, which it closes. */
  readonly life: CallLife;
}

const keptOf = taskLocal(() => {
  const kept = new Map<Held, { readonly key: string; readonly forget: () => void }>();
  currentTask().defer(() => {
    for (const { life } of kept.keys()) life.end();
  });
  return kept;
});

/** A connection that was kept under `key`, if it is still good. */
export function takeKept(key: string): Held | undefined {
  const kept = keptOf();
  for (const [held, { key: its, forget }] of kept) {
    if (its !== key) continue;
    forget();
    if (!held.life.over && held.connection.isQuiet === true) return held;
    held.life.end();
  }
  return undefined;
}

/** Keeps a connection under `key` that is quiet, until it is taken, the task ends, or `gate` wants it for another. */
export function keep(key: string, held: Held, gate: ConnectionGate): void {
  const task = currentTask();
  // Who waits for a connection has a request for it now.
  if (task.ended || gate.waiting > 0) return held.life.end();
  const kept = keptOf();
  const takeBack = gate.idle(task.function, () => held.life.end());
  const forget = () => {
    takeBack();
    kept.delete(held);
  };
  kept.set(held, { key, forget });
  held.life.onEnd(() => {
    // A connection that is in use again has been forgotten already.
    if (kept.get(held)?.forget === forget) forget();
  });
  if (kept.size > MAX_KEPT) [...kept.keys()][0]!.life.end();
}
