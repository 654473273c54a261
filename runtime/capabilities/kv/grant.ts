/**
 * The grant of `kv`: which stores a function has.
 *
 * @module
 */
import { z } from "zod";
import { GRANT_LIMITS } from "../../grant_limits.ts";
import { tellUngranted } from "../../ungranted.ts";
import { KvError, type KvProcess, Store } from "./store.ts";

/** The parameters of the grant. */
export interface KvGrant {
  /** By what the function calls it: `true` for a store of its own, or the name of one that functions share. */
  readonly stores: Readonly<Record<string, true | string>>;
  /** What each of them may hold. */
  readonly maxBytes: number;
  readonly maxKeys: number;
}

const storeName = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/, {
  error: ({ input }) =>
    `${JSON.stringify(input)} is no name of a store; write lower-case letters, digits, dashes, dots and underscores, ` +
    "at most 63",
});

const { "kv.maxBytes": BYTES, "kv.maxKeys": KEYS } = GRANT_LIMITS;

const quota = ({ most, byDefault }: typeof BYTES | typeof KEYS) => z.int().min(1).max(most).default(byDefault);

/** How long the function's own name for a store may be. */
const MAX_LABEL = 63;

/**
 * The schema of the grant.
 *
 * @example
 * ```ts
 * import { kvGrant } from "./grant.ts";
 *
 * console.assert(kvGrant.safeParse({}).success);
 * console.assert(kvGrant.safeParse({ stores: { default: true, carts: "shop-carts" } }).success);
 * console.assert(!kvGrant.safeParse({ stores: { default: "Shop Carts" } }).success);
 * ```
 */
export const kvGrant: z.ZodType<KvGrant> = z.strictObject({
  stores: z.record(z.string().max(MAX_LABEL), z.union([z.literal(true), storeName])).default({ default: true }).meta({
    description:
      "The stores by what the function calls them: true for one of its own, or the name of one that it shares " +
      "with every function that is granted it.",
    examples: [{ default: true, carts: "shop-carts" }],
  }),
  maxBytes: quota(BYTES).meta({
    description: "How many bytes each of the stores may hold in its keys and values, for this function to add some.",
  }),
  maxKeys: quota(KEYS).meta({
    description: "How many keys each of the stores may hold, for this function to add one.",
  }),
}).meta({ description: "Keys and values." });

/** The function that stores belong to, and where they are. */
export interface StoreOwner {
  readonly process: KvProcess;
  readonly function: string;
  readonly grant: KvGrant;
}

/**
 * Opens a store by the function's name for it; an empty one is `default`.
 *
 * @throws {KvError} `access-denied`, and tells the operator the line to add; `no-such-store` for a name that none can have.
 */
export function openStore({ process, function: owner, grant }: StoreOwner, label: string): Store {
  const name = label === "" ? "default" : label;
  if (name.length > MAX_LABEL) throw new KvError({ tag: "no-such-store" });
  const store = Object.hasOwn(grant.stores, name) ? grant.stores[name] : undefined;
  if (store === undefined) {
    const line = `"kv": { "stores": { ${JSON.stringify(name)}: true } }`;
    tellUngranted({ function: owner, what: "open the store", line });
    throw new KvError({ tag: "access-denied" });
  }
  const id = store === true ? ["own", owner, name] : ["shared", store];
  return new Store(process, { id, name, most: { bytes: grant.maxBytes, entries: grant.maxKeys } });
}
