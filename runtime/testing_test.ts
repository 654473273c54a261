import { expect } from "@std/expect";
import { defineCapability } from "./capability.ts";
import { currentTask, maybeTask } from "./context.ts";
import { z } from "./mod.ts";
import { linkForTest } from "./testing.ts";

const notebook = defineCapability({
  name: "notebook",
  interfaces: ["example:notebook/notes@0.1.0"],
  grant: z.strictObject({ pages: z.int().default(3) }),
  open: () => ({ opened: 1 }),
  link: ({ grant, env, function: name, store }) => ({
    "example:notebook/notes@0.1.0": {
      about: () => ({ ...grant, ...store, env, name, wallMs: currentTask().limits.wallMs }),
    },
  }),
});

Deno.test("a capability is linked with the checked grant, the environment and the store", async () => {
  const linked = await linkForTest(notebook, { env: { A: "b" }, function: "f", limits: { wallMs: 7 } });
  const { about } = linked.use<{ about(): unknown }>("example:notebook/notes@0.1.0");
  expect(await linked.inTask(about)).toEqual({ pages: 3, opened: 1, env: { A: "b" }, name: "f", wallMs: 7 });
  expect(() => linked.use("example:notebook/other@0.1.0")).toThrow("notebook has no example:notebook/other@0.1.0");
});

Deno.test("a task ends with its body, also one that throws", async () => {
  const linked = await linkForTest(notebook);
  let ended = 0;
  const body = (): never => {
    currentTask().defer(() => ended++);
    throw new Error("wrong");
  };
  await expect(linked.inTask(body)).rejects.toThrow("wrong");
  expect([ended, maybeTask()]).toEqual([1, undefined]);
});

Deno.test("what a WIT has that the host lacks is named, and so is an interface that link() leaves out", async () => {
  const linked = await linkForTest(notebook);
  const wit = "package example:notebook@0.1.0; interface notes { resource page { turn: func(); } about: func(); } " +
    "interface more { f: func(); }";
  expect(linked.missing(wit)).toEqual([
    "example:notebook/notes@0.1.0#[method]page.turn",
    "example:notebook/notes@0.1.0#page",
    "example:notebook/more@0.1.0",
  ]);
  const half = { ...notebook, interfaces: [...notebook.interfaces, "example:notebook/more@0.1.0"] };
  await expect(linkForTest(half)).rejects.toThrow("it names example:notebook/more@0.1.0, but link() does not give it");
});
