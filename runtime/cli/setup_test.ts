import { expect } from "@std/expect";
import { isLocked, whyInstall as whyInstallOn } from "./setup.ts";

const WANTED = { dependencies: { hono: "4.0.0" }, devDependencies: { deno: "2.9.6" } };
const LOCKED = {
  packages: {
    "": WANTED,
    "node_modules/hono": { version: "4.0.0" },
    "node_modules/deno": { version: "2.9.6" },
    "node_modules/@deno/linux-x64-glibc": { version: "2.9.6", optional: true },
    "node_modules/@deno/win32-x64": { version: "2.9.6", optional: true },
  },
};
const INSTALLED = {
  packages: { "node_modules/hono": { version: "4.0.0" }, "node_modules/deno": { version: "2.9.6" } },
};

const LINUX = { os: "linux", arch: "x86_64" } as const;
type Arguments = Parameters<typeof whyInstallOn>;
const whyInstall = (wanted: Arguments[0], locked: Arguments[1], installed: Arguments[2]) =>
  whyInstallOn(wanted, locked, installed, LINUX);

Deno.test("nothing is installed when everything is there", () => {
  expect(whyInstall(WANTED, LOCKED, INSTALLED)).toBe(undefined);
});

Deno.test("packages are installed in a fresh clone", () => {
  expect(whyInstall(WANTED, LOCKED, undefined)).toBe("the packages are not installed yet");
});

Deno.test("packages are installed when package.json or package-lock.json has moved on", () => {
  const newer = { ...WANTED, dependencies: { hono: "4.1.0" } };
  expect(whyInstall(newer, LOCKED, INSTALLED)).toBe("package.json asks for hono 4.1.0");
  expect(whyInstall({ dependencies: { hono: "4.0.0" } }, LOCKED, INSTALLED)).toBe(
    "package.json asks for deno no longer",
  );
  const upgraded = { packages: { ...LOCKED.packages, "node_modules/hono": { version: "4.1.0" } } };
  expect(whyInstall(WANTED, upgraded, INSTALLED)).toBe("hono 4.1.0 is not installed");
  expect(whyInstall(WANTED, LOCKED, { packages: {} })).toBe("hono 4.0.0 is not installed");
});

Deno.test("a platform that the lockfile does not name gets packages that the lockfile does not name either", () => {
  const MAC = { os: "darwin", arch: "aarch64" } as const;
  expect([isLocked(LOCKED, LINUX), isLocked(LOCKED, { os: "windows", arch: "x86_64" }), isLocked(LOCKED, MAC)])
    .toEqual([true, true, false]);
  const newer = { packages: { ...LOCKED.packages, "node_modules/inner": { version: "1.0.0" } } };
  expect(whyInstallOn(WANTED, newer, INSTALLED, LINUX)).toBe("inner 1.0.0 is not installed");
  expect(whyInstallOn(WANTED, newer, INSTALLED, MAC)).toBe(undefined);
  const { "node_modules/deno": _, ...rest } = INSTALLED.packages;
  expect(whyInstallOn(WANTED, newer, { packages: rest }, MAC)).toBe("deno 2.9.6 is not installed");
});
