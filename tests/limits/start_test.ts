import { expect } from "@std/expect";
import { Writer } from "../../runtime/engine/writer.ts";
import { withTask } from "../../runtime/context.ts";
import { Task } from "../../runtime/task.ts";
import { onEachEngine } from "../http/_serve.ts";

/** A component of so many instances of a core module. */
function component(instances: number, module: (w: Writer) => void): Uint8Array<ArrayBuffer> {
  const w = new Writer();
  w.u8(0x00, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
  w.section(1, (s) => {
    s.u8(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    module(s);
  });
  w.section(2, (s) => {
    s.u32(instances);
    for (let i = 0; i < instances; i++) s.u8(0, 0, 0);
  });
  return w.bytes;
}

/** What takes long while an instance is made: some of it, in a module. */
const SLOW: Readonly<Record<string, (w: Writer, steps: number) => void>> = {
  globals(w, steps) {
    w.section(6, (s) => {
      s.u8(1, 0x7f, 0, 0x41, 0);
      for (let i = 0; i < steps; i += 3) s.u8(0x41, 1, 0x6a);
      s.u8(0x0b);
    });
  },
  "elements of a table, again and again"(w, steps) {
    w.section(1, (s) => s.u8(1, 0x60, 0, 0));
    w.section(3, (s) => s.u8(1, 0));
    w.section(4, (s) => s.u8(1, 0x70, 0, 100));
    w.section(9, (s) => {
      s.u32(Math.ceil(steps / 105));
      for (let i = 0; i < steps; i += 105) s.u8(0, 0x41, 0, 0x0b, 100, ...new Uint8Array(100));
    });
    w.section(10, (s) => s.u8(1, 2, 0, 0x0b));
  },
  exports(w, steps) {
    w.section(6, (s) => s.u8(1, 0x7f, 0, 0x41, 0, 0x0b));
    w.section(7, (s) => {
      const count = Math.ceil(steps / 24);
      s.u32(count);
      for (let i = 0; i < count; i++) {
        s.string(`e${i}`);
        s.u8(3, 0);
      }
    });
  },
};

for (const [what, write] of Object.entries(SLOW)) {
  onEachEngine(`a component is refused whose isolates take long to be made, for ${what}`, async (engine) => {
    const bytes = component(50, (w) => write(w, 100_000));
    await expect(engine.load(bytes, { name: "slow" })).rejects.toMatchObject({
      code: "component-over-limit",
      message: expect.stringMatching(
        /^loading slow: the imports, .* take 5\d{6} steps for each isolate, and may take 4000000\./,
      ),
    });
    const linked = await (await engine.load(component(30, (w) => write(w, 100_000)), { name: "quick" })).link({});
    const task = new Task({ function: "quick" });
    await withTask(task, async () => (await linked.instantiate()).dispose());
    task.end();
  });
}
