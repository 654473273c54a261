import { expect } from "@std/expect";
import { mayWait } from "../../engine/mod.ts";
import { linkForTest } from "../../testing.ts";
import { payloadOf } from "../_testing.ts";
import { spin } from "./mod.ts";

// deno-lint-ignore no-explicit-any -- as a guest has it: the WIT types it
type Face = any;

Deno.test("whoever asks for what Skerry has not of Spin is refused with the error of the interface, and told", async () => {
  const linked = await linkForTest(spin);
  await linked.inTask(async () => {
    for (const name of spin.interfaces) {
      const { Connection, infer } = linked.use<Face>(name);
      const base = name.replace(/@.*/, "");
      const error = { tag: "other", val: `${base} is not available` };
      if (Connection !== undefined) {
        expect([name, await payloadOf(() => Connection.open("x:1"))]).toEqual([name, error]);
        expect([name, await payloadOf(() => Connection.openAsync("x:1"))]).toEqual([name, error]);
      }
      if (infer !== undefined) {
        const failed = { tag: "runtime-error", val: `${base} is not available` };
        expect(await payloadOf(() => infer("llama2-chat", "hello", undefined))).toEqual(failed);
      }
    }
    const { ConnectionBuilder } = linked.use<Face>("spin:postgres/postgres@4.2.0");
    expect(await payloadOf(() => new ConnectionBuilder("x:1").buildAsync())).toMatchObject({ tag: "other" });
  });
  expect(linked.records[0]).toMatchObject({
    level: "warn",
    message: "test asked for fermyon:spin/llm, which this server does not have",
  });
});

Deno.test("what waits in Spin's interfaces of WASI 0.3 may wait here, and what does not may not", async () => {
  const linked = await linkForTest(spin);
  for (const [name, waits] of [["spin:redis/redis@3.0.0", true], ["fermyon:spin/redis@2.0.0", false]] as const) {
    const { Connection } = linked.use<Face>(name);
    expect([mayWait(Connection.open), mayWait(Connection.prototype.get)]).toEqual([waits, waits]);
  }
  const { Connection } = linked.use<Face>("spin:postgres/postgres@4.2.0");
  expect([mayWait(Connection.prototype.query), mayWait(Connection.prototype.queryAsync)]).toEqual([false, true]);
});
