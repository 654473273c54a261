import { expect } from "@std/expect";
import { BUSY, EXCLUSIVE, NONE, OK, RESERVED, SHARED } from "./codes.ts";
import { type Lockable, Locks } from "./locks.ts";

/** A file that is locked as `flock()` does it, and that tells `watch` of each step. */
class LockedFile {
  readonly #held = new Map<object, boolean>();

  open(watch: () => void): Lockable {
    const held = this.#held;
    return {
      tryLockSync(exclusive) {
        for (const [other, exclusively] of held) if (other !== this && (exclusive || exclusively)) return false;
        held.set(this, exclusive);
        watch();
        return true;
      },
      unlockSync() {
        held.delete(this);
        watch();
      },
    };
  }
}

/** A database that processes open: `watch` is called between any two steps of one that was opened with it. */
function database(): (watch?: () => void) => Locks {
  const [readers, writer, turn] = [new LockedFile(), new LockedFile(), new LockedFile()];
  return (watch = () => {}) =>
    new Locks({ readers: readers.open(watch), writer: writer.open(watch), turn: turn.open(watch) });
}

Deno.test("a journal that was left behind is nobody's, also for two processes that look at once", () => {
  const openLocks = database();
  const other = openLocks();
  const seen: boolean[] = [];
  const ours = openLocks(() => seen.push(other.isReserved()));
  expect([ours.isReserved(), seen.length > 0, seen.includes(true)]).toEqual([false, true, false]);
});

Deno.test("who may read finds no journal of a writer that was ended in the middle taken for a living one's", () => {
  for (const asWriter of [true, false]) {
    const openLocks = database();
    const other = openLocks();
    let reads = 0;
    const found: boolean[] = [];
    let watching = false;
    const ours = openLocks(() => {
      if (!watching) return;
      const reader = { level: NONE };
      if (other.lock(reader, SHARED) === BUSY) return;
      reads++;
      found.push(other.isReserved());
      other.unlock(reader, NONE);
    });
    const holder = { level: NONE };
    const levels = asWriter ? [SHARED, RESERVED, EXCLUSIVE] : [SHARED, EXCLUSIVE];
    expect(levels.map((level) => ours.lock(holder, level))).toEqual(levels.map(() => OK));
    watching = true;
    expect(ours.unlock(holder, NONE)).toBe(OK);
    expect([asWriter, reads > 0, found.includes(true)]).toEqual([asWriter, true, false]);
  }
});
