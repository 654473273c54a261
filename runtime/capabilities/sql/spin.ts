/**
 * Spin's SQLite interfaces: `fermyon:spin/sqlite` 2.0.0 and `spin:sqlite/sqlite` 3.0.0.
 *
 * @module
 */
import { type HostImports, waits } from "../../engine/mod.ts";
import { currentTask } from "../../context.ts";
import type { Connection as Core, QueryResult, Value } from "./backend.ts";
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

    [Symbol.dispose](): void {
      this.#drop();
    }
  }
  waits(Connection.open);
  waits(Connection.prototype.execute);
  waits(Connection.prototype.lastInsertRowid);
  waits(Connection.prototype.changes);
  return { "fermyon:spin/sqlite@2.0.0": { Connection }, "spin:sqlite/sqlite@3.0.0": { Connection } };
}
