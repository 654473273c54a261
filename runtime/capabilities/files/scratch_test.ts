import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { WitError } from "../../errors.ts";
import { MAX_READ_BYTES } from "../../limits.ts";
import { InputStream, type IoError, OutputStream, type StreamError } from "../../streams/p2/mod.ts";
import { Task } from "../../task.ts";
import {
  bytes,
  codeOf,
  contentOf,
  type Descriptor,
  inScratch,
  inWorld,
  make,
  namesIn,
  NEW,
  NOTHING,
  READ,
  text,
  WRITE,
} from "./_testing.ts";
import { Budget, scratch } from "./mounts.ts";
import { p2 } from "./p2.ts";

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
      [() => root.linkAt(NOTHING, "a", root, "x/"), "no-entry"],
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
  expect([...two.met]).toEqual([["process.scratch", 1]]);
  const kept = first.openAt(NOTHING, "a", NOTHING, WRITE);
  one.end();
  expect(() => kept.setSize(9000n)).toThrow("insufficient-space");
  kept.setSize(0n);
  make(second, "a", "x".repeat(8000));
  two.end();
  expect(budget.used).toBe(0);
});
