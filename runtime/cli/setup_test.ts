import { expect } from "@std/expect";
import { whyInstall } from "./setup.ts";

const WANTED = { dependencies: { hono: "4.0.0" }, devDependencies: { deno: "2.9.6" } };
const LOCKED = {
  packages: {
    "": WANTED,
    "node_modules/hono": { version: "4.0.0" },
    "node_modules/deno": { version: "2.9.6" },
    "node_modules/@deno/win32": { version: "2.9.6", optional: true },
  },
};
const INSTALLED = {
  packages: { "node_modules/hono": { version: "4.0.0" }, "node_modules/deno": { version: "2.9.6" } },
};

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
