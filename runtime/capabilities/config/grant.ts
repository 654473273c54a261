/**
 * The grant of `config`: values, and where they come from.
 *
 * @module
 */
import { z } from "zod";
import { SkerryError } from "../../errors.ts";

/** A value of the grant: itself, or where it comes from. */
export type ConfigValue =
  | string
  | { readonly value: string; readonly secret?: boolean | undefined }
  | {
    /** A variable of the process's environment, read when the function is linked. */
    readonly env: string;
    /** What holds when the variable is not set; without it that is an error. */
    readonly default?: string | undefined;
    readonly secret?: boolean | undefined;
  };

/** The parameters of the grant. */
export interface ConfigGrant {
  readonly values: Readonly<Record<string, ConfigValue>>;
}

const secret = z.boolean().optional().meta({
  description: "Whether the value is kept out of the log and of the list of all values.",
});

const value: z.ZodType<ConfigValue> = z.union([
  z.string(),
  z.strictObject({ value: z.string().meta({ description: "The value." }), secret }),
  z.strictObject({
    env: z.string().min(1).meta({ description: "The variable of the server's environment that the value comes from." }),
    default: z.string().optional().meta({ description: "The value when the variable is not set." }),
    secret,
  }),
], {
  error: 'is no value; write a string, { "env": "NAME" } or { "env": "NAME", "secret": true }',
});

/**
 * The schema of the grant.
 *
 * @example
 * ```ts
 * import { configGrant } from "./grant.ts";
 *
 * const values = { greeting: "Hello", token: { env: "API_TOKEN", secret: true } };
 * console.assert(configGrant.safeParse({ values }).success);
 * console.assert(!configGrant.safeParse({ values: { token: { evn: "API_TOKEN" } } }).success);
 * ```
 */
export const configGrant: z.ZodType<ConfigGrant> = z.strictObject({
  values: z.record(z.string().min(1), value).default({}).meta({
    description: "The values by their names.",
    examples: [{ greeting: "Hello", token: { env: "API_TOKEN", secret: true } }],
  }),
}).meta({ description: "Configuration values." });

/** A value that has been read. */
export interface Resolved {
  readonly value: string;
  readonly secret: boolean;
}

/** Reads the values. `environment` gives a variable of the process, or `undefined`.
 *
 * @throws {SkerryError} `grant-invalid` when a variable without a default is not set.
 */
export function resolveValues(
  grant: ConfigGrant,
  { owner, environment }: { owner: string; environment: (name: string) => string | undefined },
): Map<string, Resolved> {
  return new Map(
    Object.entries(grant.values).map(([name, source]) => {
      if (typeof source === "string") return [name, { value: source, secret: false }];
      const secret = source.secret ?? false;
      if ("value" in source) return [name, { value: source.value, secret }];
      const value = environment(source.env) ?? source.default;
      if (value !== undefined) return [name, { value, secret }];
      throw new SkerryError(
        "grant-invalid",
        `linking ${owner}: its config value ${
          JSON.stringify(name)
        } comes from the environment variable ${source.env}, ` +
          'which is not set. Set it, or give the value a "default" in function.json.',
      );
    }),
  );
}
