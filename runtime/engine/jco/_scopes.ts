/**
 * Which declaration each name in a JavaScript text refers to, as far as hoisting has to know.
 *
 * @module
 */

/** A node of the syntax tree, of ESTree. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** A name in the text that refers to a declaration of an {@linkcode Outer} scope. */
export interface Reference {
  readonly name: string;
  readonly node: Node;
  /** All around the name, the nearest first. */
  readonly around: readonly Node[];
}

/** The scopes whose names are looked for: statements, and what they declare. */
export interface Outer {
  readonly statements: readonly Node[];
  readonly names: ReadonlySet<string>;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";

/** The nodes right below one. */
export function* children(node: Node): Generator<readonly [string, Node]> {
  for (const key in node) {
    const value = node[key];
    if (isNode(value)) yield [key, value];
    else if (Array.isArray(value)) { for (const item of value) if (isNode(item)) yield [key, item]; }
  }
}

/** Whether code in a node runs only when the node is called. */
export function isFunction({ type }: Node): boolean {
  return type === "FunctionDeclaration" || type === "FunctionExpression" || type === "ArrowFunctionExpression";
}

/** The names that a pattern declares. */
export function declared(pattern: Node | null | undefined): string[] {
  switch (pattern?.type) {
    case undefined:
      return [];
    case "Identifier":
      return [pattern["name"] as string];
    case "AssignmentPattern":
      return declared(pattern["left"] as Node);
    case "RestElement":
      return declared(pattern["argument"] as Node);
    case "Property":
      return declared(pattern["value"] as Node);
    case "ObjectPattern":
      return (pattern["properties"] as Node[]).flatMap(declared);
    case "ArrayPattern":
      return (pattern["elements"] as (Node | null)[]).flatMap(declared);
    default:
      throw new TypeError(`a pattern of an unknown kind: ${pattern?.type}`);
  }
}

/** The names that statements declare for the block or function that they stand in. */
export function declaredBy(statements: readonly Node[]): string[] {
  return statements.flatMap((statement) => {
    if (statement.type === "VariableDeclaration") {
      return (statement["declarations"] as Node[]).flatMap((declarator) => declared(declarator["id"] as Node));
    }
    const names = /^(Function|Class)Declaration$/.test(statement.type) ? declared(statement["id"] as Node) : [];
    return names;
  });
}

/** What `var` declares anywhere in a function. */
function variables(node: Node, found: string[] = []): string[] {
  for (const [, child] of children(node)) {
    if (isFunction(child)) continue;
    if (child.type === "VariableDeclaration" && child["kind"] === "var") found.push(...declaredBy([child]));
    variables(child, found);
  }
  return found;
}

function scopeOf(node: Node): string[] {
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression": {
      const own = node.type === "FunctionExpression" ? declared(node["id"] as Node | null) : [];
      return [...own, ...(node["params"] as Node[]).flatMap(declared), ...variables(node)];
    }
    case "ClassExpression":
      return declared(node["id"] as Node | null);
    case "BlockStatement":
    case "StaticBlock":
      return declaredBy(node["body"] as Node[]);
    case "CatchClause":
      return declared(node["param"] as Node | null);
    case "ForStatement":
      return declaredBy(isNode(node["init"]) ? [node["init"]] : []);
    case "ForOfStatement":
    case "ForInStatement":
      return declaredBy([node["left"] as Node]);
    case "SwitchStatement":
      return (node["cases"] as Node[]).flatMap((one) => declaredBy(one["consequent"] as Node[]));
    default:
      return [];
  }
}

/** Whether an identifier stands there for what it names, and not as a key, a label or a declaration. */
function refers(key: string, parent: Node): boolean {
  switch (parent.type) {
    case "MemberExpression":
      return key === "object" || parent["computed"] === true;
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
      return key === "value" || parent["computed"] === true;
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
    case "MetaProperty":
      return false;
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ClassDeclaration":
    case "ClassExpression":
      return key !== "id";
    default:
      return true;
  }
}

/** All names in a node that refer to a declaration of the outer scopes. */
export function referencesIn(root: Node, outer: ReadonlySet<string>): Reference[] {
  const found: Reference[] = [];
  const visit = (node: Node, around: readonly Node[], hidden: ReadonlySet<string>) => {
    const own = scopeOf(node);
    const inner = own.some((name) => outer.has(name)) ? new Set([...hidden, ...own]) : hidden;
    const within = [node, ...around];
    for (const [key, child] of children(node)) {
      if (child.type !== "Identifier") {
        visit(child, within, inner);
        continue;
      }
      const name = child["name"] as string;
      if (outer.has(name) && !inner.has(name) && refers(key, node)) found.push({ name, node: child, around: within });
    }
  };
  visit(root, [], new Set());
  return found;
}
