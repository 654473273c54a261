/**
 * What a function sees: where its assets and its scratch folder are.
 *
 * @module
 */
import { currentTask } from "../../context.ts";
import { type Task, taskLocal } from "../../task.ts";
import { fail } from "./error.ts";
import { FolderNode, now, type Space, type Volume } from "./node.ts";

/** A folder of the guest's. */
export interface Mount {
  /** Where the guest sees it: `/data`. */
  readonly path: string;
  readonly root: FolderNode;
}

/** The mounts of the task that is running. */
export type Mounts = () => readonly Mount[];

/** A number for a path that hardly another has: FNV-1a. */
export function hashOf(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash;
}

/** The memory that all scratch folders of a process take together. */
export class Budget {
  readonly #most: number;
  #used = 0;

  /** @param most In bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  get used(): number {
    return this.#used;
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.#most) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

const MEBIBYTE = 2 ** 20;

/** What each name counts at least: an empty file takes memory too. */
const ENTRY_BYTES = 512;

/** Counts what the scratch folder of a task takes, and gives it back to the process when the task ends. */
class ScratchSpace implements Space {
  readonly #task: Task;
  readonly #budget: Budget;
  #bytes = 0;
  #entries = 0;
  #reserved = 0;

  constructor(task: Task, budget: Budget) {
    this.#task = task;
    this.#budget = budget;
    task.defer(() => this.#reserve(-this.#reserved));
  }

  takeBytes(count: number): void {
    if (this.#bytes + count > this.#task.limits.scratchMb * MEBIBYTE) {
      this.#task.meet("scratchMb", `${count} more bytes of files in the scratch folder`);
      fail("insufficient-space");
    }
    this.#reserve(count);
    this.#bytes += count;
  }

  giveBytes(count: number): void {
    this.#bytes -= count;
    this.#reserve(-count);
  }

  takeEntry(): void {
    if (this.#entries >= this.#task.limits.scratchEntries) {
      this.#task.meet("scratchEntries", "another file or folder in the scratch folder");
      fail("insufficient-space");
    }
    this.#reserve(ENTRY_BYTES);
    this.#entries++;
  }

  giveEntry(): void {
    this.#entries--;
    this.#reserve(-ENTRY_BYTES);
  }

  #reserve(bytes: number): void {
    if (bytes > 0) {
      if (this.#task.ended) fail("insufficient-space");
      if (!this.#budget.take(bytes)) {
        this.#task.countLimit("process.scratch");
        this.#task.log("warn", "the scratch folders of all functions together have no more space", "host");
        fail("insufficient-space");
      }
    } else {
      // What was given back at the end of the task is not given back again.
      bytes = Math.max(bytes, -this.#reserved);
      this.#budget.give(-bytes);
    }
    this.#reserved += bytes;
  }
}

/** A folder that is empty when a task begins and gone when it ends: nothing of it is ever on a disk. */
export function scratch(path: string, budget: Budget): () => Mount {
  const hash = hashOf(`scratch ${path}`);
  return taskLocal(() => {
    const volume: Volume = { hash, readOnly: false, space: new ScratchSpace(currentTask(), budget), nextId: 1 };
    return { path, root: new FolderNode(volume, now()) };
  });
}
