/**
 * Scripts without wasm-tools: as much of the `.wast` format as the scripts of this repository need.
 *
 * @module
 */
import { join } from "node:path";
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import type { Action, Command, Script, ScriptValue } from "./commands.ts";

/** An expression: a word, a string, or others in parentheses. */
type Expression = Word | Form;

interface Word {
  readonly kind: "word" | "string";
  readonly text: string;
}

interface Form {
  readonly kind: "form";
  readonly items: readonly Expression[];
  /** As it stands in the script. */
  readonly source: string;
  readonly line: number;
}

const TOKEN = /;;[^\n]*|\(;[^]*?;\)|\s+|"(?:[^"\\]|\\[^])*"|[()]|[^\s()";]+/y;

/**
 * The forms of a script.
 *
 * @throws {SyntaxError} where one is not closed.
 */
export function forms(script: string): Form[] {
  const stack: { items: Expression[]; start: number }[] = [{ items: [], start: 0 }];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < script.length) {
    const start = TOKEN.lastIndex;
    const token = TOKEN.exec(script)?.[0];
    if (token === undefined) throw new SyntaxError(`unexpected ${script[start]} in line ${lineOf(script, start)}`);
    const top = stack.at(-1)!;
    if (token === "(") stack.push({ items: [], start });
    else if (token === ")") {
      if (stack.length === 1) throw new SyntaxError(`nothing to close in line ${lineOf(script, start)}`);
      stack.pop();
      const source = script.slice(top.start, TOKEN.lastIndex);
      stack.at(-1)!.items.push({ kind: "form", items: top.items, source, line: lineOf(script, top.start) });
    } else if (token[0] === '"') top.items.push({ kind: "string", text: token.slice(1, -1) });
    else if (!/^(?:;;|\(;|\s)/.test(token)) top.items.push({ kind: "word", text: token });
  }
  const [all, open] = stack;
  if (open !== undefined) throw new SyntaxError(`not closed: what begins in line ${lineOf(script, open.start)}`);
  return all!.items.filter((item) => item.kind === "form");
}

function lineOf(script: string, at: number): number {
  return script.slice(0, at).split("\n").length;
}

/** Converts a script of this repository into `folder`, as wasm-tools would. */
export async function convertOwn(path: string, folder: string): Promise<Script> {
  const commands: Command[] = [];
  for (const form of forms(await Deno.readTextFile(path))) {
    try {
      commands.push(await command(form, folder, commands.length));
    } catch (error) {
      throw new Error(`${path}, line ${form.line}: ${message(error)}`, { cause: error });
    }
  }
  return { folder, commands };
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function command(form: Form, folder: string, index: number): Promise<Command> {
  const { line, items: [head, ...rest] } = form;
  const type = word(head);
  switch (type) {
    case "component": {
      const filename = await binary(form, folder, index);
      const isDefinition = rest[0]?.kind === "word" && rest[0].text === "definition";
      const name = rest[isDefinition ? 1 : 0];
      return {
        type: isDefinition ? "module_definition" : "module",
        line,
        filename,
        ...(name?.kind === "word" && name.text.startsWith("$") ? { name: name.text.slice(1) } : {}),
      };
    }
    case "assert_invalid":
    case "assert_malformed":
    case "assert_unlinkable":
      return { type, line, filename: await binary(rest[0], folder, index), text: string(rest[1]) };
    case "assert_return":
      return { type, line, action: action(rest[0]), expected: rest.slice(1).map(value) };
    case "assert_trap":
      return { type, line, action: action(rest[0]), text: string(rest[1]) };
    default:
      throw new SyntaxError(`there is no ${type} here`);
  }
}

async function binary(component: Expression | undefined, folder: string, index: number): Promise<string> {
  if (component?.kind !== "form") throw new SyntaxError("a component was expected");
  const filename = `${index}.wasm`;
  const bytes = await parse(component.source.replace(/^\(component\s+definition\b/, "(component"));
  await Deno.writeFile(join(folder, filename), bytes);
  return filename;
}

function action(invoke: Expression | undefined): Action {
  if (invoke?.kind !== "form" || word(invoke.items[0]) !== "invoke") throw new SyntaxError("(invoke …) was expected");
  const [, field, ...args] = invoke.items;
  return { type: "invoke", field: string(field), args: args.map(value) };
}

/** `(u32.const 7)` */
function value(constant: Expression): ScriptValue {
  if (constant.kind !== "form") throw new SyntaxError("a value was expected");
  const [head, content] = constant.items;
  const type = /^(\w+)\.const$/.exec(word(head))?.[1];
  if (type === undefined || content === undefined || content.kind === "form") {
    throw new SyntaxError(`${constant.source} is no value of this kind of script`);
  }
  return { type: type === "str" ? "string" : type, value: content.text };
}

function word(expression: Expression | undefined): string {
  if (expression?.kind !== "word") throw new SyntaxError("a word was expected");
  return expression.text;
}

function string(expression: Expression | undefined): string {
  if (expression?.kind !== "string") throw new SyntaxError("a string was expected");
  return expression.text.replace(/\\"/g, '"');
}
