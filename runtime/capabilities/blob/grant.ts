/**
 * The grant of `blob`: which containers a function has.
 *
 * @module
 */
import { z } from "zod";
import { GRANT_LIMITS } from "../../grant_limits.ts";

/** The parameters of the grant. */
export interface BlobGrant {
  /** By what the function calls it: `true` for a container of its own, or the name of one that functions share. */
  readonly containers: Readonly<Record<string, true | string>>;
  /** What each of them may hold; what the backend has if left out. */
  readonly maxBytes?: number | undefined;
  readonly maxObjects?: number | undefined;
}

const sharedName = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/, {
  error: ({ input }) =>
    `${JSON.stringify(input)} is no name of a container; write lower-case letters, digits, dashes, dots and ` +
    "underscores, at most 63",
});

const { "blob.maxBytes": BYTES, "blob.maxObjects": OBJECTS } = GRANT_LIMITS;

/**
 * The schema of the grant.
 *
 * @example
 * ```ts
 * import { blobGrant } from "./grant.ts";
 *
 * console.assert(blobGrant.safeParse({}).success);
 * console.assert(blobGrant.safeParse({ containers: { default: true, photos: "shop-photos" } }).success);
 * console.assert(!blobGrant.safeParse({ containers: { photos: "Shop Photos" } }).success);
 * ```
 */
export const blobGrant: z.ZodType<BlobGrant> = z.strictObject({
  containers: z.record(z.string().min(1).max(63), z.union([z.literal(true), sharedName])).default({ default: true })
    .meta({
      description: "The containers by what the function calls them: true for one of its own, or the name of one that " +
        "it shares with every function that is granted it. A function makes its containers itself.",
      examples: [{ default: true, photos: "shop-photos" }],
    }),
  maxBytes: z.int().min(1).max(BYTES.most).optional().meta({
    description: "How many bytes each of the containers may hold, for this function to write more. By default " +
      `${BYTES.byDefault} (10 GiB) in a folder, and without end in an S3 bucket.`,
  }),
  maxObjects: z.int().min(1).max(OBJECTS.most).optional().meta({
    description: "How many objects each of the containers may hold, for this function to write more. By default " +
      `${OBJECTS.byDefault} in a folder, and without end in an S3 bucket.`,
  }),
}).meta({ description: "Objects in containers." });
