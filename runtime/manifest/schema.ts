/**
 * The shape of `function.json`, once: types, checks, defaults and the JSON Schema all come from here.
 *
 * @module
 */
import { z } from "zod";
import { checkedText } from "../checked_text.ts";
import { FUNCTION_LIMITS, type Limits } from "../limits.ts";
import type { GrantSchemas } from "./grants.ts";
import { hostProblem, methodProblem, METHODS, pathProblem } from "./route.ts";
import { triggerKeys } from "./triggers.ts";

export type { Limits };

/** Limits are whole numbers with a default and a ceiling. */
const limits = Object.fromEntries(
  Object.entries(FUNCTION_LIMITS).map(([name, { byDefault, most, description }]) => [
    name,
    z.int().min(1).max(most).default(byDefault).describe(description),
  ]),
) as { readonly [Name in keyof Limits]: z.ZodDefault<z.ZodInt> };

/** What makes a component out of TypeScript or JavaScript. */
export const BACKENDS = ["starlingmonkey", "quickjs"] as const;
export type Backend = (typeof BACKENDS)[number];

export const NAME_PATTERN = /^[a-z][a-z0-9-]{0,62}$/;

const name = z.string().regex(NAME_PATTERN).meta({
  description: "The function's name: lower-case letters, digits and dashes, a letter first, at most 63.",
  examples: ["hello"],
});

const route = z.strictObject({
  path: checkedText(pathProblem).meta({
    description: "A path as Hono writes it: /users/:id, /users/:id{[0-9]+}, /files/*.",
    examples: ["/hello", "/users/:id", "/files/*"],
  }),
  methods: z.array(
    checkedText(methodProblem, ": ").meta({ enum: [...METHODS] }),
  ).min(1).optional().meta({
    description: "The methods that the route takes; all of them if left out. GET answers HEAD too.",
    examples: [["GET", "POST"]],
  }),
  host: checkedText(hostProblem).optional().meta({
    description: 'A host name, or "*." and a domain for all names below it; every host if left out.',
    examples: ["api.example.com", "*.example.com"],
  }),
});

const routes = z.array(route).default([]).meta({
  description:
    "The requests that the function takes. [] for one that only others call, as middleware or by its name; who " +
    "is called for messages or by a schedule can do without.",
  examples: [[{ path: "/hello", methods: ["GET"] }]],
});

const source = checkedText(sourceProblem).meta({
  description: "The component: a .wasm file, or a .ts or .js source to build it from, inside the function's folder.",
  examples: ["hello.wasm", "main.ts"],
});

const insidePath = checkedText((text) => pathInsideProblem(text));

const environment = z.record(
  checkedText((text) =>
    text === "" || /[=\0]/.test(text) ? 'is no name of a variable; write letters, digits and "_"' : undefined
  ),
  checkedText((text) => text.includes("\0") ? "holds a NUL character; take it out" : undefined),
).default({}).meta({
  description: "The guest's environment variables, all of them: it sees nothing of the host's own.",
  examples: [{ GREETING: "Hello" }],
});

/** The part of a manifest that says which requests a function takes: what is needed to answer for a broken one. */
export const identitySchema = z.object({ name, routes });

/**
 * The schema of `function.json`, where functions may be granted `grants`.
 */
export function manifestSchema(grants: GrantSchemas) {
  const known = Object.fromEntries(
    Object.entries(grants).map(([key, schema]) => [key, schema.optional()]),
  );
  return z.strictObject({
    $schema: z.string().optional().meta({
      description: "Where this schema is, so that an editor completes the file.",
      examples: ["../function.schema.json"],
    }),
    name,
    routes,
    source,
    backend: z.enum(BACKENDS).optional().meta({
      description: "What makes a component of a TypeScript or JavaScript source.",
    }),
    wit: insidePath.optional().meta({
      description:
        "For a source that has imports or exports of its own: a .wit file or a folder of them, inside the function's folder.",
      examples: ["wit"],
    }),
    world: z.string().regex(/^[a-z][a-z0-9:@./-]*$/).optional().meta({
      description: 'The world in "wit" that the source is built for.',
      examples: ["app"],
    }),
    grants: z.strictObject(known).prefault({}).meta({
      description: "What the function may use beyond answering its requests, by capability.",
      examples: [{ http: { allow: ["https://api.example.com"] } }],
    }),
    limits: z.strictObject(limits).prefault({}).meta({
      description: "Limits that differ from the defaults.",
      examples: [{ wallMs: 5000 }],
    }),
    env: environment,
    middleware: z.array(
      z.string().regex(NAME_PATTERN).meta({ description: "The name of a function.", examples: ["auth"] }),
    ).default([]).meta({
      description: "Functions that a request goes through before it comes to this one, the first one first.",
      examples: [["auth", "compress"]],
    }),
    ...triggerKeys,
  });
}

function sourceProblem(text: string): string | undefined {
  const outside = pathInsideProblem(text);
  if (outside !== undefined) return outside;
  if (/\.(?:wasm|m?[tj]s)$/.test(text)) return undefined;
  const what = "is neither a .wasm file nor a .ts or .js source";
  if (/\.wat$/.test(text)) return `${what}; make a .wasm of it with "wasm-tools parse", and write its name`;
  return /\.(?:rs|go|py|c|cc|cpp|cs|zig|kt|swift|rb|mbt)$/.test(text)
    ? `${what}; build a component from it, and write the name of that .wasm`
    : `${what}; write one that is`;
}

function pathInsideProblem(text: string): string | undefined {
  if (text === "" || /[\0]/.test(text)) return "is no path; write a file name";
  if (text.includes("\\")) {
    return `has backslashes; write ${JSON.stringify(text.replaceAll("\\", "/"))}`;
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(text) || text.startsWith("/")) {
    return "must be a path inside the function's folder; copy the file there and write its name";
  }
  return text.split("/").includes("..")
    ? "leads out of the function's folder; copy the file there and write its name"
    : undefined;
}
