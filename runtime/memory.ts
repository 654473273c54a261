/**
 * Who may have memory: one gate for all isolates of a process, with a budget of linear memory and a number of memories.
 *
 * What isolates declare and grow by is counted, not what they touch. Growing may wait until others have ended; new
 * isolates wait in `admission.ts`.
 *
 * @module
 */
import v8 from "node:v8";
import { DEFAULT_MEMORY_MB, FREE_GROWTH_BYTES, MAX_MEMORIES, MEMORY_SHARE } from "./limits.ts";

/** What an isolate has from the start. */
export interface MemoryNeed {
  /** Of all its memories together. */
  readonly bytes: number;
  /** How many memories. */
  readonly memories: number;
  /** What its memories have beyond that to grow in, where there is plenty: see {@linkcode MemoryAccount.tight}. */
  readonly room?: number;
}

/** What one function has of the process's memory: the sum of its isolates. */
export interface MemoryShare {
  bytes: number;
  memories: number;
}

/**
 * How many times what is left free a function may have, once it has any: so one alone may have 95 hundredths of all, two 49
 * each, and however many are greedy, there is room for one that is not.
 */
const MOST_PER_FREE = 20;

/** The need of what has no memory, or whose memory is not known. */
export const NO_MEMORY: MemoryNeed = Object.freeze({ bytes: 0, memories: 0 });

/** What growing may fill of the budget. The rest is for new isolates: a function that grows does not keep others out. */
const GROWTH_SHARE = 0.9;

/** So much at once makes V8 collect what is dead, though nobody ever touches it. */
const NUDGE_BYTES = 512 * 1024 * 1024;

export interface MemoryGateOptions {
  /** Linear memory of all isolates together. */
  readonly bytes: number;
  /** Memories of isolates, dead ones that are not collected yet included. Default: {@linkcode MAX_MEMORIES}. */
  readonly memories?: number;
  /** What V8 may hold for them, room to grow in included. Default: somewhat less than makes it collect again and again. */
  readonly held?: number;
}

/** Room to grow in is given while no more than this part of what V8 may hold is held. */
const ROOMY_SHARE = 0.1;

interface Grower {
  readonly account: MemoryAccount;
  readonly bytes: number;
  readonly settle: (granted: boolean) => void;
}

/**
 * The memory of a process.
 *
 * @example
 * ```ts
 * import { MemoryGate } from "./memory.ts";
 *
 * const MIB = 1024 * 1024;
 * const gate = new MemoryGate({ bytes: 100 * MIB });
 * const first = gate.open({ bytes: 50 * MIB, memories: 1 });
 * const second = gate.open({ bytes: MIB, memories: 1 });
 * console.assert(first.grow(30 * MIB) && !second.grow(30 * MIB));
 * const granted = second.waitToGrow(30 * MIB);
 * first.close();
 * console.assert(await granted);
 * ```
 */
export class MemoryGate {
  /** What it may give out, in bytes. */
  readonly budget: number;
  readonly #most: number;
  readonly #growers = new Set<Grower>();
  readonly #whenRoom = new Set<() => void>();
  #accounts = 0;
  readonly #collected = new FinalizationRegistry<undefined>(() => {
    this.#existing--;
    this.#nudgeAt = Math.max(this.#most, this.#existing + this.#most / 4);
  });
  readonly #mostHeld: number;
  #held = 0;
  #used = 0;
  #memories = 0;
  #existing = 0;
  #nudgeAt: number;
  /** How often growing was refused. */
  refused = 0;
  /** How often growing had to wait. */
  waited = 0;

  constructor({ bytes, memories = MAX_MEMORIES, held = mostHeldByV8() }: MemoryGateOptions) {
    this.budget = bytes;
    this.#mostHeld = held;
    this.#most = memories;
    this.#nudgeAt = memories;
  }

  /** What isolates have, in bytes. */
  get used(): number {
    return this.#used;
  }

  /** The memories of isolates that live. */
  get memories(): number {
    return this.#memories;
  }

  /** The memories that have been made and not been collected: of isolates, dead ones included, and kept for the next. */
  get existing(): number {
    return this.#existing;
  }

  /** How many guests wait to grow. */
  get waiting(): number {
    return this.#growers.size;
  }

  /** Whether it could ever be given out. */
  mayFit({ bytes, memories }: MemoryNeed): boolean {
    return bytes <= this.budget && memories <= this.#most && bytes <= this.#mostHeld;
  }

  /** Whether there is room for one more isolate, of the function that has `share` already. */
  fits({ bytes, memories }: MemoryNeed, share?: MemoryShare): boolean {
    const room = this.budget - this.#used - bytes;
    const places = this.#most - this.#memories - memories;
    const holdable = this.#mostHeld - this.#held - bytes;
    if (room < 0 || places < 0 || holdable < 0) return false;
    // The first of a function always may.
    if (share === undefined || (share.bytes === 0 && share.memories === 0)) return true;
    return share.bytes + bytes <= MOST_PER_FREE * Math.min(room, holdable) &&
      share.memories + memories <= MOST_PER_FREE * places;
  }

  /** Counts an isolate, whether it fits or not, of the function that has `share` already. */
  open(need: MemoryNeed, share?: MemoryShare): MemoryAccount {
    this.#used += need.bytes;
    this.#memories += need.memories;
    if (share !== undefined) {
      share.bytes += need.bytes;
      share.memories += need.memories;
    }
    this.#accounts++;
    const { bytes, room = 0 } = need;
    const roomy = this.#held + bytes + room <= this.#mostHeld * ROOMY_SHARE;
    this.#held += bytes + (roomy ? room : 0);
    return new MemoryAccount(this, need, !roomy, share);
  }

  /** Calls `wake` once, when there may be more room. */
  whenRoom(wake: () => void): void {
    this.#whenRoom.add(wake);
  }

  /** Counts a memory until it is collected. Where many dead ones are left, has V8 collect them. */
  made(memory: WebAssembly.Memory): void {
    this.#collected.register(memory, undefined);
    if (++this.#existing < this.#nudgeAt) return;
    nudge();
    // The registry says what was collected only later: until then so many more may be made.
    this.#nudgeAt = this.#existing + this.#most / 4;
  }

  /** @ignore For accounts. */
  grow(account: MemoryAccount, bytes: number): boolean {
    if (!this.#fitsGrowth(bytes) || !this.#mayHave(account, bytes)) return false;
    // Those who wait come first, but for those of functions that have much already.
    for (const grower of this.#growers) if (this.#mayHave(grower.account, grower.bytes)) return false;
    this.take(bytes);
    return true;
  }

  /** @ignore For accounts. */
  take(bytes: number): void {
    this.#used += bytes;
    this.#held += bytes;
  }

  /** @ignore For accounts. */
  wait(account: MemoryAccount, bytes: number): Promise<boolean> {
    // More than there will ever be, or nobody is left who could make room: waiting would only pass the time.
    if (bytes > Math.min(this.budget, this.#mostHeld) * GROWTH_SHARE || this.#growers.size + 1 >= this.#accounts) {
      this.refused++;
      return Promise.resolve(false);
    }
    this.waited++;
    return new Promise((resolve) => {
      const grower: Grower = {
        account,
        bytes,
        settle: (granted) => {
          this.#growers.delete(grower);
          if (granted) {
            this.take(bytes);
            account.took(bytes);
          } else this.refused++;
          resolve(granted);
        },
      };
      this.#growers.add(grower);
    });
  }

  /** @ignore For accounts. */
  close(account: MemoryAccount, { memories, room = 0 }: MemoryNeed): void {
    this.#accounts--;
    this.#used -= account.bytes;
    this.#held -= account.bytes + (account.tight ? 0 : room);
    this.#memories -= memories;
    if (account.share !== undefined) {
      account.share.bytes -= account.bytes;
      account.share.memories -= memories;
    }
    for (const grower of this.#growers) if (grower.account === account) grower.settle(false);
    // Those who have memory already come first: when they are done, there is more of it.
    for (const grower of this.#growers) {
      if (!this.#mayHave(grower.account, grower.bytes)) continue;
      if (!this.#fitsGrowth(grower.bytes)) break;
      grower.settle(true);
    }
    // If all that are left wait for each other, the last of them hears no.
    const last = [...this.#growers].at(-1);
    if (last !== undefined && this.#growers.size >= this.#accounts) last.settle(false);
    if (this.#whenRoom.size === 0) return;
    const wakes = [...this.#whenRoom];
    this.#whenRoom.clear();
    for (const wake of wakes) wake();
  }

  /** Whether a function may have so much more, of what there is for growing. Its only isolate may have all of that. */
  #mayHave({ share, bytes: own }: MemoryAccount, bytes: number): boolean {
    if (share === undefined || share.bytes <= own) return true;
    const room = Math.min(this.budget * GROWTH_SHARE - this.#used, this.#mostHeld * GROWTH_SHARE - this.#held) - bytes;
    return share.bytes + bytes <= MOST_PER_FREE * room;
  }

  #fitsGrowth(bytes: number): boolean {
    return this.#used + bytes <= this.budget * GROWTH_SHARE && this.#held + bytes <= this.#mostHeld * GROWTH_SHARE;
  }
}

/** The memory of one isolate. */
export class MemoryAccount {
  readonly #gate: MemoryGate;
  readonly #need: MemoryNeed;
  /** Whether its memories are to have no room to grow in beyond what the isolate declares: there are many already. */
  readonly tight: boolean;
  /** What its function has, where that counts. */
  readonly share: MemoryShare | undefined;
  #grown = 0;
  #closed = false;

  constructor(gate: MemoryGate, need: MemoryNeed, tight: boolean, share: MemoryShare | undefined) {
    this.#gate = gate;
    this.#need = need;
    this.tight = tight;
    this.share = share;
  }

  /** All that it has, in bytes. */
  get bytes(): number {
    return this.#need.bytes + this.#grown;
  }

  /** Counts a memory until it is collected. */
  made(memory: WebAssembly.Memory): void {
    this.#gate.made(memory);
  }

  /** Takes `bytes` more, if they are there now. The first {@linkcode FREE_GROWTH_BYTES} always are. */
  grow(bytes: number): boolean {
    if (this.#closed) return false;
    if (this.#grown + bytes <= FREE_GROWTH_BYTES) this.#gate.take(bytes);
    else if (!this.#gate.grow(this, bytes)) return false;
    this.took(bytes);
    return true;
  }

  /** Waits for `bytes` more. Resolves to whether it has them: not, when it is closed, or there will never be so many. */
  waitToGrow(bytes: number): Promise<boolean> {
    return this.#closed ? Promise.resolve(false) : this.#gate.wait(this, bytes);
  }

  /** @ignore For the gate. */
  took(bytes: number): void {
    this.#grown += bytes;
    if (this.share !== undefined) this.share.bytes += bytes;
  }

  /** Gives everything back. Later calls do nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gate.close(this, this.#need);
  }
}

/**
 * What V8 can hold in memories without collecting everything for each new one, which takes a tenth of a second: it does so
 * from twice the heap's limit on.
 */
function mostHeldByV8(): number {
  let limit = 0;
  try {
    limit = v8.getHeapStatistics().heap_size_limit;
  } catch {
    // Not every host of Deno's says.
  }
  return SAFE_SHARE * 2 * (limit || DEFAULT_HEAP_LIMIT_BYTES);
}

/**
 * The rest is for the dead: V8 holds them until it collects. With 0.85, as many again as had waited could come in when
 * five thousand isolates ended at once, and each of them made V8 look through all the others.
 */
const SAFE_SHARE = 0.74;

/** What V8 takes by itself on a machine with 8 GB. */
const DEFAULT_HEAP_LIMIT_BYTES = 2 ** 32;

/** Makes V8 collect dead memories now: it does by itself only when they are large, and few may be. */
function nudge(): void {
  try {
    new ArrayBuffer(NUDGE_BYTES);
  } catch {
    // There is not so much address space: then V8 has just tried to make room.
  }
}

/**
 * How much linear memory isolates may have, in bytes: a share of what the container or the machine has, where this
 * process may ask (`--allow-sys=systemMemoryInfo` for the machine, `--allow-all` for a container's own limit), and
 * {@linkcode DEFAULT_MEMORY_MB} where it may not.
 */
export async function memoryBudget(): Promise<number> {
  const asked = [machineMemory(), ...await Promise.all(CGROUP_FILES.map(cgroupMemory))];
  const known = asked.filter((bytes) => bytes > 0 && bytes < UNLIMITED_BYTES);
  return known.length === 0 ? DEFAULT_MEMORY_MB * 1024 * 1024 : Math.floor(Math.min(...known) * MEMORY_SHARE);
}

/** More than any machine has stands for no limit. */
const UNLIMITED_BYTES = 2 ** 50;

const CGROUP_FILES = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

function machineMemory(): number {
  try {
    const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
    return state === "granted" ? Deno.systemMemoryInfo().total : 0;
  } catch {
    return 0;
  }
}

async function cgroupMemory(path: string): Promise<number> {
  try {
    // Never a question to whoever sits at the terminal.
    const { state } = await Deno.permissions.query({ name: "read", path });
    // "max" is none.
    return state === "granted" ? Number(await Deno.readTextFile(path)) || 0 : 0;
  } catch {
    return 0;
  }
}

/** The memory of this process, for everyone who has been given no other. */
export const processMemory: MemoryGate = new MemoryGate({ bytes: DEFAULT_MEMORY_MB * 1024 * 1024 });
