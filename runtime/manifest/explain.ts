/**
 * What zod found wrong, as sentences that say what to write instead.
 *
 * @module
 */
import type { z } from "zod";
import type { KeyPath } from "./json_source.ts";
import { oneOf, suggest } from "./suggest.ts";

/** One mistake in a manifest. */
export interface Mistake {
  /** The key that is wrong. */
  readonly path: KeyPath;
  /** What is wrong, and what to write instead. */
  readonly message: string;
}

/** As much of a JSON Schema as is looked at here. */
interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly examples?: readonly unknown[];
  readonly description?: string;
}

/**
 * The mistakes behind `issues`, in the order of the file's keys as far as zod keeps it. A key that is missing because it
 * was misspelt is one mistake, not two.
 */
export function explain(issues: readonly z.core.$ZodIssue[], value: unknown, schema: unknown): Mistake[] {
  const mistakes: Mistake[] = [];
  const missing = new Set<string>();
  const meant = new Set<string>();
  for (const issue of issues) {
    const path = issue.path.map((key) => typeof key === "symbol" ? String(key) : key);
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) {
        const mistake = unknownKey(path, key, value, schema as JsonSchema);
        if (mistake.meant !== undefined) meant.add(JSON.stringify([...path, mistake.meant]));
        mistakes.push(mistake);
      }
      continue;
    }
    const written = valueAt(value, path);
    if (written === undefined) missing.add(JSON.stringify(path));
    mistakes.push({ path, message: describe(issue, written, schemaAt(schema as JsonSchema, path)) });
  }
  return mistakes.filter(({ path }) => {
    const key = JSON.stringify(path);
    return !(missing.has(key) && meant.has(key));
  });
}

function unknownKey(path: KeyPath, key: string, value: unknown, schema: JsonSchema): Mistake & { meant?: string } {
  const known = Object.keys(schemaAt(schema, path)?.properties ?? {});
  const container = valueAt(value, path);
  const free = known.filter((name) =>
    !(typeof container === "object" && container !== null && Object.hasOwn(container, name))
  );
  const near = suggest(key, free);
  const what = path.at(-1) === "grants" ? "no such capability" : "no such key";
  if (near !== undefined) {
    return { path: [...path, key], message: `${what}; write ${JSON.stringify(near)}`, meant: near };
  }
  // A key that is right, but in the wrong place: `wallMs` beside `limits`.
  const home = homeOf(key, schema, []);
  if (home !== undefined) {
    return { path: [...path, key], message: `${what} here; write it in ${JSON.stringify(home)}` };
  }
  return {
    path: [...path, key],
    message: known.length === 0 ? `${what}; take it out` : `${what}; write ${oneOf(known)}`,
  };
}

/** The first object of the schema, other than the outermost, that has `key`. */
function homeOf(key: string, schema: JsonSchema, path: readonly string[]): string | undefined {
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (inner.properties === undefined) continue;
    if (Object.hasOwn(inner.properties, key)) return [...path, name].join(".");
    const below = homeOf(key, inner, [...path, name]);
    if (below !== undefined) return below;
  }
  return undefined;
}

function describe(issue: z.core.$ZodIssue, written: unknown, schema: JsonSchema | undefined): string {
  switch (issue.code) {
    case "invalid_type": {
      const wanted = TYPE_NAMES[issue.expected] ?? `a value of type ${issue.expected}`;
      if (written === undefined) return `is missing; write ${exampleOf(schema) ?? wanted}`;
      if (issue.expected === "string" && (typeof written === "number" || typeof written === "boolean")) {
        return `must be a string, is ${show(written)}; write ${JSON.stringify(String(written))}`;
      }
      if (issue.expected === "array" && typeof written === "string") {
        return `must be an array, is a string; write ${JSON.stringify([written])}`;
      }
      if (issue.expected === "int") return `must be a whole number; write ${JSON.stringify(nearInteger(written))}`;
      if (issue.expected === "number" && typeof written === "string" && /^\d+$/.test(written)) {
        return `must be a number, is a string; write ${written}`;
      }
      if (issue.expected === "object") {
        const object = objectOf(written, schema);
        if (object !== undefined) return `must be ${wanted}, is ${show(written)}; write ${object}`;
      }
      const example = exampleOf(schema);
      return `must be ${wanted}, is ${show(written)}; write ${
        example === undefined ? wanted : `for example ${example}`
      }`;
    }
    case "invalid_value": {
      const allowed = issue.values.map(String);
      const near = typeof written === "string" ? suggest(written, allowed) : undefined;
      return `${show(written)} is not understood; write ${near === undefined ? oneOf(allowed) : JSON.stringify(near)}`;
    }
    case "too_big":
      return `${show(written)} is too big; write at most ${issue.maximum}`;
    case "too_small":
      if (issue.origin === "array") {
        return `must not be empty; write for example ${exampleOf(schema) ?? "one item"}, or leave it out`;
      }
      return `${show(written)} is too small; write at least ${issue.minimum}`;
    case "invalid_format": {
      const rule = schema?.description;
      const example = exampleOf(schema);
      return `${show(written)} is not understood; write ${
        example === undefined ? "another" : `for example ${example}`
      }${rule === undefined ? "" : ` (${rule.replace(/\.$/, "")})`}`;
    }
    case "invalid_key":
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "an array",
  object: "an object",
  record: "an object",
};

function exampleOf(schema: JsonSchema | undefined): string | undefined {
  const example = schema?.examples?.[0];
  return example === undefined ? undefined : JSON.stringify(example);
}

/** The object that somebody meant who wrote what its one key needs, or only that there be one. */
function objectOf(written: unknown, { properties = {}, required = [] }: JsonSchema = {}): string | undefined {
  const [key, ...more] = required;
  if (key === undefined) return written === true ? "{}" : undefined;
  const { type } = properties[key] ?? {};
  const kind = Array.isArray(written) ? "array" : typeof written;
  if (more.length === 0 && type === kind) return JSON.stringify({ [key]: written });
  const entries = required.map((key) => [key, properties[key]?.examples?.[0]]);
  const known = entries.every(([, example]) => example !== undefined);
  return written === true && known ? `for example ${JSON.stringify(Object.fromEntries(entries))}` : undefined;
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function nearInteger(written: unknown): number {
  return typeof written === "number" && Number.isFinite(written) ? Math.max(1, Math.round(written)) : 1;
}

function valueAt(value: unknown, path: KeyPath): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

function schemaAt(schema: JsonSchema, path: KeyPath): JsonSchema | undefined {
  let at: JsonSchema | undefined = schema;
  for (const key of path) {
    if (at === undefined) return undefined;
    if (typeof key === "number") at = at.items;
    else if (at.properties !== undefined && Object.hasOwn(at.properties, key)) at = at.properties[key];
    else at = typeof at.additionalProperties === "object" ? at.additionalProperties : undefined;
  }
  return at;
}

/** A path for people: `routes[0].path`. */
export function formatPath(path: KeyPath): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else if (/^[\w$-]+$/.test(key)) text += text === "" ? key : `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}
