import { expect } from "@std/expect";
import { hostOf } from "./_testing.ts";
import { openBackend, SqlProcess } from "./store.ts";

Deno.test("no two databases are one on a server of SQL_URL, however their names are joined", () => {
  const before = Deno.env.get("SQL_URL");
  Deno.env.set("SQL_URL", "libsql://{database}.example.com");
  try {
    const process = new SqlProcess(openBackend);
    const link = (name: string, databases: Record<string, true | string>) => hostOf(process, name, { databases });
    link("a", { "b-c": true, default: true });
    expect(() => link("a-b", { c: true })).toThrow(
      /^finding the database c of a-b: on the server of SQL_URL it would be a-b-c, as b-c of a is\. Call/,
    );
    expect(() => link("other", { mine: "a-default" })).toThrow(/it would be a-default, as default of a is/);
    // The same again is no other, nor is one that is shared.
    link("a", { "b-c": true, default: true });
    link("a-b", { d: true, carts: "carts" });
    link("other", { mine: "carts" });
  } finally {
    if (before === undefined) Deno.env.delete("SQL_URL");
    else Deno.env.set("SQL_URL", before);
  }
});
