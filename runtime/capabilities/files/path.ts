/**
 * From a path to what it names. Nothing here touches a disk: a tree in memory has no way out, and what is looked at does
 * not change between the look and the use.
 *
 * @module
 */
import { fail } from "./error.ts";
import type { FolderNode, Node } from "./node.ts";

/** Bytes of one name, as nearly all systems have it. */
export const MAX_NAME_BYTES = 255;

/** Bytes of a path. */
export const MAX_PATH_BYTES = 4096;

/** Links that one path may go through, so that two which name each other are no way to run for ever. */
const MAX_LINKS = 40;

/** What a path leads to. */
export interface Place {
  /** Where its last name is; `undefined` for the folder that the path begins at, and what is named by `.` or `..`. */
  readonly parent: FolderNode | undefined;
  readonly name: string;
  /** What is there; `undefined` for nothing, in a folder that there is. */
  readonly node: Node | undefined;
  /** Whether the path ends like that of a folder. */
  readonly trailingSlash: boolean;
  /** Whether its last name is of a link that was followed. */
  readonly followed: boolean;
}

const encoder = new TextEncoder();

/**
 * Checks the text of a path.
 *
 * @throws {FileError} `no-entry` for the empty path, `invalid` with a NUL in it, `name-too-long`, and `not-permitted` for
 * an absolute one: every path of WASI begins at a descriptor.
 */
export function checkPath(path: string): void {
  if (path === "") fail("no-entry");
  if (path.startsWith("/")) fail("not-permitted");
  if (path.length > MAX_PATH_BYTES) fail("name-too-long");
  if (path.includes("\0")) fail("invalid");
  // A character of UTF-16 has at most three bytes in UTF-8.
  if (path.length * 3 <= MAX_NAME_BYTES) return;
  if (encoder.encode(path).byteLength > MAX_PATH_BYTES) fail("name-too-long");
  for (const name of path.split("/")) {
    if (encoder.encode(name).byteLength > MAX_NAME_BYTES) fail("name-too-long");
  }
}

/**
 * Walks `path` from `start`. `..` and links may lead anywhere below `start`, and nowhere else.
 *
 * @param follow Whether a link at the end is followed.
 * @throws {FileError} as {@linkcode checkPath}; `not-permitted` where the path leads out, `no-entry` or `not-directory`
 * where a folder on its way is missing, `loop` after too many links.
 */
export function walk(start: FolderNode, path: string, follow: boolean): Place {
  checkPath(path);
  let trailingSlash = endsAsFolder(path);
  let followed = false;
  let links = 0;
  let folder = start;
  // The next name is at the end.
  const names = namesOf(path);
  while (true) {
    const name = names.pop();
    if (name === undefined) return { parent: undefined, name: ".", node: folder, trailingSlash, followed };
    if (name === ".") continue;
    if (name === "..") {
      if (folder === start) fail("not-permitted");
      folder = folder.parent;
      continue;
    }
    const node = folder.entries.get(name);
    const last = names.length === 0;
    if (node === undefined) {
      if (!last) fail("no-entry");
      return { parent: folder, name, node, trailingSlash, followed };
    }
    if (node.kind === "symbolic-link" && (!last || follow || trailingSlash)) {
      if (++links > MAX_LINKS) fail("loop");
      if (node.target.startsWith("/")) fail("not-permitted");
      if (last) {
        followed = true;
        trailingSlash ||= endsAsFolder(node.target);
      }
      names.push(...namesOf(node.target));
      continue;
    }
    if (node.kind !== "directory" && (!last || trailingSlash)) fail("not-directory");
    if (last) return { parent: folder, name, node, trailingSlash, followed };
    folder = node as FolderNode;
  }
}

/** The names in a path, last one first. */
function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "").reverse();
}

function endsAsFolder(path: string): boolean {
  return path.endsWith("/") || path.endsWith("/.");
}
