/**
 * A process that writes objects and says what was acknowledged, until it is killed. For `durability_test.ts`.
 *
 * @module
 */
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { blobstore, hostOf, put } from "./_testing.ts";
import { openFolder } from "./folder.ts";

const host = hostOf(await openFolder(Deno.args[0]));
const encoder = new TextEncoder();

await withTask(new Task({ function: "f", wallMs: 3_600_000 }), async () => {
  const { containerExists, createContainer, getContainer } = blobstore(host);
  const container = await containerExists("default") ? await getContainer("default") : await createContainer("default");
  for (let i = 1;; i++) {
    // Twice: one that is new, and one that replaces another.
    await put(host, container, `object-${i}`, `${i} `.repeat(20_000));
    await put(host, container, "last", `${i} `.repeat(20_000));
    Deno.stdout.writeSync(encoder.encode(`${i}\n`));
  }
});
