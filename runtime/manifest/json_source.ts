/**
 * JSON that remembers where each key stands, so that a message can point at it.
 *
 * @module
 */

/** Where something stands in a text, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A key or an index for each level, from the outermost in. */
export type KeyPath = readonly (string | number)[];

/** A parsed JSON text. */
export interface JsonSource {
  readonly value: unknown;
  /** Where `path` stands: its key, or its value in an array. The nearest container if `path` is not in the text. */
  locate(path: KeyPath): Position;
  /** Keys that stand twice in one object, which `JSON.parse` passes over in silence. */
  readonly duplicates: readonly KeyPath[];
}

/** A text that is not JSON. */
export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
  readonly position: Position;

  constructor(message: string, position: Position) {
    super(message);
    this.position = position;
  }
}

/**
 * Parses `text`, and notes where its keys are.
 *
 * @throws {JsonSyntaxError} with the position of the mistake.
 *
 * @example
 * ```ts
 * import { parseJson } from "./json_source.ts";
 *
 * const source = parseJson('{\n  "limits": { "wallMs": 5 }\n}');
 * console.assert(source.locate(["limits", "wallMs"]).line === 2);
 * ```
 */
export function parseJson(text: string): JsonSource {
  // An editor's byte order mark is not JSON, and JSON.parse's message about it shows nothing to look at.
  const bare = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  let value: unknown;
  try {
    value = JSON.parse(bare);
  } catch (error) {
    throw syntaxError(bare, error as SyntaxError);
  }
  const offsets = new Map<string, number>();
  const duplicates: KeyPath[] = [];
  scan(bare, offsets, duplicates);
  return {
    value,
    duplicates,
    locate(path) {
      for (let length = path.length; length > 0; length--) {
        const offset = offsets.get(keyOf(path.slice(0, length)));
        if (offset !== undefined) return positionAt(bare, offset);
      }
      return { line: 1, column: 1 };
    },
  };
}

function syntaxError(text: string, error: SyntaxError): JsonSyntaxError {
  const at = /\s*(?:in JSON )?at position (\d+)(?: \(line \d+ column \d+\))?/
    .exec(error.message);
  const offset = at === null ? text.length : Number(at[1]);
  const wrong = at === null ? error.message : error.message.replace(at[0], "").trim();
  return new JsonSyntaxError(wrong, positionAt(text, offset));
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return {
    line: before.split("\n").length,
    column: offset - lineStart + 1,
  };
}

const keyOf = (path: KeyPath): string => JSON.stringify(path);

/** One step over a text that is known to be JSON: strings whole, other tokens as a character or a run. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Walks a text that `JSON.parse` has accepted, so nothing is checked here. */
function scan(
  text: string,
  offsets: Map<string, number>,
  duplicates: KeyPath[],
): void {
  const path: (string | number)[] = [];
  const containers: ("object" | "array")[] = [];
  let expectKey = false;
  const startsValue = (offset: number): void => {
    if (containers.at(-1) === "array") offsets.set(keyOf(path), offset);
  };
  for (const match of text.matchAll(TOKEN)) {
    const token = match[0];
    switch (token) {
      case "{":
        startsValue(match.index);
        containers.push("object");
        path.push("");
        expectKey = true;
        break;
      case "[":
        startsValue(match.index);
        containers.push("array");
        path.push(0);
        break;
      case "}":
      case "]":
        containers.pop();
        path.pop();
        expectKey = false;
        break;
      case ",":
        if (containers.at(-1) === "array") {
          path.push((path.pop() as number) + 1);
        } else expectKey = true;
        break;
      case ":":
        break;
      default:
        if (expectKey) {
          path[path.length - 1] = JSON.parse(token) as string;
          const key = keyOf(path);
          if (offsets.has(key)) duplicates.push([...path]);
          offsets.set(key, match.index);
          expectKey = false;
        } else startsValue(match.index);
    }
  }
}
