/**
 * The grant of `sql`: which databases a function has, and where they are.
 *
 * @module
 */
import { z } from "zod";

/** Where a database is: a file of the function's own, one that functions share, or a server that a variable names. */
export type DatabaseSource = true | string | { readonly env: string };

/** The parameters of the grant. */
export interface SqlGrant {
  /** By what the function calls it. */
  readonly databases: Readonly<Record<string, DatabaseSource>>;
  /** Nothing any more: recursive statements meet the function's limits as all others do. */
  readonly recursive: boolean;
}

const NAME_RULE = "write lower-case letters, digits, dashes, dots and underscores, at most 63";

/** What a database may be called: a file name everywhere. */
export const DATABASE_NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/;

const databaseName = z.string().regex(DATABASE_NAME, {
  error: ({ input }) => `${JSON.stringify(input)} is no name of a database; ${NAME_RULE}`,
});

const source: z.ZodType<DatabaseSource> = z.union([
  z.literal(true),
  databaseName,
  z.strictObject({
    env: z.string().min(1).meta({
      description: "The variable of the server's environment that has the URL of a libSQL server.",
    }),
  }),
], {
  error: ({ input }) =>
    `${JSON.stringify(input)} is no database; write true, the name of a shared one, or { "env": "NAME" } for the URL ` +
    `of a libSQL server (names: ${NAME_RULE})`,
});

/**
 * The schema of the grant.
 *
 * @example
 * ```ts
 * import { sqlGrant } from "./grant.ts";
 *
 * console.assert(sqlGrant.safeParse({}).success);
 * const databases = { default: true, shop: "shop", far: { env: "SHOP_URL" } };
 * console.assert(sqlGrant.safeParse({ databases, recursive: true }).success);
 * console.assert(!sqlGrant.safeParse({ databases: { default: "../shop" } }).success);
 * ```
 */
export const sqlGrant: z.ZodType<SqlGrant> = z.strictObject({
  databases: z.record(databaseName, source).default({ default: true }).meta({
    description: "The databases by what the function calls them: true for one of its own, the name of one that it " +
      'shares with every function that is granted it, or { "env": "NAME" } for the URL of a libSQL server.',
    examples: [{ default: true, shop: "shop" }],
  }),
  recursive: z.boolean().default(false).meta({
    description: "Taken from manifests that have it, and without effect: a recursive statement meets the function's " +
      "limits, as every statement does.",
  }),
}).meta({ description: "SQLite databases." });
