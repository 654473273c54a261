/**
 * The capability `spin`: interfaces of Spin that Skerry does not have, for clients of databases, brokers and models.
 *
 * Spin's SDK for Python imports all of Spin's interfaces into every component, and so may others: a function that does not
 * use them need not fail for that. They have no grant to be given, and whoever asks is refused.
 *
 * @module
 */
import { z } from "zod";
import { defineCapability } from "../../capability.ts";
import { currentTask } from "../../context.ts";
import type { HostImports, HostInterface } from "../../engine/mod.ts";
import { WitError } from "../../errors.ts";

/** Tells the operator, and makes the error that all of these interfaces have but one. */
function refusal(name: string, tag: "other" | "runtime-error" = "other"): WitError {
  const task = currentTask();
  task.log("warn", `${task.function} asked for ${name}, which this server does not have`);
  return new WitError({ tag, val: `${name} is not available` });
}

/** A resource that nobody ever has: its methods are there to be imported. */
function connection(name: string, methods: readonly string[], isAsync: boolean): HostInterface {
  class Connection {
    static open(): unknown {
      throw refusal(name);
    }

    // deno-lint-ignore require-await -- async in its WIT
    static async openAsync(): Promise<unknown> {
      throw refusal(name);
    }

    [Symbol.dispose](): void {}
  }
  if (isAsync) Connection.open = Connection.openAsync;
  for (const method of methods) {
    const never = isAsync || method.endsWith("Async")
      // deno-lint-ignore require-await -- async in its WIT
      ? async () => {
        throw refusal(name);
      }
      : () => {
        throw refusal(name);
      };
    Object.defineProperty(Connection.prototype, method, { value: never });
  }
  return { Connection };
}

const REDIS = ["publish", "get", "set", "incr", "del", "sadd", "smembers", "srem", "execute"];
const RDBMS = ["query", "execute"];

/** Of a connection to PostgreSQL with options, which nobody gets either. */
class ConnectionBuilder {
  setCaRoot(): void {
    throw refusal("spin:postgres/postgres");
  }

  build(): unknown {
    throw refusal("spin:postgres/postgres");
  }

  // deno-lint-ignore require-await -- async in its WIT
  async buildAsync(): Promise<unknown> {
    throw refusal("spin:postgres/postgres");
  }

  [Symbol.dispose](): void {}
}

const noModel = () => {
  throw refusal("fermyon:spin/llm", "runtime-error");
};

const host: HostImports = {
  "fermyon:spin/llm@2.0.0": { infer: noModel, generateEmbeddings: noModel },
  "fermyon:spin/mqtt@2.0.0": connection("fermyon:spin/mqtt", ["publish"], false),
  "fermyon:spin/mysql@2.0.0": connection("fermyon:spin/mysql", RDBMS, false),
  "fermyon:spin/postgres@2.0.0": connection("fermyon:spin/postgres", RDBMS, false),
  "fermyon:spin/rdbms-types@2.0.0": {},
  "fermyon:spin/redis@2.0.0": connection("fermyon:spin/redis", REDIS, false),
  "spin:mqtt/mqtt@3.0.0": connection("spin:mqtt/mqtt", ["publish"], true),
  "spin:mysql/mysql@3.0.0": connection("spin:mysql/mysql", RDBMS, true),
  "spin:postgres/postgres@3.0.0": connection("spin:postgres/postgres", RDBMS, false),
  "spin:postgres/postgres@4.2.0": {
    ...connection("spin:postgres/postgres", [...RDBMS, "queryAsync", "executeAsync"], false),
    ConnectionBuilder,
  },
  "spin:redis/redis@3.0.0": connection("spin:redis/redis", REDIS, true),
};

export const spin = defineCapability({
  name: "spin",
  interfaces: Object.keys(host),
  ungranted: {},
  grant: z.strictObject({}).meta({
    description: "Spin's clients of databases, brokers and models, which refuse. Every function has them.",
  }),
  open: () => undefined,
  link: () => host,
});
