/**
 * The capability `sql`: SQLite databases by Spin's interfaces. `"sql": {}` gives a function one of its own, `default`;
 * `"sql": { "databases": { "default": true, "shop": "shop" } }` one that it shares as well.
 *
 * @module
 */
import { type Capability, defineCapability } from "../../capability.ts";
import type { Backend } from "./backend.ts";
import { sqlGrant } from "./grant.ts";
import { spin } from "./spin.ts";
import { openBackend, ownerOf, SqlProcess } from "./store.ts";

export { type Backend, type Connection, type DatabaseId, SqlError, type Value } from "./backend.ts";
export { SqliteBackend } from "./sqlite.ts";

/** The capability on a backend of one's own. */
export function sqlOn(open: () => Backend): Capability {
  return defineCapability({
    name: "sql",
    interfaces: ["fermyon:spin/sqlite@2.0.0", "spin:sqlite/sqlite@3.1.0"],
    grant: sqlGrant,
    open: () => new SqlProcess(open),
    link: ({ grant, function: name, store: process }) => spin(ownerOf({ process, function: name, grant })),
  });
}

export const sql: Capability = sqlOn(openBackend);
