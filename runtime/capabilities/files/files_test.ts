import { expect } from "@std/expect";
import { join } from "node:path";
import { withTask } from "../../context.ts";
import type { HostImports } from "../../engine/mod.ts";
import { WitError } from "../../errors.ts";
import { DEFAULT_LIMITS, type Limits, MAX_READ_BYTES } from "../../limits.ts";
import { InputStream, type IoError, OutputStream, type StreamError } from "../../streams/p2/mod.ts";
import { Task } from "../../task.ts";
import type { FilesGrant } from "./grant.ts";
import { files } from "./mod.ts";
import { Budget, scratch } from "./mounts.ts";
import { p2 } from "./p2.ts";

// deno-lint-ignore no-explicit-any -- the resource of a guest, by the names of its WIT
type Descriptor = any;

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);
const NOTHING = {};
const READ = { read: true };
const WRITE = { write: true };
const NEW = { create: true, exclusive: true };

/** What a body threw as the error of a `result`. */
async function codeOf(body: () => unknown): Promise<unknown> {
  try {
    await body();
  } catch (error) {
    if (error instanceof WitError) return error.payload;
    throw error;
  }
  return "ok";
}

interface World {
  readonly directory: string;
  /** The roots that the function sees in a task, by their paths. */
  open(options?: { limits?: Partial<Limits> }): { task: Task; roots: Record<string, Descriptor> };
}

/** A function's folder with files in it, linked. */
async function inWorld(
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

async function site(directory: string): Promise<void> {
  await Deno.mkdir(join(directory, "public/sub/deep"), { recursive: true });
  await Deno.writeTextFile(join(directory, "public/index.html"), "<h1>hello</h1>");
  await Deno.writeTextFile(join(directory, "public/sub/größe.txt"), "unicode");
  await Deno.symlink("../index.html", join(directory, "public/sub/up"));
  await Deno.symlink("nowhere", join(directory, "public/sub/dangling"));
  await Deno.symlink(join(directory, "public/index.html"), join(directory, "public/absolute"));
  await Deno.writeTextFile(join(directory, "secret.txt"), "secret");
}

const inSite = (body: (root: Descriptor, world: World) => Promise<void> | void) =>
  inWorld({ assets: { "/site": "public" } }, (world) => body(world.open().roots["/site"], world), site);

const inScratch = (body: (root: Descriptor, task: Task) => Promise<void> | void, limits: Partial<Limits> = {}) =>
  inWorld({ assets: {}, scratch: "/tmp" }, async ({ open }) => {
    const { task, roots } = open({ limits });
    await withTask(task, () => body(roots["/tmp"], task));
  });

const make = (root: Descriptor, path: string, content = ""): void => {
  using file = root.openAt(NOTHING, path, { create: true, truncate: true }, WRITE);
  if (content !== "") file.write(bytes(content), 0n);
};

const contentOf = (root: Descriptor, path: string): string =>
  text(root.openAt(NOTHING, path, NOTHING, READ).read(1000n, 0n)[0]);

function namesIn(root: Descriptor, path = "."): string[] {
  const stream = root.openAt(NOTHING, path, { directory: true }, READ).readDirectory();
  const names: string[] = [];
  for (let entry; (entry = stream.readDirectoryEntry()) !== undefined;) names.push(`${entry.name}: ${entry.type}`);
  return names;
}

Deno.test("a function without a grant sees no file", async () => {
  await inWorld(files.ungranted as FilesGrant, ({ open }) => expect(open().roots).toEqual({}));
});

Deno.test("assets are read by path, with what links inside of them lead to", () =>
  inSite((root) => {
    expect(contentOf(root, "index.html")).toBe("<h1>hello</h1>");
    expect(contentOf(root, "./sub//deep/../größe.txt")).toBe("unicode");
    const follow = { symlinkFollow: true };
    expect(text(root.openAt(follow, "sub/up", NOTHING, READ).read(4n, 1n)[0])).toBe("h1>h");
    expect(text(root.openAt(follow, "absolute", NOTHING, READ).read(4n, 0n)[0])).toBe("<h1>");
    expect(root.readlinkAt("sub/up")).toBe("../index.html");
    expect(namesIn(root)).toEqual(["absolute: symbolic-link", "index.html: regular-file", "sub: directory"]);
    const stat = root.statAt(NOTHING, "index.html");
    expect(stat).toMatchObject({ type: "regular-file", size: 14n, linkCount: 1n });
    expect(Number(stat.dataModificationTimestamp.seconds)).toBeGreaterThan(1_600_000_000);
    expect(root.statAt(NOTHING, "sub/up").type).toBe("symbolic-link");
    expect(root.stat()).toMatchObject({ type: "directory", linkCount: 3n });
  }));

Deno.test("nothing changes assets: every way to do so is refused as read-only", () =>
  inSite(async (root) => {
    const file = root.openAt(NOTHING, "index.html", NOTHING, READ);
    const sub = root.openAt(NOTHING, "sub", { directory: true }, READ);
    const attempts: (() => unknown)[] = [
      () => root.openAt(NOTHING, "index.html", NOTHING, WRITE),
      () => root.openAt(NOTHING, "index.html", { truncate: true }, READ),
      () => root.openAt(NOTHING, "new", { create: true }, READ),
      () => root.openAt(NOTHING, "sub", NOTHING, { mutateDirectory: true }),
      () => root.createDirectoryAt("new"),
      () => root.removeDirectoryAt("sub/deep"),
      () => root.unlinkFileAt("index.html"),
      () => root.renameAt("index.html", root, "other"),
      () => root.linkAt(NOTHING, "index.html", root, "other"),
      () => root.symlinkAt("index.html", "other"),
      () => root.setTimesAt(NOTHING, "index.html", { tag: "now" }, { tag: "now" }),
      () => sub.createDirectoryAt("new"),
      () => file.write(bytes("x"), 0n),
      () => file.setSize(0n),
      () => file.setTimes({ tag: "now" }, { tag: "no-change" }),
      () => file.writeViaStream(0n),
      () => file.appendViaStream(),
    ];
    for (const attempt of attempts) expect([attempt.toString(), await codeOf(attempt)]).toContain("read-only");
    expect(root.getFlags().mutateDirectory).toBe(false);
    expect(contentOf(root, "index.html")).toBe("<h1>hello</h1>");
  }));

Deno.test("no path leads out of a folder", () =>
  inSite(async (root) => {
    const sub = root.openAt(NOTHING, "sub", { directory: true }, READ);
    const cases: [from: Descriptor, path: string, code: string][] = [
      [root, "..", "not-permitted"],
      [root, "../secret.txt", "not-permitted"],
      [root, "sub/../../secret.txt", "not-permitted"],
      [root, "./../public/index.html", "not-permitted"],
      [root, "/etc/passwd", "not-permitted"],
      [root, "/", "not-permitted"],
      [root, "//site/index.html", "not-permitted"],
      // A descriptor is its own boundary, also within the mount.
      [sub, "../index.html", "not-permitted"],
      [sub, "up", "not-permitted"],
      [sub, "deep/../../index.html", "not-permitted"],
      [root, "", "no-entry"],
      [root, "index.html\0", "invalid"],
      [root, "\0", "invalid"],
      [root, "index.html/", "not-directory"],
      [root, "index.html/x", "not-directory"],
      [root, "index.html/..", "not-directory"],
      [root, "sub/dangling", "no-entry"],
      [root, "none", "no-entry"],
      [root, "none/x", "no-entry"],
      [root, "INDEX.HTML", "no-entry"],
      [root, "..\\secret.txt", "no-entry"],
      [root, "%2e%2e/secret.txt", "no-entry"],
      [root, "．．/secret.txt", "no-entry"],
      [root, "...", "no-entry"],
      [root, "x".repeat(256), "name-too-long"],
      [root, "ä".repeat(128), "name-too-long"],
      [root, "x/".repeat(3000), "name-too-long"],
      [root, "x".repeat(255), "no-entry"],
      [root, "sub/deep/", "ok"],
      [root, ".", "ok"],
      [root, "sub/..", "ok"],
      [root, "./", "ok"],
    ];
    for (const [from, path, code] of cases) {
      const open = await codeOf(() => from.openAt({ symlinkFollow: true }, path, NOTHING, READ));
      const stat = await codeOf(() => from.statAt({ symlinkFollow: true }, path));
      expect([path.slice(0, 40), open, stat]).toEqual([path.slice(0, 40), code, code]);
    }
    const file = root.openAt(NOTHING, "index.html", NOTHING, READ);
    expect(await codeOf(() => file.openAt(NOTHING, ".", NOTHING, READ))).toBe("not-directory");
    expect(await codeOf(() => root.openAt(NOTHING, "index.html", { directory: true }, READ))).toBe("not-directory");
    expect(await codeOf(() => root.openAt(NOTHING, "sub/up", NOTHING, READ))).toBe("loop");
  }));

Deno.test("assets with a link that leads out, none at all, or no folder are refused when they are loaded", async () => {
  const cases: [folder: string, write: (directory: string) => Promise<void>, problem: string][] = [
    ["data", (dir) => Deno.mkdir(join(dir, "other")), "there is no such folder"],
    ["data", (dir) => Deno.writeTextFile(join(dir, "data"), ""), "it is no folder"],
    ["data", (dir) => Deno.symlink("..", join(dir, "data")), "it leads out of the function's folder"],
    ["data", (dir) => Deno.symlink(".", join(dir, "data")), "it is the function's own folder, with its manifest"],
    ["data", async (dir) => {
      await Deno.mkdir(join(dir, "data/sub"), { recursive: true });
      await Deno.symlink("../../../outside", join(dir, "data/sub/link"));
    }, "data/sub/link is a link that leads out of it; put a copy in its place"],
    ["data", async (dir) => {
      await Deno.mkdir(join(dir, "data"));
      await Deno.symlink("/etc/passwd", join(dir, "data/passwd"));
    }, "data/passwd is a link that leads out of it; put a copy in its place"],
  ];
  for (const [folder, write, problem] of cases) {
    await expect(inWorld({ assets: { "/data": folder } }, () => {}, write)).rejects.toMatchObject({
      code: "grant-invalid",
      message: `reading the assets of f, "data": ${problem}.`,
    });
  }
});

Deno.test("assets stay as they were loaded, whatever becomes of them on the disk", () =>
  inSite(async (root, { directory }) => {
    await Deno.remove(join(directory, "public/index.html"));
    await Deno.symlink("../secret.txt", join(directory, "public/index.html"));
    expect(contentOf(root, "index.html")).toBe("<h1>hello</h1>");
  }));

Deno.test("a scratch folder is empty at first, and another task's is another", () =>
  inWorld({ assets: {}, scratch: "/tmp" }, ({ open }) => {
    const [one, two] = [open(), open()];
    withTask(one.task, () => make(one.roots["/tmp"], "a", "one"));
    expect(namesIn(one.roots["/tmp"])).toEqual(["a: regular-file"]);
    expect(namesIn(two.roots["/tmp"])).toEqual([]);
  }));

Deno.test("files are written, read, appended to, cut and grown", () =>
  inScratch((root) => {
    const file = root.openAt(NOTHING, "a", NEW, { read: true, write: true });
    expect(file.write(bytes("hello"), 2n)).toBe(5n);
    expect(file.read(100n, 0n)).toEqual([bytes("\0\0hello"), false]);
    expect(file.read(100n, 7n)).toEqual([new Uint8Array(), true]);
    expect(file.read(0n, 0n)).toEqual([new Uint8Array(), false]);
    file.setSize(3n);
    file.setSize(5n);
    expect(file.read(100n, 0n)[0]).toEqual(bytes("\0\0h\0\0"));
    file.write(new Uint8Array(3 * MAX_READ_BYTES), 0n);
    expect(file.read(2n ** 64n - 1n, 0n)[0].byteLength).toBe(MAX_READ_BYTES);
    const append: OutputStream = file.appendViaStream();
    append.write(bytes("end"));
    expect(file.stat().size).toBe(BigInt(3 * MAX_READ_BYTES + 3));
    const stream: InputStream = file.readViaStream(BigInt(3 * MAX_READ_BYTES));
    expect(text(stream.read(100n))).toBe("end");
    expect(() => stream.read(1n)).toThrow(WitError);
    const over: OutputStream = file.writeViaStream(BigInt(3 * MAX_READ_BYTES + 1));
    over.write(bytes("NDS"));
    expect(text(file.read(100n, BigInt(3 * MAX_READ_BYTES))[0])).toBe("eNDS");
    expect(root.openAt(NOTHING, "a", { truncate: true }, WRITE).stat().size).toBe(0n);
    file.sync();
    file.syncData();
    file.advise(0n, 0n, "random");
  }));

Deno.test("what a descriptor was not opened for is refused", () =>
  inScratch(async (root) => {
    make(root, "a", "text");
    const read = root.openAt(NOTHING, "a", NOTHING, READ);
    const write = root.openAt(NOTHING, "a", NOTHING, WRITE);
    expect([read.getFlags(), write.getFlags()]).toMatchObject([{ read: true, write: false }, {
      read: false,
      write: true,
    }]);
    expect(root.openAt(NOTHING, "b", NEW, NOTHING).getFlags()).toMatchObject({ read: true, write: true });
    expect(root.getFlags()).toEqual({ read: true, mutateDirectory: true });
    const cases: [() => unknown, string][] = [
      [() => read.write(bytes("x"), 0n), "bad-descriptor"],
      [() => read.setSize(0n), "bad-descriptor"],
      [() => read.writeViaStream(0n), "bad-descriptor"],
      [() => write.read(1n, 0n), "bad-descriptor"],
      [() => write.readViaStream(0n), "bad-descriptor"],
      [() => root.read(1n, 0n), "bad-descriptor"],
      [() => root.advise(0n, 0n, "normal"), "bad-descriptor"],
      [() => read.readDirectory(), "not-directory"],
      [() => read.createDirectoryAt("x"), "not-directory"],
      [() => read.read(1n, 2n ** 64n - 1n), "invalid"],
      [() => write.write(bytes("x"), 2n ** 63n), "invalid"],
      [() => write.setSize(2n ** 64n - 1n), "invalid"],
      [() => write.setSize(2n ** 60n), "file-too-large"],
      [() => root.openAt(NOTHING, "a", NEW, WRITE), "exist"],
      [() => root.openAt(NOTHING, ".", NOTHING, WRITE), "is-directory"],
      [() => root.openAt(NOTHING, "x/", { create: true }, WRITE), "is-directory"],
      [() => root.openAt(NOTHING, "x", { create: true, directory: true }, WRITE), "invalid"],
    ];
    for (const [attempt, code] of cases) expect([attempt.toString(), await codeOf(attempt)]).toContain(code);
    expect(contentOf(root, "a")).toBe("text");
  }));

Deno.test("folders are made and removed, links of both kinds made, files renamed", () =>
  inScratch(async (root) => {
    root.createDirectoryAt("d");
    root.createDirectoryAt("d/e/");
    make(root, "a", "text");
    const attempts: [() => unknown, string][] = [
      [() => root.createDirectoryAt("d"), "exist"],
      [() => root.createDirectoryAt("."), "exist"],
      [() => root.createDirectoryAt("x/y"), "no-entry"],
      [() => root.createDirectoryAt("a/y"), "not-directory"],
      [() => root.removeDirectoryAt("d"), "not-empty"],
      [() => root.removeDirectoryAt("a"), "not-directory"],
      [() => root.removeDirectoryAt("."), "invalid"],
      [() => root.removeDirectoryAt("x"), "no-entry"],
      [() => root.unlinkFileAt("d"), "is-directory"],
      [() => root.unlinkFileAt("a/"), "not-directory"],
      [() => root.renameAt("d", root, "d/e/f"), "invalid"],
      [() => root.renameAt("d", root, "d/e"), "invalid"],
      [() => root.renameAt(".", root, "x"), "invalid"],
      [() => root.renameAt("a", root, "d"), "is-directory"],
      [() => root.renameAt("d", root, "a"), "not-directory"],
      [() => root.renameAt("a", root, "x/"), "not-directory"],
      [() => root.renameAt("x", root, "y"), "no-entry"],
      [() => root.linkAt(NOTHING, "d", root, "x"), "not-permitted"],
      [() => root.linkAt(NOTHING, "a", root, "a"), "exist"],
      [() => root.symlinkAt("/etc/passwd", "x"), "not-permitted"],
      [() => root.symlinkAt("", "x"), "no-entry"],
      [() => root.symlinkAt("a", "a"), "exist"],
      [() => root.symlinkAt("x".repeat(5000), "x"), "name-too-long"],
      [() => root.readlinkAt("a"), "invalid"],
    ];
    for (const [attempt, code] of attempts) expect([attempt.toString(), await codeOf(attempt)]).toContain(code);
    root.linkAt(NOTHING, "a", root, "d/same");
    const [a, same] = ["a", "d/same"].map((path) => root.openAt(NOTHING, path, NOTHING, READ));
    expect(a.isSameObject(same)).toBe(true);
    expect(a.isSameObject(root)).toBe(false);
    expect(a.metadataHash()).toEqual(root.metadataHashAt(NOTHING, "d/same"));
    expect(a.metadataHash()).not.toEqual(root.metadataHash());
    expect(a.stat().linkCount).toBe(2n);
    root.unlinkFileAt("a");
    expect(contentOf(root, "d/same")).toBe("text");
    root.renameAt("d", root, "moved");
    root.renameAt("moved/same", root, "moved/e/same");
    root.renameAt("moved/e/same", root, "moved/e/same");
    expect(contentOf(root, "moved/e/same")).toBe("text");
    make(root, "closed", "while it is renamed, it has no name");
    root.renameAt("closed", root, "renamed");
    expect(contentOf(root, "renamed")).toBe("while it is renamed, it has no name");
    root.unlinkFileAt("renamed");
    make(root, "b", "other");
    root.renameAt("moved/e/same", root, "b");
    expect(contentOf(root, "b")).toBe("text");
    root.removeDirectoryAt("moved/e");
    root.createDirectoryAt("empty");
    root.renameAt("moved", root, "empty");
    expect(namesIn(root)).toEqual(["b: regular-file", "empty: directory"]);
  }));

Deno.test("links that a guest makes lead nowhere that it could not go, and never in circles", () =>
  inScratch(async (root) => {
    const follow = { symlinkFollow: true };
    root.createDirectoryAt("d");
    make(root, "d/a", "text");
    root.symlinkAt("..", "up");
    root.symlinkAt("d/../..", "out");
    root.symlinkAt("two", "one");
    root.symlinkAt("one", "two");
    root.symlinkAt("d/", "folder");
    root.symlinkAt("d/a/", "wrong");
    expect(await codeOf(() => root.statAt(follow, "up"))).toBe("not-permitted");
    expect(await codeOf(() => root.openAt(NOTHING, "up/x", NEW, WRITE))).toBe("not-permitted");
    expect(await codeOf(() => root.createDirectoryAt("out/x"))).toBe("not-permitted");
    expect(await codeOf(() => root.removeDirectoryAt("up/"))).toBe("not-permitted");
    expect(await codeOf(() => root.statAt(follow, "one"))).toBe("loop");
    expect(await codeOf(() => root.statAt(follow, "wrong"))).toBe("not-directory");
    expect(await codeOf(() => root.unlinkFileAt("folder/"))).toBe("not-directory");
    expect(await codeOf(() => root.removeDirectoryAt("folder/"))).toBe("not-directory");
    expect(await codeOf(() => root.openAt(follow, "one", NEW, WRITE))).toBe("exist");
    expect(contentOf(root, "folder/a")).toBe("text");
    root.openAt(follow, "folder/b", NEW, WRITE);
    expect(namesIn(root, "d")).toEqual(["a: regular-file", "b: regular-file"]);
    root.unlinkFileAt("folder");
    expect(namesIn(root, "d").length).toBe(2);
  }));

Deno.test("a folder that was removed takes nothing more, and a file that was removed lives on while it is open", () =>
  inScratch(async (root) => {
    root.createDirectoryAt("d");
    const folder = root.openAt(NOTHING, "d", { directory: true }, { read: true, mutateDirectory: true });
    const file = root.openAt(NOTHING, "a", NEW, { read: true, write: true });
    root.removeDirectoryAt("d");
    root.unlinkFileAt("a");
    expect(await codeOf(() => folder.createDirectoryAt("x"))).toBe("no-entry");
    expect(folder.readDirectory().readDirectoryEntry()).toBe(undefined);
    file.write(bytes("still here"), 0n);
    expect(text(file.read(100n, 0n)[0])).toBe("still here");
    expect(file.stat().linkCount).toBe(0n);
  }));

Deno.test("times are set and read, to the nanosecond", () =>
  inScratch(async (root) => {
    make(root, "a");
    const at = (seconds: bigint, nanoseconds = 0) => ({ tag: "timestamp", val: { seconds, nanoseconds } });
    root.setTimesAt(NOTHING, "a", at(42n, 999_999_999), at(2n ** 40n, 1));
    const stat = root.statAt(NOTHING, "a");
    expect(stat.dataAccessTimestamp).toEqual({ seconds: 42n, nanoseconds: 999_999_999 });
    expect(stat.dataModificationTimestamp).toEqual({ seconds: 2n ** 40n, nanoseconds: 1 });
    const file = root.openAt(NOTHING, "a", NOTHING, READ);
    file.setTimes({ tag: "no-change" }, { tag: "now" });
    expect(file.stat().dataAccessTimestamp.seconds).toBe(42n);
    expect(Number(file.stat().dataModificationTimestamp.seconds) * 1000).toBeGreaterThan(Date.now() - 60_000);
    expect(await codeOf(() => file.setTimes(at(1n, 1_000_000_000), { tag: "now" }))).toBe("invalid");
    expect(await codeOf(() => file.setTimes(at(2n ** 64n - 1n), { tag: "now" }))).toBe("invalid");
  }));

Deno.test("a scratch folder has no more bytes and files than the limits say, and gives back what goes", () =>
  inScratch(async (root, task) => {
    const file = root.openAt(NOTHING, "a", NEW, { read: true, write: true });
    file.setSize(2n ** 20n);
    expect(await codeOf(() => file.write(bytes("x"), 2n ** 20n))).toBe("insufficient-space");
    expect(await codeOf(() => file.setSize(2n ** 50n))).toBe("insufficient-space");
    expect(file.write(bytes("x"), 0n)).toBe(1n);
    const stream: OutputStream = file.appendViaStream();
    const thrown = await codeOf(() => stream.write(bytes("xy"))) as StreamError & { val: IoError };
    expect(thrown.tag).toBe("last-operation-failed");
    const filesystemErrorCode = p2(() => [])["wasi:filesystem/types@0.2.12"]!.filesystemErrorCode as (
      error: IoError,
    ) => unknown;
    expect(filesystemErrorCode(thrown.val)).toBe("insufficient-space");
    expect(await codeOf(() => stream.write(bytes("x")))).toEqual({ tag: "closed" });
    stream[Symbol.dispose]();
    make(root, "b");
    for (const more of [() => make(root, "c"), () => root.createDirectoryAt("c"), () => root.symlinkAt("a", "c")]) {
      expect(await codeOf(more)).toBe("insufficient-space");
    }
    expect([...task.met.keys()].sort()).toEqual(["scratchEntries", "scratchMb"]);
    root.unlinkFileAt("a");
    expect(await codeOf(() => make(root, "b", "x"))).toBe("insufficient-space");
    file[Symbol.dispose]();
    make(root, "b", "x".repeat(1000));
    make(root, "c");
    root.renameAt("c", root, "b");
    const rest = root.openAt(NOTHING, "b", NOTHING, WRITE);
    rest.setSize(2n ** 20n);
  }, { scratchMb: 1, scratchEntries: 2 }));

Deno.test("the scratch folders of a process have a limit together, and give all back when their tasks end", () => {
  const budget = new Budget(10_000);
  const mount = scratch("/tmp", budget);
  const open = (task: Task) =>
    withTask(task, () => {
      const mounts = () => [mount()];
      const list = p2(mounts)["wasi:filesystem/preopens@0.2.12"]!.getDirectories as () => [Descriptor, string][];
      return list()[0]![0];
    });
  const [one, two] = [new Task({ function: "f" }), new Task({ function: "g" })];
  const [first, second] = [open(one), open(two)];
  make(first, "a", "x".repeat(8000));
  expect(() => make(second, "a", "x".repeat(8000))).toThrow("insufficient-space");
  const kept = first.openAt(NOTHING, "a", NOTHING, WRITE);
  one.end();
  expect(() => kept.setSize(9000n)).toThrow("insufficient-space");
  kept.setSize(0n);
  make(second, "a", "x".repeat(8000));
  two.end();
  expect(budget.used).toBe(0);
});

Deno.test("files of assets and of the scratch folder are on two devices", () =>
  inWorld({ assets: { "/site": "public" }, scratch: "/tmp" }, async ({ open }) => {
    const { task, roots: { "/site": assets, "/tmp": own } } = open();
    await withTask(task, async () => {
      expect(await codeOf(() => assets.linkAt(NOTHING, "index.html", own, "x"))).toBe("cross-device");
      make(own, "a");
      expect(await codeOf(() => own.renameAt("a", assets, "x"))).toBe("read-only");
      expect(assets.metadataHashAt(NOTHING, "absolute")).not.toEqual(own.metadataHashAt(NOTHING, "a"));
      expect(assets.isSameObject(own)).toBe(false);
    });
  }, site));

Deno.test("a malformed grant of files is refused with what to write", () => {
  const problems = (grant: unknown) =>
    files.grant.safeParse(grant).error?.issues.map(({ message }) => message).join("; ") ?? "fine";
  expect(problems({})).toBe("fine");
  expect(problems({ assets: { "/": "./public" }, scratch: "/tmp" })).toBe("fine");
  expect(problems({ assets: { "/": "." } })).toContain("is the function's own folder, with its manifest");
  expect(problems({ assets: { "site": "public" } })).not.toBe("fine");
  expect(problems({ assets: { "/site": "../x" } })).toContain("leads out of the function's folder");
  expect(problems({ assets: { "/site": "/etc" } })).toContain("inside the function's folder");
  expect(problems({ assets: { "/site": "c:/x" } })).toContain("inside the function's folder");
  expect(problems({ assets: { "/site": "a\\b" } })).toContain('write "a/b"');
  expect(problems({ assets: { "/site": "" } })).toContain("is no folder");
  expect(problems({ scratch: "tmp" })).toContain('must begin with "/"');
  expect(problems({ scratch: "/tmp/" })).toContain('write "/tmp"');
  expect(problems({ scratch: "/a/../b" })).toContain("must be written without");
  expect(problems({ assets: { "/tmp": "x" }, scratch: "/tmp" })).toContain("is where assets are already");
  expect(problems({ scratch: true })).not.toBe("fine");
  expect(problems({ mounts: {} })).not.toBe("fine");
});

Deno.test("0.3 has variants where 0.2 has enums, and results beside its streams", () =>
  inWorld(
    { assets: { "/site": "public" }, scratch: "/tmp" },
    async ({ open }) => {
      const { task, roots: { "/site": assets, "/tmp": own } } = open();
      await withTask(task, async () => {
        expect(await codeOf(() => assets.openAt(NOTHING, "none", NOTHING, READ))).toEqual({ tag: "no-entry" });
        expect((await assets.statAt(NOTHING, "index.html")).type).toEqual({ tag: "regular-file" });
        expect(await assets.getType()).toEqual({ tag: "directory" });
        const [entries, listed] = assets.readDirectory();
        expect([...entries].map(({ name, type }) => `${name} ${type.tag}`)).toContain("sub directory");
        expect(await listed).toEqual({ tag: "ok" });
        const file = await assets.openAt(NOTHING, "index.html", NOTHING, READ);
        const [stream, done] = file.readViaStream(4n);
        expect(text((await stream.next()).value)).toBe("hello</h1>");
        expect([(await stream.next()).done, await done]).toEqual([true, { tag: "ok" }]);
        const [empty, refused] = assets.readViaStream(0n);
        expect([(await empty.next()).done, await refused]).toEqual([true, {
          tag: "err",
          val: { tag: "bad-descriptor" },
        }]);
        const [none, no] = file.readDirectory();
        expect([[...none], await no]).toEqual([[], { tag: "err", val: { tag: "not-directory" } }]);
        await own.setTimes({ tag: "timestamp", val: { seconds: -2n, nanoseconds: 5 } }, { tag: "no-change" });
        expect((await own.stat()).dataAccessTimestamp).toEqual({ seconds: -2n, nanoseconds: 5 });
      });
    },
    site,
    "0.3.0",
  ));
