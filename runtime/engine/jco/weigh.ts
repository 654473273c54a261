/**
 * What the values weigh that generated code lifts out of a guest's memory, by the shape of that code.
 *
 * Fields, flags, payloads and the elements of lists of fixed length are values of the host as elements of other lists are,
 * and are counted as many bytes. How many there are is known when the code is generated: it is written into the code.
 *
 * @module
 */
import { parse } from "acorn";
import { LIFTED_VALUE_BYTES } from "../../limits.ts";
import { children, isFunction, type Node } from "./_scopes.ts";

/** Values of so many parts count as well where they are no elements; common parameters and results have fewer. */
const MANY_PARTS = 64;

/** Where a loop begins that lifts a list whose length the guest says. */
const LOOP = "for (let i = 0; i < len";

/** Lifting functions that make values without parts, or of parts that are known only when they are lifted. */
const PARTLESS =
  /^_liftFlat(?:Enum|Own|Borrow|Stream|Future|ErrorContext|String\w+|Char|Bool|Float(?:32|64)|[SU](?:8|16|32|64))$/;

/** A list's loop: what it makes of each element, and of how many bytes. */
interface Loop {
  readonly list: string;
  /** How many elements, or the name of a variable that knows. */
  readonly length: number | string;
  readonly size: number;
  readonly element: Node;
}

/**
 * The text of a generated module with what lifted values weigh in it.
 *
 * @param taken where the text finds its {@linkcode Taking}
 * @param unexpected what to throw where the text has not the shape that it has to have
 *
 * @example
 * ```ts
 * import { weigh } from "./weigh.ts";
 *
 * const text = "lists({ elemLiftFn: _liftFlatTuple({ elemLiftFns: [[a, 1, 1], [b, 1, 1]] }) })";
 * console.assert(weigh(text, "taken", (what) => new Error(what)).startsWith("lists({ elemParts: 2,"));
 * ```
 */
export function weigh(text: string, taken: string, unexpected: (what: string) => Error): string {
  return new Weighing(text, taken, unexpected).run();
}

class Weighing {
  readonly #text: string;
  readonly #taken: string;
  readonly #unexpected: (what: string) => Error;
  readonly #added: { readonly at: number; readonly text: string }[] = [];
  readonly #known = new Map<Node, number>();
  #loops = 0;

  constructor(text: string, taken: string, unexpected: (what: string) => Error) {
    this.#text = text;
    this.#taken = taken;
    this.#unexpected = unexpected;
  }

  run(): string {
    const tree = parse(this.#text, { ecmaVersion: "latest", sourceType: "module" }) as unknown as Node;
    this.#lifters(tree);
    this.#units(tree);
    // One that were passed over would have no limit.
    if (this.#text.split(LOOP).length - 1 !== this.#loops) throw this.#unexpected(LOOP);
    const pieces: string[] = [];
    let begin = 0;
    for (const { at, text } of this.#added.toSorted((a, b) => a.at - b.at)) {
      pieces.push(this.#text.slice(begin, at), text);
      begin = at;
    }
    return [...pieces, this.#text.slice(begin)].join("");
  }

  #add(at: number, text: string): void {
    this.#added.push({ at, text });
  }

  /** Notes what values weigh beside the functions that lift them for streams, futures, their lists, and `task.return`. */
  #lifters(node: Node): void {
    for (const [, child] of children(node)) this.#lifters(child);
    if (node.type !== "ObjectExpression") return;
    const parts = this.#lifted(property(node, "elemLiftFn") ?? property(node, "liftFn"));
    if (parts > 0) this.#add(node.start + 1, ` elemParts: ${parts},`);
    const results = property(node, "liftFns");
    if (results?.type !== "ArrayExpression") return;
    const bytes = plainBytes(sum(elements(results), (lift) => this.#lifted(lift)));
    if (bytes > 0) this.#add(node.start + 1, ` resultBytes: ${bytes},`);
  }

  /** How many parts a value has that a function lifts which is made by `lift`. */
  #lifted(lift: Node | undefined): number {
    if (lift?.type !== "CallExpression") return 0;
    let parts = this.#known.get(lift);
    if (parts === undefined) this.#known.set(lift, parts = this.#partsLifted(lift));
    return parts;
  }

  #partsLifted(lift: Node): number {
    const name = nameOf(lift["callee"]);
    const meta = (lift["arguments"] as Node[])[0];
    const all = (key: string): readonly Node[] => {
      const value = meta && property(meta, key);
      if (value?.type !== "ArrayExpression") throw this.#unexpected(`${name} without ${key}`);
      return elements(value);
    };
    const lifters = (key: string, at: number) => all(key).map((item) => this.#lifted(elements(item)[at]));
    switch (name) {
      case "_liftFlatRecord":
        return sum(lifters("fieldMetas", 1), (parts) => 1 + parts);
      case "_liftFlatTuple":
        return sum(lifters("elemLiftFns", 0), (parts) => 1 + parts);
      case "_liftFlatFlags":
        return all("names").length;
      case "_liftFlatVariant":
      case "_liftFlatResult":
      case "_liftFlatOption": {
        const own = name === "_liftFlatOption" && literal(property(meta!, "payloadMaybeNull")) === false ? 0 : 1;
        const cases = all("caseMetas").map((item) => elements(item)[1]).filter((payload) => literal(payload) !== null);
        return Math.max(0, ...cases.map((payload) => own + this.#lifted(payload)));
      }
      case "_liftFlatList": {
        const length = literal(property(meta!, "knownLen")) ?? 0;
        const size = literal(property(meta!, "elemSize32"));
        if (typeof length !== "number" || typeof size !== "number") throw this.#unexpected(name);
        return listParts(length, size, this.#lifted(property(meta!, "elemLiftFn")));
      }
      default:
        if (name?.startsWith("_liftFlat") && !PARTLESS.test(name)) throw this.#unexpected(name);
        return 0;
    }
  }

  /** Looks at each function that is in `instantiate` or its generator, which hold all that is generated, and no other. */
  #units(node: Node): void {
    for (const [, child] of children(node)) {
      if (isFunction(child) && nameOf(child["id"]) !== "instantiate" && child["generator"] !== true) {
        this.#unit(child);
      } else this.#units(child);
    }
  }

  #unit(node: Node): void {
    const values = new Values();
    const found: Found = { loops: new Map(), odd: [], calls: [], results: [] };
    find(node, values, found);
    for (const { start, end } of found.odd) throw this.#unexpected(this.#text.slice(start, end));
    for (const [loop, { length, size, element }] of found.loops) {
      if (typeof length === "number") continue;
      this.#loops++;
      const bytes = size + LIFTED_VALUE_BYTES * (1 + values.parts(element));
      this.#add(loop.start, `${this.#taken}.charge(${length} * ${bytes} + ${LIFTED_VALUE_BYTES});\n`);
    }
    const lists = [...found.loops.values()].some(({ length }) => typeof length === "number");
    for (const given of found.calls) {
      const bytes = plainBytes(sum(given, (value) => values.parts(value)));
      if (bytes > 0) this.#add((node["body"] as Node).start + 1, `\n${this.#taken}.charge(${bytes});`);
      else if (lists && given.length === 0) throw this.#unexpected("_trackHostOperation");
    }
    for (const { before, value } of found.results) {
      const bytes = plainBytes(values.parts(value) - 1);
      if (bytes === 0) continue;
      if (before === undefined) throw this.#unexpected("task.resolve");
      this.#add(before.start, `${this.#taken}.charge(${bytes});\n`);
    }
  }
}

/** What is made of variables in a function that lifts. */
class Values {
  readonly #given = new Map<string, Node[]>();
  readonly #fixed = new Map<string, Loop[]>();
  readonly #known = new Map<string, number>();

  gives(name: string | undefined, value: Node | null | undefined): void {
    if (name !== undefined && value) push(this.#given, name, value);
  }

  fills(loop: Loop): void {
    push(this.#fixed, loop.list, loop);
  }

  /** How many parts a value has, at most. */
  parts(value: Node | null | undefined): number {
    switch (value?.type) {
      case "ObjectExpression": {
        const [first] = value["properties"] as Node[];
        const payload = property(value, "val");
        // A variant: fields of records are never literals.
        if (nameOf(first?.["key"]) === "tag" && typeof literal(first?.["value"] as Node) === "string") {
          return payload === undefined || nameOf(payload) === "undefined" ? 0 : 1 + this.parts(payload);
        }
        return sum(value["properties"] as Node[], (field) => 1 + this.parts(field["value"] as Node));
      }
      case "ArrayExpression":
        return sum(elements(value), (element) => 1 + this.parts(element));
      case "ConditionalExpression":
        return Math.max(this.parts(value["consequent"] as Node), this.parts(value["alternate"] as Node));
      case "MemberExpression":
        return this.parts(value["object"] as Node);
      case "Identifier":
        return this.#of(value["name"] as string);
      default:
        return 0;
    }
  }

  #of(name: string): number {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    // For what is made of itself.
    this.#known.set(name, 0);
    const lists = this.#fixed.get(name) ?? [];
    const parts = Math.max(
      0,
      ...(this.#given.get(name) ?? []).map((value) => this.parts(value)),
      ...lists.map(({ length, size, element }) => listParts(length as number, size, this.parts(element))),
    );
    this.#known.set(name, parts);
    return parts;
  }
}

/** What there is in a function that lifts. */
interface Found {
  readonly loops: Map<Node, Loop>;
  /** Loops that fill lists of fixed length in another way. */
  readonly odd: Node[];
  /** What each call of the host is given. */
  readonly calls: (readonly Node[])[];
  /** What calls of the guest answer, and the first statement after one. */
  readonly results: { readonly before: Node | undefined; readonly value: Node }[];
}

function find(node: Node, values: Values, found: Found, block: readonly Node[] = []): void {
  if (node.type === "VariableDeclarator") values.gives(nameOf(node["id"]), node["init"] as Node | null);
  else if (node.type === "AssignmentExpression") values.gives(nameOf(node["left"]), node["right"] as Node);
  else if (node.type === "ForStatement") {
    const loop = loopOf(node);
    if (loop !== undefined) found.loops.set(node, loop);
    else if (typeof limitOf(node) === "number" && filled(node) !== undefined) found.odd.push(node);
    if (typeof loop?.length === "number") values.fills(loop);
  } else if (node.type === "CallExpression") {
    const given = node["arguments"] as Node[];
    const callee = node["callee"] as Node;
    const [object, member] = [nameOf(callee["object"]), nameOf(callee["property"])];
    if (nameOf(callee) === "_trackHostOperation" || (object === "_trackHostOperation" && member === "call")) {
      const made = given.at(-1)?.["body"] as Node | undefined;
      found.calls.push((made?.["arguments"] as Node[] | undefined) ?? []);
    } else if (object === "task" && member === "resolve" && given[0]?.type === "ArrayExpression") {
      const resolving = block.findIndex(({ start, end }) => start <= node.start && node.end <= end);
      const called = block.slice(0, resolving).findLastIndex(({ type }) => type === "TryStatement");
      found.results.push({ before: called < 0 ? undefined : block[called + 1], value: given[0] });
    }
  }
  const inside = node.type === "BlockStatement" ? node["body"] as Node[] : block;
  for (const [, child] of children(node)) find(child, values, found, inside);
}

/** The loop that lifts a list: `for (let i = 0; i < length; i++) { const base = list + i * size; … lifted.push(element); }`. */
function loopOf(loop: Node): Loop | undefined {
  const base = (at(loop["body"], 0)?.["declarations"] as Node[] | undefined)?.[0];
  const offset = (base?.["init"] as Node | undefined)?.["right"] as Node | undefined;
  const size = literal(offset?.["right"] as Node | undefined);
  const [length, fills] = [limitOf(loop), filled(loop)];
  if (nameOf(base?.["id"]) !== "base" || typeof size !== "number" || fills === undefined) return undefined;
  return typeof length === "number" || /^len\d+$/.test(String(length))
    ? { ...fills, length: length as number | string, size }
    : undefined;
}

/** How often a loop goes round: a number, or the name of a variable. */
function limitOf({ test }: Node): unknown {
  const limit = (test as Node | null)?.["right"] as Node | undefined;
  return nameOf(limit) ?? literal(limit);
}

/** Which list a loop fills, and with what. */
function filled({ body }: Node): Pick<Loop, "list" | "element"> | undefined {
  const call = at(body, -1)?.["expression"] as Node | undefined;
  const callee = call?.["callee"] as Node | undefined;
  const [list, [element]] = [nameOf(callee?.["object"]), (call?.["arguments"] as Node[] | undefined) ?? []];
  if (nameOf(callee?.["property"]) !== "push" || list === undefined || element === undefined) return undefined;
  return { list, element };
}

function at(block: unknown, index: number): Node | undefined {
  const { type, body } = block as { type: string; body: Node[] };
  return type === "BlockStatement" ? body.at(index) : undefined;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const all = map.get(key);
  if (all === undefined) map.set(key, [value]);
  else all.push(value);
}

function nameOf(node: unknown): string | undefined {
  const { type, name } = (node ?? {}) as { type?: string; name?: string };
  return type === "Identifier" ? name : undefined;
}

function literal(node: Node | undefined): unknown {
  return node?.type === "Literal" ? node["value"] : undefined;
}

function elements(array: Node): readonly Node[] {
  return (array["elements"] as (Node | null)[]).filter((element) => element !== null);
}

function property(object: Node, name: string): Node | undefined {
  if (object.type !== "ObjectExpression") return undefined;
  for (const item of object["properties"] as Node[]) {
    if (item.type === "Property" && nameOf(item["key"]) === name) return item["value"] as Node;
  }
  return undefined;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** A list of fixed length, in parts. */
function listParts(length: number, size: number, parts: number): number {
  return Math.ceil(length * (size + LIFTED_VALUE_BYTES * (1 + parts)) / LIFTED_VALUE_BYTES);
}

function plainBytes(parts: number): number {
  return parts < MANY_PARTS ? 0 : parts * LIFTED_VALUE_BYTES;
}
