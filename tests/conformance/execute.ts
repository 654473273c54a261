/**
 * Executes the commands of a script on an engine.
 *
 * @module
 */
import { join } from "node:path";
import { binaryKind, camelCase } from "../../runtime/component/mod.ts";
import { withTask } from "../../runtime/context.ts";
import { SkerryError, WitError } from "../../runtime/errors.ts";
import { Task } from "../../runtime/task.ts";
import type { Engine, HostImports, HostInterface, Isolate, LoadedComponent } from "../../runtime/engine/mod.ts";
import { waits } from "../../runtime/engine/mod.ts";
import type { Action, Command, Script, ScriptValue } from "./commands.ts";
import { messageOf, refusal, sameTrap, story, trapText, unsupported } from "./errors.ts";
import { exportedModules } from "./modules.ts";
import { scriptHost } from "./host.ts";
import { matches, toJs } from "./values.ts";

/** `run` executes guest code; `validate` is about what a binary says. */
export type Sort = "run" | "validate";

export interface Outcome {
  readonly line: number;
  readonly type: string;
  readonly sort: Sort;
  readonly status: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped; of an expected trap, what it said. */
  readonly reason?: string;
}

/** No command takes longer, or it hangs. */
const COMMAND_MS = 60_000;

/** A command that cannot be executed for a reason that is no defect. */
class Skip extends Error {}
/** A command whose outcome is wrong. */
class Wrong extends Error {}

interface Instance {
  readonly isolate: Isolate;
  readonly task: Task;
  /** The core modules that it exports, for others to import. */
  readonly modules: HostInterface;
}

type Named<T> = Map<string | undefined, T | Skip | Wrong>;

/** Executes a script. `onOutcome` hears of each command. */
export async function execute(
  script: Script,
  engine: Engine,
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  const execution = new Execution(script, engine);
  for (const command of script.commands) {
    const { line, type } = command;
    const base = { line, type, sort: sortOf(type) };
    try {
      const note = await inTime(execution.command(command));
      onOutcome({ ...base, status: "passed", ...(note === undefined ? {} : { reason: note }) });
    } catch (error) {
      if (error instanceof Skip) onOutcome({ ...base, status: "skipped", reason: error.message });
      else onOutcome({ ...base, status: "failed", reason: error instanceof Wrong ? error.message : story(error) });
    }
  }
  execution.end();
}

export function sortOf(type: string): Sort {
  return ["assert_invalid", "assert_malformed", "module_definition"].includes(type) ? "validate" : "run";
}

async function inTime<T>(running: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Wrong(`it did not end within ${COMMAND_MS} ms`)), COMMAND_MS);
  });
  try {
    return await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}

class Execution {
  readonly #script: Script;
  readonly #engine: Engine;
  readonly #host: HostImports = scriptHost();
  readonly #definitions: Named<LoadedComponent> = new Map();
  readonly #instances: Named<Instance> = new Map();
  readonly #bytesOf = new WeakMap<LoadedComponent, Uint8Array<ArrayBuffer>>();
  readonly #tasks: Task[] = [];

  constructor(script: Script, engine: Engine) {
    this.#script = script;
    this.#engine = engine;
  }

  end(): void {
    for (const task of this.#tasks) task.end();
  }

  /** Executes a command; throws unless it goes as the script says. Answers with what a trap said. */
  async command(command: Command): Promise<string | undefined> {
    switch (command.type) {
      case "module":
        await this.#keep(
          this.#instances,
          [command.name, undefined],
          async () => await this.#instantiate(await this.#load(command)),
        );
        return;
      case "module_definition":
        await this.#keep(this.#definitions, [command.name, undefined], () => this.#load(command));
        return;
      case "module_instance":
        await this.#keep(
          this.#instances,
          [command.instance, undefined],
          () => this.#instantiate(named(this.#definitions, command.module, "definition")),
        );
        return;
      case "action":
        await this.#invoke(command.action!);
        return;
      case "assert_return":
        return await this.#assertReturn(command.action!, command.expected ?? []);
      case "assert_trap":
        return await this.#assertTrap(() => this.#invoke(command.action!), command.text!);
      case "assert_uninstantiable":
        return await this.#assertTrap(async () => await this.#instantiate(await this.#load(command)), command.text!);
      case "assert_unlinkable":
        return await this.#assertUnlinkable(command);
      case "assert_invalid":
      case "assert_malformed":
        return await this.#assertRefused(command);
      default:
        throw new Skip(`the runner has no ${command.type}`);
    }
  }

  /** Keeps what `make` makes under its names, or why it could not. */
  async #keep<T>(into: Named<T>, names: (string | undefined)[], make: () => Promise<T>): Promise<void> {
    let made: T | Skip | Wrong;
    try {
      made = await make();
    } catch (error) {
      const what = unsupported(error);
      made = error instanceof Skip || error instanceof Wrong
        ? error
        : what === undefined
        ? new Wrong(story(error))
        : new Skip(what);
    }
    for (const name of names) into.set(name, made);
    if (made instanceof Skip || made instanceof Wrong) throw made;
  }

  async #bytes(command: Command): Promise<Uint8Array<ArrayBuffer>> {
    if (command.module_type === "text") throw new Skip("it is about the text format");
    return await Deno.readFile(join(this.#script.folder, command.filename!));
  }

  async #load(command: Command): Promise<LoadedComponent> {
    const bytes = await this.#bytes(command);
    if (binaryKind(bytes) === "core-module") throw new Skip("it is a core module");
    const component = await this.#engine.load(bytes, { name: command.name ?? "it" });
    this.#bytesOf.set(component, bytes);
    return component;
  }

  async #instantiate(component: LoadedComponent): Promise<Instance> {
    const task = new Task({ function: "conformance", wallMs: 2 * COMMAND_MS });
    this.#tasks.push(task);
    const imports = this.#imports();
    const isolate = await withTask(task, async () => await (await component.link(imports)).instantiate());
    return { isolate, task, modules: exportedModules(this.#bytesOf.get(component)!, imports) };
  }

  /** The host, and the exports of instances that have a name. */
  #imports(): HostImports {
    const imports: Record<string, HostInterface> = { ...this.#host };
    for (const [name, instance] of this.#instances) {
      if (name === undefined || instance instanceof Error || name in this.#host) continue;
      const root = Object.entries(instance.isolate.exports["$root"] ?? {});
      const functions = root.map(([key, call]) => {
        return [key, waits((...args: unknown[]) => withTask(instance.task, () => call(...args)))] as const;
      });
      imports[name] = { ...Object.fromEntries(functions), ...instance.modules };
    }
    return imports;
  }

  async #invoke({ module, field, args = [] }: Action): Promise<unknown> {
    const { isolate, task } = named(this.#instances, module, "instance");
    const call = isolate.exports["$root"]?.[camelCase(field)];
    if (call === undefined) throw new Wrong(`the instance has no export ${field}`);
    return await withTask(task, async () => await call(...args.map(toJs)));
  }

  async #assertReturn(action: Action, expected: readonly ScriptValue[]): Promise<undefined> {
    let actual: unknown;
    const [wanted] = expected;
    try {
      actual = await this.#invoke(action);
      if (wanted?.type === "result") actual = { tag: "ok", val: actual };
    } catch (error) {
      if (!(error instanceof WitError) || wanted?.type !== "result") throw error;
      actual = { tag: "err", val: error.payload };
    }
    if (wanted !== undefined && !matches(wanted, actual)) {
      throw new Wrong(`expected ${show(wanted)}, got ${show(actual)}`);
    }
  }

  async #assertTrap(act: () => Promise<unknown>, expected: string): Promise<string> {
    let result: unknown;
    try {
      result = await act();
    } catch (error) {
      if (error instanceof Skip || error instanceof Wrong) throw error;
      const what = unsupported(error);
      if (what !== undefined) throw new Skip(what);
      const text = trapText(error, this.#engine.name !== "native");
      if (text === undefined) throw new Wrong(`expected a trap "${expected}", got ${story(error)}`);
      if (!sameTrap(expected, text)) throw new Wrong(`expected a trap "${expected}", got the trap "${text}"`);
      return `"${expected}": ${text}`;
    }
    throw new Wrong(`expected a trap "${expected}", got ${show(result)}`);
  }

  async #assertUnlinkable(command: Command): Promise<string> {
    try {
      await this.#instantiate(await this.#load(command));
    } catch (error) {
      if (error instanceof Skip) throw error;
      const what = unsupported(error);
      if (what !== undefined) throw new Skip(what);
      if (this.#engine.name === "native" && !(error instanceof SkerryError)) throw error;
      return `"${command.text}": ${messageOf(error)}`;
    }
    throw new Wrong(`expected no link for "${command.text}", got an instance`);
  }

  async #assertRefused(command: Command): Promise<string> {
    const bytes = await this.#bytes(command);
    if (binaryKind(bytes) === "core-module") throw new Skip("it is a core module");
    try {
      await this.#engine.load(bytes, { name: "it" });
    } catch (error) {
      const what = unsupported(error);
      if (what !== undefined) throw new Skip(what);
      if (!refusal(error)) throw new Wrong(`expected a refusal for "${command.text}", got ${story(error)}`);
      return `"${command.text}": ${messageOf(error)}`;
    }
    throw new Wrong(`accepted, but: ${command.text}`);
  }
}

function named<T>(from: Named<T>, name: string | undefined, what: string): T {
  const found = from.get(name);
  if (found === undefined) throw new Wrong(`there is no ${what} ${name ?? "before it"}`);
  if (found instanceof Wrong) throw new Wrong(`its ${what} failed`);
  if (found instanceof Skip) throw new Skip(found.message);
  return found;
}

function show(value: unknown): string {
  return value === undefined
    ? "no value"
    : JSON.stringify(value, (_, v) => typeof v === "bigint" ? String(v) : v) ?? String(value);
}
