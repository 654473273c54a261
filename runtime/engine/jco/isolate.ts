/**
 * One instance of generated code, tied to one task.
 *
 * @module
 */
import type { ExternDescription } from "../../component/describe.ts";
import { camelCase } from "../../component/names.ts";
import { WitError } from "../../errors.ts";
import type { ExportedFunction, Isolate } from "../mod.ts";
import type { IsolateHooks } from "./hooks.ts";

/** The name under which functions are found that a component exports by themselves, not in an interface. */
const ROOT = "$root";

/** An isolate around what the generated `instantiate` returned. */
export function makeIsolate(
  hooks: IsolateHooks,
  instance: Readonly<Record<string, unknown>>,
  exported: readonly ExternDescription[],
): Isolate {
  const exports: Record<string, Record<string, ExportedFunction>> = Object.create(null);
  for (const { name, sort } of exported) {
    // Generated code leaves out an interface without functions.
    if (sort === "instance") exports[name] = wrapAll(hooks, name, (instance[name] ?? {}) as Members);
  }
  const functions = exported.filter(({ sort }) => sort === "func").map(({ name }) => camelCase(name));
  if (functions.length > 0) {
    exports[ROOT] = wrapAll(hooks, ROOT, Object.fromEntries(functions.map((name) => [name, instance[name]])));
  }
  const anyAsync = exported.some(({ functions }) => functions.some((f) => f.async));
  const forget = hooks.task.defer(() => hooks.dispose());
  return {
    exports,
    ...(anyAsync ? { ended: hooks.ended } : {}),
    dispose() {
      forget();
      hooks.dispose();
    },
  };
}

type Members = Readonly<Record<string, unknown>>;

function wrapAll(hooks: IsolateHooks, name: string, members: Members): Record<string, ExportedFunction> {
  const wrapped: Record<string, ExportedFunction> = Object.create(null);
  for (const [member, value] of Object.entries(members)) {
    wrapped[member] = isClass(value)
      // An exported resource keeps its class: its methods are the guest's.
      ? value as unknown as ExportedFunction
      : wrapExport(hooks, `${name}#${member}`, value as ExportedFunction);
  }
  return wrapped;
}

function wrapExport(
  hooks: IsolateHooks,
  name: string,
  call: ExportedFunction,
): ExportedFunction {
  return async function callExport(...args: unknown[]): Promise<unknown> {
    const refusal = hooks.refusal(name);
    if (refusal !== undefined) throw refusal;
    try {
      return await hooks.inTask(() => call(...args));
    } catch (error) {
      // A guest that is over has been unwound; whoever waits for it hears of the end from its task. Each waits for a
      // promise of its own, for what waits for a shared one would never be collected.
      if (hooks.over) return await new Promise(() => {});
      // The err of a result comes as the payload itself, which is never an Error.
      if (!(error instanceof Error)) throw new WitError(error, `${name} answered with an error`);
      throw hooks.trapped(error);
    }
  };
}

function isClass(value: unknown): boolean {
  return typeof value === "function" &&
    Function.prototype.toString.call(value).startsWith("class");
}
