/**
 * Folders of functions for the tests of `files`, as a guest has them.
 *
 * @module
 */
import { join } from "node:path";
import { withTask } from "../../context.ts";
import { type HostImports } from "../../engine/mod.ts";
import { DEFAULT_LIMITS, type Limits } from "../../limits.ts";
import { Task } from "../../task.ts";
import { payloadOf } from "../_testing.ts";
import { type FilesGrant } from "./grant.ts";
import { files } from "./mod.ts";

// deno-lint-ignore no-explicit-any -- the resource of a guest, by the names of its WIT
export type Descriptor = any;

export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
export const bytes = (text: string) => new TextEncoder().encode(text);
export const NOTHING = {};
export const READ = { read: true };
export const WRITE = { write: true };
export const NEW = { create: true, exclusive: true };

export { payloadOf as codeOf };

export interface World {
  readonly directory: string;
  /** The roots that the function sees in a task, by their paths. */
  open(options?: { limits?: Partial<Limits> }): { task: Task; roots: Record<string, Descriptor> };
}

/** A function's folder with files in it, linked. */
export async function inWorld(
  grant: FilesGrant,
  body: (world: World) => Promise<void> | void,
  write: (directory: string) => Promise<void> = async () => {},
  version: "0.2.12" | "0.3.0" = "0.2.12",
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "skerry-files-" });
  const tasks: Task[] = [];
  try {
    await write(directory);
    const store = await files.open();
    const host: HostImports = await files.link({ function: "f", directory, grant, env: {}, store });
    await body({
      directory,
      open({ limits = {} } = {}) {
        const task = new Task({ function: "f", limits: { ...DEFAULT_LIMITS, ...limits } });
        tasks.push(task);
        const list = host[`wasi:filesystem/preopens@${version}`]!.getDirectories as () => [Descriptor, string][];
        return { task, roots: Object.fromEntries(withTask(task, list).map(([root, path]) => [path, root])) };
      },
    });
  } finally {
    for (const task of tasks) task.end();
    await Deno.remove(directory, { recursive: true });
  }
}

export async function site(directory: string): Promise<void> {
  await Deno.mkdir(join(directory, "public/sub/deep"), { recursive: true });
  await Deno.writeTextFile(join(directory, "public/index.html"), "<h1>hello</h1>");
  await Deno.writeTextFile(join(directory, "public/sub/größe.txt"), "unicode");
  await Deno.symlink("../index.html", join(directory, "public/sub/up"));
  await Deno.symlink("nowhere", join(directory, "public/sub/dangling"));
  await Deno.symlink(join(directory, "public/index.html"), join(directory, "public/absolute"));
  await Deno.writeTextFile(join(directory, "secret.txt"), "secret");
}

export const inSite = (body: (root: Descriptor, world: World) => Promise<void> | void) =>
  inWorld({ assets: { "/site": "public" } }, (world) => body(world.open().roots["/site"], world), site);

export const inScratch = (body: (root: Descriptor, task: Task) => Promise<void> | void, limits: Partial<Limits> = {}) =>
  inWorld({ assets: {}, scratch: "/tmp" }, async ({ open }) => {
    const { task, roots } = open({ limits });
    await withTask(task, () => body(roots["/tmp"], task));
  });

export const make = (root: Descriptor, path: string, content = ""): void => {
  using file = root.openAt(NOTHING, path, { create: true, truncate: true }, WRITE);
  if (content !== "") file.write(bytes(content), 0n);
};

export const contentOf = (root: Descriptor, path: string): string =>
  text(root.openAt(NOTHING, path, NOTHING, READ).read(1000n, 0n)[0]);

export function namesIn(root: Descriptor, path = "."): string[] {
  const stream = root.openAt(NOTHING, path, { directory: true }, READ).readDirectory();
  const names: string[] = [];
  for (let entry; (entry = stream.readDirectoryEntry()) !== undefined;) names.push(`${entry.name}: ${entry.type}`);
  return names;
}
