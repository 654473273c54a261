/**
 * The capability `files`: `wasi:filesystem`. Every function has it, and sees no file unless it was granted some:
 * `"files": { "assets": { "/site": "public" }, "scratch": "/tmp" }`.
 *
 * Both are trees in memory, so no path leads to a disk. Assets are read when the function is loaded, and again when it is
 * loaded anew; a scratch folder is a task's own, and what it may take is in `limits`.
 *
 * @module
 */
import { defineCapability } from "../../capability.ts";
import { MAX_SCRATCH_BYTES } from "../../limits.ts";
import { loadAssets } from "./assets.ts";
import { filesGrant } from "./grant.ts";
import { Budget, type Mounts, scratch } from "./mounts.ts";
import { p2 } from "./p2.ts";
import { p3 } from "./p3.ts";

const nothing: Mounts = () => [];

export const files = defineCapability({
  name: "files",
  interfaces: Object.keys({ ...p2(nothing), ...p3(nothing) }),
  ungranted: { assets: {} },
  grant: filesGrant,
  paths: ({ assets }) => Object.values(assets),
  open: () => new Budget(MAX_SCRATCH_BYTES),
  async link({ function: name, directory, grant, store }) {
    const assets = await Promise.all(
      Object.entries(grant.assets).map(([path, folder]) => loadAssets({ function: name, directory, folder, path })),
    );
    const own = grant.scratch === undefined ? undefined : scratch(grant.scratch, store);
    const mounts: Mounts = () => own === undefined ? assets : [...assets, own()];
    return { ...p2(mounts), ...p3(mounts) };
  },
});
