/**
 * Quotas: the limits that stand in grants and not under `limits`, for they bound what outlives a request.
 *
 * @module
 */
import type { QuotaName } from "./limits.ts";

/** One quota of a grant. */
interface GrantLimit {
  /** What holds where a grant says nothing. */
  readonly byDefault: number;
  /** The most that a grant may ask for, and an operator may allow. */
  readonly most: number;
  /** What it bounds, for {@linkcode GRANT_LIMITS}'s table. */
  readonly description: string;
  /** Why the default is what it is: whom it protects from what. */
  readonly reason: string;
  /** What the guest gets when it is met. */
  readonly guest: string;
}

/**
 * The quotas of Skerry's own capabilities, by where they stand in `grants` and by what they are counted. `limits.md` has
 * a table of them, made by `deno task schema`.
 */
export const GRANT_LIMITS = {
  "kv.maxBytes": {
    byDefault: 2 ** 30,
    most: 2 ** 50,
    description: "Bytes in the keys and values of each store, for the function to add some.",
    reason: "A guest must not fill the operator's disk.",
    guest: "`other`, saying so",
  },
  "kv.maxKeys": {
    byDefault: 1_000_000,
    most: 2 ** 40,
    description: "Keys in each store, for the function to add one.",
    reason: "Each takes some hundred bytes more than it has.",
    guest: "`other`, saying so",
  },
  "queue.maxBytes": {
    byDefault: 2 ** 30,
    most: 2 ** 50,
    description: "Bytes in the messages of each queue, for the function to send one.",
    reason: "Messages that nobody handles are kept, on the operator's disk.",
    guest: "`other`, saying so",
  },
  "queue.maxMessages": {
    byDefault: 1_000_000,
    most: 2 ** 40,
    description: "Messages in each queue, dead letters among them, for the function to send one.",
    reason: "Each takes some hundred bytes more than it has.",
    guest: "`other`, saying so",
  },
  "blob.maxBytes": {
    byDefault: 10 * 2 ** 30,
    most: 2 ** 50,
    description: "Bytes in the objects of each container, for the function to write more; in a bucket none by default.",
    reason: "A guest must not fill the operator's disk; who has a bucket pays for what is in it.",
    guest: "an error that says so",
  },
  "blob.maxObjects": {
    byDefault: 100_000,
    most: 2 ** 40,
    description: "Objects in each container, for the function to write one more; in a bucket none by default.",
    reason: "Each is a file, and counting them takes a while when a process first writes to the container.",
    guest: "an error that says so",
  },
} as const satisfies Readonly<Record<QuotaName, GrantLimit>>;

/** Where a quota stands: its grant and its key. */
export type GrantLimitName = keyof typeof GRANT_LIMITS;

/** The names of all of them. */
export const GRANT_LIMIT_NAMES = Object.freeze(Object.keys(GRANT_LIMITS)) as readonly GrantLimitName[];

/** The most that an operator allows grants of this process, where that is less than {@linkcode GRANT_LIMITS} do. */
export type GrantCeilings = { readonly [Name in GrantLimitName]?: number };

/** A quota that a manifest asks for, and its operator does not allow. */
export interface OverGrantCeiling {
  readonly name: GrantLimitName;
  /** Where it stands in the manifest. */
  readonly path: readonly string[];
  readonly asked: number;
  readonly ceiling: number;
}

/**
 * The first quota in `grants` that is above the operator's ceiling; a default never is: it is lowered.
 *
 * @example
 * ```ts
 * import { overGrantCeilings } from "./grant_limits.ts";
 *
 * const over = overGrantCeilings({ kv: { maxBytes: 2000, maxKeys: 1_000_000 } }, { "kv.maxBytes": 1000, "kv.maxKeys": 5 });
 * console.assert(over?.name === "kv.maxBytes" && over.asked === 2000);
 * ```
 */
export function overGrantCeilings(
  grants: Readonly<Record<string, unknown>>,
  ceilings: GrantCeilings,
): OverGrantCeiling | undefined {
  for (const name of GRANT_LIMIT_NAMES) {
    const [grant, key] = parts(name);
    const asked = (grants[grant] as Readonly<Record<string, unknown>> | undefined)?.[key];
    if (typeof asked !== "number" || asked === GRANT_LIMITS[name].byDefault) continue;
    const ceiling = ceilings[name];
    if (ceiling !== undefined && asked > ceiling) return { name, path: ["grants", grant, key], asked, ceiling };
  }
  return undefined;
}

/**
 * What the operator allows the grants of one capability, by their keys.
 *
 * @example
 * ```ts
 * import { ceilingsOf } from "./grant_limits.ts";
 *
 * console.assert(ceilingsOf("kv", { "kv.maxKeys": 5, "blob.maxBytes": 7 }).maxKeys === 5);
 * ```
 */
export function ceilingsOf(capability: string, ceilings: GrantCeilings): Readonly<Record<string, number>> {
  const own: Record<string, number> = {};
  for (const name of GRANT_LIMIT_NAMES) {
    const [grant, key] = parts(name);
    const ceiling = ceilings[name];
    if (grant === capability && ceiling !== undefined) own[key] = ceiling;
  }
  return own;
}

/** `grant`, where what is above a ceiling is lowered to it. What it leaves open, its capability has to hold to that. */
export function underGrantCeilings(grant: unknown, ceilings: Readonly<Record<string, number>>): unknown {
  const lowered: Record<string, unknown> = { ...grant as object };
  for (const [key, ceiling] of Object.entries(ceilings)) {
    const asked = lowered[key];
    if (typeof asked === "number" && asked > ceiling) lowered[key] = ceiling;
  }
  return lowered;
}

const parts = (name: GrantLimitName) => name.split(".") as [grant: string, key: string];
