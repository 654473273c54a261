/**
 * The capability `config`: `wasi:config/store`, and Spin's variables. A function has the values of its grant and no
 * others: `"config": { "values": { "greeting": "Hello", "token": { "env": "API_TOKEN", "secret": true } } }`.
 *
 * @module
 */
import { defineCapability } from "../../capability.ts";
import { currentTask } from "../../context.ts";
import type { HostImports } from "../../engine/mod.ts";
import { WitError } from "../../errors.ts";
import { configGrant, type Resolved, resolveValues } from "./grant.ts";

/** What Spin takes for the name of a variable. */
const SPIN_NAME = /^[a-z](?:_?[a-z0-9])*$/;

/** The interfaces over `values`. They have been read, so no call fails but for its name. */
export function configHost(values: ReadonlyMap<string, Resolved>): HostImports {
  function get(key: string): string | undefined {
    const found = values.get(key);
    if (found?.secret) currentTask().keepSecret(found.value);
    return found?.value;
  }
  // A guest that prints all that it has should not print these.
  const open = [...values].filter(([, { secret }]) => !secret).map((
    [name, { value }],
  ): [string, string] => [name, value]);
  const store = { get, getAll: () => open };

  function variable(name: string): string {
    const value = get(name);
    if (value !== undefined) return value;
    throw new WitError(
      SPIN_NAME.test(name)
        ? { tag: "undefined", val: `no variable ${JSON.stringify(name)}` }
        : { tag: "invalid-name", val: `${JSON.stringify(name)} is no name of a variable` },
    );
  }
  return {
    "wasi:config/store@0.2.0-rc.1": store,
    "wasi:config/store@0.2.0-draft-2024-09-27": store,
    "wasi:config/runtime@0.2.0-draft": store,
    "fermyon:spin/variables@2.0.0": { get: variable },
    // deno-lint-ignore require-await -- async in its WIT
    "spin:variables/variables@3.0.0": { get: async (name: string) => variable(name) },
  };
}

export const config = defineCapability({
  name: "config",
  interfaces: Object.keys(configHost(new Map())),
  grant: configGrant,
  open: () => undefined,
  link: ({ grant, function: owner }) =>
    configHost(resolveValues(grant, { owner, environment: (name) => Deno.env.get(name) })),
});
