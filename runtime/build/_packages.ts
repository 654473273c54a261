/**
 * Where npm has put a package.
 *
 * @module
 */
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);

/** The folder of an installed npm package. */
export function packageFolder(name: string): string {
  const found = require.resolve.paths(name)
    ?.map((folder) => join(folder, name))
    .find(isFolder);
  if (found === undefined) throw new Error(`the npm package ${name} is not installed: run "npm install"`);
  return found;
}

/** The version of an installed npm package. */
export function packageVersion(name: string): string {
  const text = Deno.readTextFileSync(join(packageFolder(name), "package.json"));
  return String((JSON.parse(text) as { version: unknown }).version);
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
