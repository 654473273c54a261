/**
 * `function.json`: what a function is, which requests it takes, and what it may use.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { z } from "zod";
import { SkerryError } from "./errors.ts";
import { explain, formatPath, type Mistake } from "./manifest/explain.ts";
import type { GrantSchemas } from "./manifest/grants.ts";
import { type JsonSource, JsonSyntaxError, type KeyPath, parseJson, type Position } from "./manifest/json_source.ts";
import { claimsOf, methodsOverlap, type Route } from "./manifest/route.ts";
import { type Backend, identitySchema, type Limits, manifestSchema, NAME_PATTERN } from "./manifest/schema.ts";
import {
  type QueueTrigger,
  resolveTriggers,
  type ScheduleTrigger,
  triggerContradictions,
} from "./manifest/triggers.ts";

export type { Backend, GrantSchemas, Limits, QueueTrigger, Route, ScheduleTrigger };

/** The file in a function's folder that makes it one. */
export const MANIFEST_FILE = "function.json";

/** Where the JSON Schema of manifests is kept, beside the functions' folders. */
export const SCHEMA_FILE = "function.schema.json";

/** What a function's component comes from. */
export type Source =
  | { readonly kind: "component"; /** The `.wasm`, relative to the folder. */ readonly path: string }
  | {
    readonly kind: "script";
    /** The source, relative to the folder. */
    readonly path: string;
    readonly backend: Backend;
    /** A `.wit` file or folder, relative to the function's folder; `null` if the source only answers requests. */
    readonly wit: string | null;
    /** The world in `wit`; `null` if there is only one. */
    readonly world: string | null;
  };

/** A manifest, checked, with its defaults applied. */
export interface Manifest {
  readonly name: string;
  readonly routes: readonly Route[];
  readonly source: Source;
  /** Parameters by the name of the capability, as written; each capability's schema has accepted its own. */
  readonly grants: Readonly<Record<string, unknown>>;
  readonly limits: Limits;
  /** All the environment that the guest sees. */
  readonly env: Readonly<Record<string, string>>;
  /** The functions in front of it, outermost first, by name. */
  readonly middleware: readonly string[];
  /** The queues whose messages it is called for. */
  readonly queues: readonly QueueTrigger[];
  /** When it is called by itself. */
  readonly schedule: readonly ScheduleTrigger[];
}

/** What {@linkcode parseManifest} needs to know beside the text. */
export interface ParseOptions {
  /** The file's name in messages. */
  readonly file: string;
  /** What can be granted. */
  readonly grants: GrantSchemas;
}

/** One mistake in a manifest, and where it is. */
export interface ManifestProblem extends Position {
  /** For example `routes[0].path`; empty when the whole file is meant. */
  readonly key: string;
  /** What is wrong, and what to write instead. */
  readonly message: string;
}

/** A manifest that cannot be used. Its message has a line for each mistake. */
export class ManifestError extends SkerryError {
  readonly file: string;
  readonly problems: readonly ManifestProblem[];
  /** Who it is about, as far as that could be read: enough to answer for the function's routes. */
  readonly identity: Pick<Manifest, "name" | "routes"> | null;

  constructor(
    file: string,
    problems: readonly ManifestProblem[],
    identity: ManifestError["identity"] = null,
    code: ManifestError["code"] = "manifest-invalid",
  ) {
    super(
      code,
      problems.map(({ line, column, key, message }) =>
        `reading ${file}:${line}:${column}: ${key === "" ? "" : `${key}: `}${message}.`
      ).join("\n"),
    );
    this.file = file;
    this.problems = problems;
    this.identity = identity;
  }
}

/**
 * Reads the text of a `function.json`. Strict: an unknown key, a bad value or a misspelt limit is an error.
 *
 * @throws {ManifestError} with every mistake in it, and what to write instead.
 *
 * @example
 * ```ts
 * import { parseManifest } from "./manifest.ts";
 *
 * const manifest = parseManifest(
 *   '{ "name": "hello", "routes": [{ "path": "/hello" }], "source": "hello.wasm" }',
 *   { file: "components/hello/function.json", grants: {} },
 * );
 * console.assert(manifest.routes[0]?.methods === null && manifest.limits.wallMs === 30_000);
 * ```
 */
export function parseManifest(text: string, options: ParseOptions): Manifest {
  const { file, grants } = options;
  let source: JsonSource;
  try {
    source = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const message =
      `is not JSON: ${error.message}; JSON has neither comments nor trailing commas, and needs double quotes`;
    throw new ManifestError(file, [{ ...error.position, key: "", message }]);
  }
  const schema = manifestSchema(grants);
  const parsed = schema.safeParse(source.value);
  const mistakes: Mistake[] = source.duplicates.map((path) => ({
    path,
    message: "is written twice in one object; take one of them out",
  }));
  // A record of the schema library passes over this key without a word, as it may not become a prototype.
  const { env } = Object(source.value);
  if (Object.hasOwn(Object(env), "__proto__")) {
    mistakes.push({ path: ["env", "__proto__"], message: "cannot be the name of a variable; write another" });
  }
  const issues = [...parsed.error?.issues ?? [], ...uncalled(source.value)];
  if (issues.length === 0) mistakes.push(...contradictions(parsed.data!));
  else mistakes.push(...explain(issues, source.value, withNameOf(file, jsonSchemaOf(schema))));
  if (!parsed.success || mistakes.length > 0) {
    throw new ManifestError(file, locate(mistakes, source), identityOf(source.value));
  }
  return resolve(parsed.data, source.value);
}

/** The issue of a function that nothing calls: what it lacks is routes. */
function uncalled(value: unknown): z.core.$ZodIssue[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  const { routes, queues, schedule } = value as Record<string, unknown>;
  const some = [queues, schedule].some((calls) => calls !== undefined && !(Array.isArray(calls) && calls.length === 0));
  if (routes !== undefined || some) return [];
  return [{ code: "invalid_type", expected: "array", path: ["routes"], input: undefined, message: "" }];
}

type Written = z.output<ReturnType<typeof manifestSchema>>;

function resolve(written: Written, value: unknown): Manifest {
  const { name, source: path, limits, env, middleware } = written;
  return {
    name,
    routes: written.routes.map(resolveRoute),
    source: path.endsWith(".wasm") ? { kind: "component", path } : {
      kind: "script",
      path,
      backend: written.backend ?? "starlingmonkey",
      wit: written.wit ?? null,
      world: written.world ?? null,
    },
    grants: asWritten(value),

    limits,
    env,
    middleware,
    ...resolveTriggers(written),
  };
}

/** The grants before their schemas changed them: the host reads them with the same schemas, which twice could differ. */
function asWritten(value: unknown): Manifest["grants"] {
  return (value as { grants?: Record<string, unknown> }).grants ?? {};
}

function resolveRoute(route: Written["routes"][number]): Route {
  return { path: route.path, methods: route.methods ?? null, host: route.host ?? null };
}

/** What each key allows and the keys together do not. */
function contradictions(written: Written): Mistake[] {
  const mistakes = triggerContradictions(written);
  if (written.source.endsWith(".wasm")) {
    for (const key of ["backend", "wit", "world"] as const) {
      if (written[key] === undefined) continue;
      const message = `is for a TypeScript or JavaScript source, and ${
        JSON.stringify(written.source)
      } is built already; take it out`;
      mistakes.push({ path: [key], message });
    }
  } else if (written.world !== undefined && written.wit === undefined) {
    mistakes.push({ path: ["world"], message: 'names a world of no file; write "wit" as well' });
  }
  for (const [index, name] of written.middleware.entries()) {
    if (written.middleware.indexOf(name) === index) continue;
    mistakes.push({ path: ["middleware", index], message: `is in the list already; take one of them out` });
  }
  const routes = written.routes.map(resolveRoute);
  for (const [index, route] of routes.entries()) {
    const twin = routes.slice(0, index).findIndex((earlier) => sameRequests(earlier, route));
    if (twin >= 0) {
      const message = `takes requests that routes[${twin}] takes already; take one of them out`;
      mistakes.push({ path: ["routes", index], message });
    }
  }
  return mistakes;
}

/** Whether two routes claim the same host and path and have a method in common. */
export function sameRequests(a: Route, b: Route): boolean {
  if (!methodsOverlap(a.methods, b.methods)) return false;
  const claims = claimsOf(a);
  return claimsOf(b).some((claim) => claims.includes(claim));
}

function locate(mistakes: readonly Mistake[], source: JsonSource): ManifestProblem[] {
  return mistakes
    .map(({ path, message }) => ({ ...source.locate(path), key: formatPath(path), message }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

function identityOf(value: unknown): ManifestError["identity"] {
  const parsed = identitySchema.safeParse(value);
  if (!parsed.success) return null;
  return { name: parsed.data.name, routes: parsed.data.routes.map(resolveRoute) };
}

/**
 * The JSON Schema of `function.json`, for editors and for `function.schema.json`. A grant that is not in `grants` may be
 * a user's own, so an editor lets it stand; the runtime, which knows them all, does not.
 */
export function manifestJsonSchema(grants: GrantSchemas): Record<string, unknown> {
  const schema = jsonSchemaOf(manifestSchema(grants));
  const properties = schema.properties as Record<string, Record<string, unknown>>;
  return {
    title: "A Skerry function",
    ...schema,
    properties: { ...properties, grants: { ...properties.grants, additionalProperties: { type: "object" } } },
  };
}

/** The same schema, whose example of a name is that of the folder that the manifest is in. */
function withNameOf(file: string, schema: Record<string, unknown>): Record<string, unknown> {
  const folder = basename(dirname(file));
  if (!NAME_PATTERN.test(folder)) return schema;
  const properties = schema.properties as Record<string, object>;
  return { ...schema, properties: { ...properties, name: { ...properties.name, examples: [folder] } } };
}

function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Record<string, unknown>;
}

/** A mistake that is known only when the function's folder is looked at. */
export function manifestProblem(file: string, text: string, path: KeyPath, message: string): ManifestError {
  const source = parseJson(text);
  return new ManifestError(file, locate([{ path, message }], source), identityOf(source.value));
}
