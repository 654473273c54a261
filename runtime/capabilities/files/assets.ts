/**
 * Assets: a folder of the function's own, read into memory when the function is loaded.
 *
 * Nothing of it is looked up on the disk after that. A function sees one state of its assets, as it is one version of
 * its component; and whoever changes a file between two looks at it cannot make a guest see another.
 *
 * @module
 */
import { join, relative, resolve, sep } from "node:path";
import { SkerryError } from "../../errors.ts";
import { MAX_ASSET_BYTES, MAX_ASSET_ENTRIES } from "../../limits.ts";
import { FileError } from "./error.ts";
import { hashOf, type Mount } from "./mounts.ts";
import { FileNode, FolderNode, LinkNode, type Node, type Time, type Volume } from "./node.ts";
import { walk } from "./path.ts";

/** What assets take is counted while they are read, and never changes after that. */
const COUNTED = { takeBytes() {}, giveBytes() {}, takeEntry() {}, giveEntry() {} };

/** Where assets are, for messages and on the disk. */
export interface AssetFolder {
  readonly function: string;
  /** The function's folder, absolute. */
  readonly directory: string;
  /** The assets' folder in it, as the grant has it. */
  readonly folder: string;
  /** Where the guest sees it. */
  readonly path: string;
}

/**
 * Reads a folder of assets.
 *
 * @throws {SkerryError} `grant-invalid`, when it is not there, too large, or not all inside.
 */
export async function loadAssets(where: AssetFolder): Promise<Mount> {
  return await new Loader(where).load();
}

class Loader {
  readonly #where: AssetFolder;
  readonly #links: [folder: FolderNode, name: string, shown: string][] = [];
  readonly #volume: Volume;
  /** The folder without links on the way to it. */
  #real = "";
  #bytes = 0;
  #entries = 0;

  constructor(where: AssetFolder) {
    this.#where = where;
    this.#volume = { hash: hashOf(`assets ${where.path}`), readOnly: true, space: COUNTED, nextId: 1 };
  }

  async load(): Promise<Mount> {
    const { directory, folder, path } = this.#where;
    try {
      const home = await Deno.realPath(directory);
      this.#real = await Deno.realPath(resolve(directory, folder));
      if (this.#real === home) this.#refuse("it is the function's own folder, with its manifest");
      if (!this.#real.startsWith(home + sep)) this.#refuse("it leads out of the function's folder");
      const info = await Deno.lstat(this.#real);
      if (!info.isDirectory) this.#refuse("it is no folder");
      const root = new FolderNode(this.#volume, timeOf(info));
      await this.#fill(root, this.#real);
      for (const [parent, name, shown] of this.#links) checkLink(root, parent, name, () => this.#leadsOut(shown));
      return { path, root };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) this.#refuse("there is no such folder");
      if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) {
        this.#refuse(error.message);
      }
      throw error;
    }
  }

  async #fill(folder: FolderNode, directory: string): Promise<void> {
    // A folder that became a link since it was looked at would lead who knows where.
    if (await Deno.realPath(directory) !== directory) {
      this.#refuse(`${this.#shown(directory)} changes while it is read`);
    }
    const names: string[] = [];
    for await (const { name } of Deno.readDir(directory)) names.push(name);
    // In order, so that the same folder has the same inodes whenever it is read.
    for (const name of names.sort()) {
      const path = join(directory, name);
      // What was no text has become this on the way here: there is no opening it, and two such names may be one.
      if (name.includes("\ufffd")) {
        this.#refuse(`${this.#shown(path)} has a name that is no UTF-8; give it another one`);
      }
      if (++this.#entries > MAX_ASSET_ENTRIES) this.#refuse(`it has more than ${MAX_ASSET_ENTRIES} files and folders`);
      const node = await this.#read(path);
      // Modification times are the disk's, also of folders that are being filled here.
      const { modified, changed } = folder;
      folder.put(name, node);
      [folder.modified, folder.changed] = [modified, changed];
      if (node.kind === "regular-file") node.changed = node.modified;
      if (node.kind === "symbolic-link") this.#links.push([folder, name, this.#shown(path)]);
      if (node.kind === "directory") await this.#fill(node, path);
    }
  }

  async #read(path: string): Promise<Node> {
    const info = await Deno.lstat(path);
    const time = timeOf(info);
    if (info.isDirectory) return new FolderNode(this.#volume, time);
    if (info.isSymlink) return new LinkNode(this.#volume, time, await this.#targetOf(path));
    if (!info.isFile) this.#refuse(`${this.#shown(path)} is neither a file nor a folder`);
    this.#bytes += info.size;
    if (this.#bytes > MAX_ASSET_BYTES) {
      this.#refuse(`it has more than ${MAX_ASSET_BYTES / 2 ** 20} MiB, and is kept in memory`);
    }
    using file = await Deno.open(path);
    const opened = await file.stat();
    if (opened.ino !== info.ino || opened.dev !== info.dev || opened.size !== info.size) {
      this.#refuse(`${this.#shown(path)} changes while it is read`);
    }
    return new FileNode(this.#volume, time, await readAll(file, info.size));
  }

  /** What a link says, from where it is. An absolute one that leads to an asset is as good as a relative one. */
  async #targetOf(path: string): Promise<string> {
    const target = await Deno.readLink(path);
    const from = target.startsWith("/") || /^[a-z]:/i.test(target)
      ? relative(join(path, ".."), await Deno.realPath(path).catch(() => this.#leadsOut(this.#shown(path))))
      : target;
    const inside = from.replaceAll("\\", "/");
    return inside === "" ? "." : inside;
  }

  #leadsOut(shown: string): never {
    return this.#refuse(`${shown} is a link that leads out of it; put a copy in its place`);
  }

  #shown(path: string): string {
    return join(this.#where.folder, relative(this.#real, path)).replaceAll("\\", "/");
  }

  #refuse(problem: string): never {
    const { function: name, folder } = this.#where;
    const message = `reading the assets of ${name}, ${JSON.stringify(folder)}: ${problem}.`;
    throw new SkerryError("grant-invalid", message);
  }
}

/** A link may lead nowhere, but not out. Guests could not follow it anyway; better that its owner hears of it. */
function checkLink(root: FolderNode, parent: FolderNode, name: string, leadsOut: () => never): void {
  const names = [name];
  for (let at = parent; at !== root; at = at.parent) {
    for (const [key, node] of at.parent.entries) if (node === at) names.unshift(key);
  }
  try {
    walk(root, names.join("/"), true);
  } catch (error) {
    if (error instanceof FileError && error.code === "not-permitted") leadsOut();
  }
}

function timeOf(info: Deno.FileInfo): Time {
  return BigInt(info.mtime?.getTime() ?? 0) * 1_000_000n;
}

async function readAll(file: Deno.FsFile, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) break;
    at += count;
  }
  return at === size ? bytes : bytes.slice(0, at);
}
