/**
 * Spin's interfaces as they were before they had versions, over those of 2.0.0: handles are numbers.
 *
 * @module
 */
import type { HostInterface } from "../../engine/mod.ts";
import { WitError } from "../../errors.ts";
import { taskLocal } from "../../task.ts";

// deno-lint-ignore no-explicit-any -- resources of the other interface, which its WIT types
type Resource = any;

interface OldError {
  readonly tag: string;
  readonly val?: string;
}

/** What a task has open, by number. */
class Handles {
  readonly #open = new Map<number, Resource>();
  #next = 0;

  add(resource: Resource): number {
    this.#open.set(++this.#next, resource);
    return this.#next;
  }

  get(handle: number, invalid: string): Resource {
    return this.#open.get(handle) ?? fail({ tag: invalid });
  }

  close(handle: number): void {
    this.#open.get(handle)?.[Symbol.dispose]();
    this.#open.delete(handle);
  }
}

function fail(error: OldError): never {
  throw new WitError(error);
}

/** Runs `step`, and answers with the error that the older interface has. */
async function within<T>(step: () => T | Promise<T>, old: (error: OldError) => OldError): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw error instanceof WitError ? new WitError(old(error.payload as OldError)) : error;
  }
}

function keyValue({ Store }: HostInterface): HostInterface {
  const stores = taskLocal(() => new Handles());
  const old = ({ tag, val }: OldError): OldError => tag === "other" ? { tag: "io", val: val ?? "" } : { tag };
  const on = <T>(handle: number, step: (store: Resource) => T | Promise<T>) =>
    within(
      () => step(stores().get(handle, "invalid-store")),
      (error) => error.tag === "invalid-store" ? error : old(error),
    );
  return {
    async open(name: string): Promise<number> {
      return stores().add(await within(() => (Store as Resource).open(name), old));
    },
    async get(handle: number, key: string): Promise<Uint8Array> {
      return await on(handle, (store) => store.get(key)) ?? fail({ tag: "no-such-key" });
    },
    set: async (handle: number, key: string, value: Uint8Array): Promise<void> =>
      await on(handle, (store) => store.set(key, value)),
    delete: async (handle: number, key: string): Promise<void> => await on(handle, (store) => store.delete(key)),
    exists: async (handle: number, key: string): Promise<boolean> => await on(handle, (store) => store.exists(key)),
    getKeys: async (handle: number): Promise<string[]> => await on(handle, (store) => store.getKeys()),
    close: (handle: number): void => stores().close(handle),
  };
}

function sqlite({ Connection }: HostInterface): HostInterface {
  const connections = taskLocal(() => new Handles());
  return {
    open: async (name: string): Promise<number> => connections().add(await (Connection as Resource).open(name)),
    execute: async (handle: number, statement: string, parameters: unknown[]): Promise<unknown> =>
      await connections().get(handle, "invalid-connection").execute(statement, parameters),
    close: (handle: number): void => connections().close(handle),
  };
}

function config({ get }: HostInterface): HostInterface {
  return {
    getConfig: async (key: string): Promise<string> =>
      await within(
        () => (get as (key: string) => string)(key),
        ({ tag, val = "" }) => ({
          tag: tag === "invalid-name" ? "invalid-key" : tag === "provider" ? tag : "other",
          val,
        }),
      ),
  };
}

/** The interfaces without versions, by those that they are made of. */
export const unversioned: Readonly<Record<string, { name: string; shape: (face: HostInterface) => HostInterface }>> = {
  "fermyon:spin/key-value@2.0.0": { name: "fermyon:spin/key-value", shape: keyValue },
  "fermyon:spin/sqlite@2.0.0": { name: "fermyon:spin/sqlite", shape: sqlite },
  "fermyon:spin/variables@2.0.0": { name: "fermyon:spin/config", shape: config },
};
