import { expect } from "@std/expect";
import { join } from "node:path";
import { withTask } from "../../context.ts";
import {
  bytes,
  codeOf,
  contentOf,
  type Descriptor,
  inSite,
  inWorld,
  make,
  namesIn,
  NOTHING,
  READ,
  site,
  text,
  WRITE,
} from "./_testing.ts";
import { type FilesGrant } from "./grant.ts";
import { files } from "./mod.ts";

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
      [root, "sub/deep/", "no error"],
      [root, ".", "no error"],
      [root, "sub/..", "no error"],
      [root, "./", "no error"],
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

async function run(command: string, ...args: string[]): Promise<void> {
  const { success } = await new Deno.Command(command, { args, stdout: "null" }).output();
  expect([command, success]).toEqual([command, true]);
}

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
    ["data", async (dir) => {
      await Deno.mkdir(join(dir, "data"));
      await Deno.symlink("/dev/zero", join(dir, "data/zeroes"));
    }, "data/zeroes is a link that leads out of it; put a copy in its place"],
    ["data", async (dir) => {
      await Deno.mkdir(join(dir, "data"));
      // Opening it would wait for ever, or for somebody who writes.
      await run("mkfifo", join(dir, "data/pipe"));
    }, "data/pipe is neither a file nor a folder"],
  ];
  // Other systems take no such name.
  if (Deno.build.os === "linux") {
    cases.push(["data", async (dir) => {
      await Deno.mkdir(join(dir, "data"));
      await run("sh", "-c", `: > "$(printf '${join(dir, "data")}/\\377')"`);
    }, "data/\ufffd has a name that is no UTF-8; give it another one"]);
  }
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
