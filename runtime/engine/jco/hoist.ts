/**
 * Takes what is the same in every isolate out of the function that makes one.
 *
 * jco generates one function, `instantiate`, with everything in it: classes, the functions behind each import with long
 * descriptions of their types, and what belongs to one instance. All of it would be made anew for each request, which costs
 * more than the request. Here it becomes two: `link`, called once for each linked component, has all that is the same, and
 * answers with an `instantiate` that only makes what belongs to an instance. That becomes properties of an object, which
 * shared functions find through the task that runs.
 *
 * @module
 */
import { parse } from "acorn";
import { children, declared, declaredBy, isFunction, type Node, type Reference, referencesIn } from "./_scopes.ts";

/** The generated module's export, once hoisted. */
export type Link<Hooks> = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, unknown>,
  shared: Shared<Hooks>,
) => (hooks: Hooks, instantiateCore: InstantiateCore) => Record<string, unknown>;

/** Makes a core instance. Its functions are as the engine made them. */
export type InstantiateCore = (
  module: WebAssembly.Module,
  imports?: WebAssembly.Imports,
) => { readonly exports: WebAssembly.Exports };

/** What belongs to one instance. The rest is the generated code's own. */
export interface InstanceState<Hooks> {
  readonly _skerry: Hooks;
}

/** What hoisted code calls, for all instances of a linked component. */
export interface Shared<Hooks> {
  /** WebAssembly as generated code sees it. */
  readonly WebAssembly: typeof WebAssembly;
  /** What belongs to the instance that runs. */
  readonly state: () => InstanceState<Hooks>;
  /** Takes the state of a new instance. */
  begin(state: InstanceState<Hooks>): void;
}

/** Code whose functions are called from other tasks than their isolate's, by readers of its streams, or outside any. */
const ELSEWHERE =
  /_genReadFnFromLowerableStream|class (?:StreamEnd|FutureEnd|HostStream|HostFuture)|FinalizationRegistry/;

/** What an isolate's hooks replace: shared code finds it there. */
const HOOKED = new Set(["setTimeout", "setInterval", "clearInterval", "queueMicrotask"]);

/** The end of what is generated: it runs the generator, which nothing makes wait. */
const DRIVER = new Set(["gen", "promise", "resolve", "reject", "runNext", "maybeSyncReturn"]);

/** Constants that are never changed, though they are more than a literal. */
const CONSTANT = new Set([
  "isLE",
  "utf16Decoder",
  "TEXT_DECODER_UTF8",
  "TEXT_ENCODER_UTF8",
  "CORE_TRAP_MESSAGES",
  "ASYNC_DETERMINISM",
  "ASYNC_EVENT_CODE",
  "symbolCabiDispose",
  "symbolRscHandle",
  "symbolRscRep",
  "symbolDispose",
]);

const TRAMPOLINE = /^trampoline\d+$/;
const EXPORTS = /^exports\d+$/;
const MODULE = /^module\d+$/;
const STATE = "$$";

/**
 * The text of a patched module with a `link` in place of its `instantiate`, or as it is where its code may run in other
 * tasks.
 *
 * @param unexpected what to throw where the text has not the shape that it has to have
 *
 * @example
 * ```ts
 * import { hoist } from "./hoist.ts";
 *
 * console.assert(hoist("class StreamEnd {}", (what) => new Error(what)) === "class StreamEnd {}");
 * ```
 */
export function hoist(text: string, unexpected: (what: string) => Error): string {
  return ELSEWHERE.test(text) ? text : new Hoisting(text, unexpected).run();
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

class Hoisting {
  readonly #text: string;
  readonly #unexpected: (what: string) => Error;
  /** Of the statement that is being edited. */
  #edits: Edit[] = [];
  /** What belongs to one instance, by name, in the order of declaration. */
  readonly #state = new Set<string>();
  readonly #functions = new Map<string, Node>();
  /** Calls of the log that nobody reads: their arguments cost more than some of the calls they tell of. */
  readonly #logged = new Set<Node>();
  #names: ReadonlySet<string> = new Set();
  #reassigned: ReadonlySet<string> = new Set();

  constructor(text: string, unexpected: (what: string) => Error) {
    this.#text = text;
    this.#unexpected = unexpected;
  }

  run(): string {
    const tree = parse(this.#text, { ecmaVersion: "latest", sourceType: "module" }) as unknown as Node;
    const exported = (tree["body"] as Node[]).find((node) => this.#declares(node["declaration"], "instantiate"));
    const instantiate = exported?.["declaration"] as Node | undefined;
    if (exported === undefined || instantiate === undefined) throw this.#unexpected("instantiate");
    const outer = bodyOf(instantiate);
    const generator = this.#generator(outer);
    const inner = bodyOf(generator);
    const top = outer.filter((statement) => !declaredBy([statement]).some((name) => DRIVER.has(name)))
      .filter((statement) => statement.type !== "ReturnStatement" && !this.#isHead(statement));
    const all = [...top, ...inner];
    this.#names = new Set(["_skerry", ...HOOKED, ...declaredBy(all)]);
    this.#reassigned = reassigned(all, this.#names);
    for (const statement of all) this.#learnFunctions(statement);
    const { kept, hoisted } = this.#sorted(all.filter((statement) => !this.#isPrelude(statement)));
    const textOf = (statements: readonly Node[], edit: (statement: Node) => void) =>
      statements.map((statement) => this.#edited(statement, edit)).join("\n");
    return [
      this.#text.slice(0, exported.start),
      "export function link(getCoreModule, imports, _shared) {",
      `const { WebAssembly, state: _state } = _shared;`,
      textOf(hoisted, (statement) => this.#shared(statement)),
      "return function instantiate(_skerry, instantiateCore) {",
      `const ${STATE} = { _skerry, ${[...this.#state].map((name) => `${name}: undefined`).join(", ")} };`,
      `_shared.begin(${STATE});`,
      "try {",
      textOf(kept, (statement) => this.#own(statement)),
      "} catch (e) {",
      "throw normalizeInstantiationError(e);",
      "}",
      "};",
      "}",
      this.#text.slice(exported.end),
    ].join("\n");
  }

  /** Which statements are one instance's, and which are for all: what is one's makes others so that need it. */
  #sorted(statements: readonly Node[]): { kept: Node[]; hoisted: Node[] } {
    for (;;) {
      const known = this.#state.size;
      const [kept, hoisted]: [Node[], Node[]] = [[], []];
      for (const statement of statements) {
        const isShared = this.#isShared(statement);
        (isShared ? hoisted : kept).push(statement);
        if (!isShared) { for (const name of declaredBy([statement])) this.#state.add(name); }
      }
      if (this.#state.size === known) return { kept, hoisted };
    }
  }

  #learnFunctions(statement: Node): void {
    if (statement.type === "FunctionDeclaration") {
      for (const name of declaredBy([statement])) this.#functions.set(name, statement);
    } else if (statement.type === "VariableDeclaration") {
      for (const { id, init } of statement["declarations"] as (Node & Record<"id" | "init", Node | null>)[]) {
        if (init !== null && isFunction(init)) this.#functions.set(declared(id)[0]!, init);
      }
    }
  }

  #declares(node: unknown, name: string): boolean {
    const declaration = node as Node | null | undefined;
    return declaration?.type === "FunctionDeclaration" && declared(declaration["id"] as Node)[0] === name;
  }

  #generator(statements: readonly Node[]): Node {
    for (const statement of statements) {
      if (!declaredBy([statement]).includes("gen")) continue;
      const call = (statement["declarations"] as Node[])[0]?.["init"] as Node | undefined;
      const callee = call?.["callee"] as Node | undefined;
      if (callee?.["generator"] === true) return callee;
    }
    throw this.#unexpected("function* _initGenerator");
  }

  /** What the patch put at the beginning. */
  #isHead(statement: Node): boolean {
    const names = statement.type === "VariableDeclaration" ? declaredBy([statement]) : [];
    return names.includes("_skerry") || names.includes("queueMicrotask");
  }

  /** What is needed only where modules come as promises. */
  #isPrelude({ start }: Node): boolean {
    return this.#text.startsWith("Promise.all([module", start) || this.#text.startsWith("if (!getCoreModule)", start);
  }

  /** Whether a statement does the same for every instance, as far as is known. */
  #isShared(statement: Node): boolean {
    switch (statement.type) {
      case "FunctionDeclaration":
      case "ClassDeclaration":
        return true;
      case "VariableDeclaration":
        return (statement["declarations"] as Node[]).every((declarator) => this.#isConstant(declarator));
      case "IfStatement":
        return !this.#touchesState(statement, () => false);
      case "ExpressionStatement": {
        // What is noted on a function: its name, how it is called.
        const { type, left, right } = statement["expression"] as Node & Record<"left" | "right", Node>;
        return type === "AssignmentExpression" && left.type === "MemberExpression" && right.type === "Literal" &&
          (left["object"] as Node).type === "Identifier" && !this.#touchesState(statement, () => false);
      }
      default:
        return false;
    }
  }

  #isConstant(declarator: Node): boolean {
    const names = declared(declarator["id"] as Node);
    const init = declarator["init"] as Node | null;
    if (init === null || names.some((name) => this.#reassigned.has(name))) return false;
    if (isFunction(init) || init.type === "ClassExpression") return true;
    const [name] = names as [string];
    const known = CONSTANT.has(name) || MODULE.test(name) || TRAMPOLINE.test(name) || isPlain(init) ||
      this.#text.startsWith("imports[", init.start);
    return known && !this.#touchesState(init, isFunction);
  }

  /** Whether running a node, or what it calls by name, wants what is one instance's. */
  #touchesState(node: Node, later: (node: Node) => boolean, asked: ReadonlySet<string> = new Set()): boolean {
    return referencesIn(node, this.#names).some(({ name, node: identifier, around }) => {
      if (around.some(later)) return false;
      if (this.#isOwn(name)) return true;
      const called = this.#functions.get(name);
      if (called === undefined || around[0]?.["callee"] !== identifier || asked.has(name)) return false;
      return this.#touchesState(called, (within) => within !== called && isFunction(within), new Set([...asked, name]));
    });
  }

  #isOwn(name: string): boolean {
    return this.#state.has(name) || name === "_skerry" || HOOKED.has(name);
  }

  /** A statement for all instances: functions that want what belongs to one look for it. */
  #shared(statement: Node): void {
    const seekers = new Set<Node>();
    const wanted = this.#wanted(statement);
    for (const { around, name } of wanted) {
      const seeker = around.find((node) => isFunction(node));
      if (seeker === undefined) throw this.#unexpected(name);
      seekers.add(seeker);
    }
    for (const { around, ...reference } of wanted) {
      this.#replace({ around, ...reference });
      const outermost = around.findLast((node) => seekers.has(node))!;
      for (const node of around) if (node !== outermost) seekers.delete(node);
    }
    for (const seeker of seekers) this.#seek(seeker);
  }

  #seek(seeker: Node): void {
    const body = seeker["body"] as Node;
    const seek = `const ${STATE} = _state();`;
    if (body.type === "BlockStatement") return this.#edit(body.start + 1, body.start + 1, seek);
    const params = seeker["params"] as Node[];
    const arrow = this.#text.indexOf("=>", params.at(-1)?.end ?? seeker.start) + 2;
    if (arrow < 2 || arrow > body.start) throw this.#unexpected("=>");
    this.#edit(arrow, arrow, ` { ${seek} return `);
    this.#edit(seeker.end, seeker.end, "; }");
  }

  /** A statement for one instance. */
  #own(statement: Node): void {
    if (statement.type === "VariableDeclaration") {
      const [first] = statement["declarations"] as [Node];
      if ((first["id"] as Node).type !== "Identifier") throw this.#unexpected(this.#text.slice(first.start, first.end));
      this.#edit(statement.start, first.start, "");
    }
    for (const reference of this.#wanted(statement)) this.#replace(reference);
  }

  #wanted(statement: Node): Reference[] {
    return referencesIn(statement, this.#names).filter(({ name, around }) =>
      this.#isOwn(name) && !around.some((node) => this.#logged.has(node))
    );
  }

  #strip(node: Node): void {
    if (node.type === "ExpressionStatement" && this.#text.startsWith("_debugLog(", node.start)) {
      this.#logged.add(node);
      this.#edit(node.start, node.end, ";");
      return;
    }
    for (const [, child] of children(node)) this.#strip(child);
  }

  #replace({ name, node, around }: Reference): void {
    const [parent, ...above] = around as [Node, ...Node[]];
    const place = HOOKED.has(name) ? `${STATE}._skerry.${name}` : `${STATE}.${name}`;
    if (parent.type === "Property" && parent["shorthand"] === true) {
      return this.#edit(node.start, node.end, `${name}: ${place}`);
    }
    const isExport = EXPORTS.test(name) && parent.type === "MemberExpression" && parent["object"] === node;
    if (!isExport || above.some((call) => this.#takesCore(call))) return this.#edit(node.start, node.end, place);
    const { property } = parent as Node & { property: Node };
    const member = parent["computed"] === true ? property["value"] : property["name"];
    this.#edit(node.start, node.end, `${STATE}._skerry.core(${place}`);
    this.#edit(parent.end, parent.end, `, ${JSON.stringify(member)})`);
  }

  /** Whether it is called with functions of core instances as they are. */
  #takesCore(call: Node): boolean {
    if (call.type !== "CallExpression") return false;
    const { start, end } = call["callee"] as Node;
    return /^(?:instantiateCore|WebAssembly\.promising)$/.test(this.#text.slice(start, end));
  }

  /** What nothing needs here: notes for callbacks, and waiting for what is there. */
  #plain(statement: Node): void {
    const visit = (node: Node): void => {
      if (node.type === "YieldExpression") {
        this.#edit(node.start, (node["argument"] as Node).start, "");
      } else if (node.type === "CallExpression" && this.#text.startsWith("Object.assign(", node.start)) {
        const [target, noted] = node["arguments"] as Node[];
        if (noted !== undefined && this.#text.startsWith("{ _jcoMaySuspend:", noted.start)) {
          this.#edit(node.start, target!.start, "");
          this.#edit(target!.end, node.end, "");
        }
      }
      for (const [, child] of children(node)) if (!isFunction(child)) visit(child);
    };
    visit(statement);
  }

  #edit(start: number, end: number, by: string): void {
    this.#edits.push({ start, end, by });
  }

  /** A statement's text, as `edit` and what all statements need make it. */
  #edited(statement: Node, edit: (statement: Node) => void): string {
    this.#edits = [];
    this.#strip(statement);
    edit(statement);
    this.#plain(statement);
    let text = "";
    let at = statement.start;
    for (const { start, end, by } of this.#edits.sort((a, b) => a.start - b.start || a.end - b.end)) {
      if (start < at) throw this.#unexpected(this.#text.slice(start, end));
      text += this.#text.slice(at, start) + by;
      at = end;
    }
    return text + this.#text.slice(at, statement.end);
  }
}

function bodyOf(node: Node): readonly Node[] {
  return (node["body"] as Node)["body"] as Node[];
}

/** Literals and what is computed from them and from names, without a call. */
function isPlain(node: Node): boolean {
  return /^(?:Literal|Identifier|UnaryExpression|BinaryExpression|LogicalExpression|MemberExpression)$/
    .test(node.type) && [...children(node)].every(([, child]) => isPlain(child));
}

function contains({ start, end }: Node, node: Node): boolean {
  return start <= node.start && node.end <= end;
}

/** Names that are given a value elsewhere than where they are declared. */
function reassigned(statements: readonly Node[], names: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  for (const statement of statements) {
    for (const { name, node, around } of referencesIn(statement, names)) {
      const [parent] = around as [Node];
      const assigned = parent.type === "AssignmentExpression"
        ? parent["left"] === node
        : parent.type === "UpdateExpression";
      // Where values are taken apart, what they are given to cannot be told from a default by its place alone.
      const pattern = around.some(({ type }) => type === "ObjectPattern" || type === "ArrayPattern") &&
        !around.some(({ type, id }) => type === "VariableDeclarator" && contains(id as Node, node));
      if (assigned || pattern) found.add(name);
    }
  }
  return found;
}
