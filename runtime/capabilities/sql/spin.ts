/**
 * Spin's SQLite interfaces: `fermyon:spin/sqlite` 2.0.0, and `spin:sqlite/sqlite` 3.1.0, which has what 3.0.0 has.
 *
 * @module
 */
import { type HostImports, waits } from "../../engine/mod.ts";
import { currentTask } from "../../context.ts";
import type { Result } from "../../engine/streams.ts";
import type { Connection as Core, QueryResult, SqlErrorPayload, Value } from "./backend.ts";
import { openDatabase, type SqlOwner } from "./store.ts";

/** Spin's interfaces over the databases of `owner`. */
export function spin(owner: SqlOwner): HostImports {
  /** Both versions have what they have in common alike, and a class may have more than an interface asks for. */
  class Connection {
    readonly #core: Core;
    readonly #drop: () => void;

    constructor(core: Core, release: () => void) {
      this.#core = core;
      const close = () => {
        release();
        core.close();
      };
      // Whatever ends the isolate, what it has begun is rolled back.
      const forget = currentTask().defer(close);
      this.#drop = () => {
        forget();
        close();
      };
    }

    static open(database: string): Connection | Promise<Connection> {
      const { core, release } = openDatabase(owner, database);
      if (!(core instanceof Promise)) return new Connection(core, release);
      return core.then((core) => new Connection(core, release), (error) => {
        release();
        throw error;
      });
    }

    execute(statement: string, parameters: readonly Value[]): QueryResult | Promise<QueryResult> {
      return this.#core.execute(statement, parameters);
    }

    lastInsertRowid(): bigint | Promise<bigint> {
      return this.#core.lastInsertRowid();
    }

    changes(): bigint | Promise<bigint> {
      return this.#core.changes();
    }

    static async openAsync(database: string): Promise<Connection> {
      return await Connection.open(database);
    }

    /** The columns, the rows, and how it went: all is known, so what went wrong is the call's own error. */
    async executeAsync(
      statement: string,
      parameters: readonly Value[],
    ): Promise<
      [readonly string[], AsyncIterable<QueryResult["rows"][number]>, Promise<Result<void, SqlErrorPayload>>]
    > {
      const { columns, rows } = await this.#core.execute(statement, parameters);
      return [columns, oneByOne(rows), Promise.resolve({ tag: "ok" })];
    }

    async lastInsertRowidAsync(): Promise<bigint> {
      return await this.#core.lastInsertRowid();
    }

    async changesAsync(): Promise<bigint> {
      return await this.#core.changes();
    }

    [Symbol.dispose](): void {
      this.#drop();
    }
  }
  waits(Connection.open);
  waits(Connection.prototype.execute);
  waits(Connection.prototype.lastInsertRowid);
  waits(Connection.prototype.changes);
  return { "fermyon:spin/sqlite@2.0.0": { Connection }, "spin:sqlite/sqlite@3.1.0": { Connection } };
}

async function* oneByOne<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
