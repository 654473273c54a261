import { expect } from "@std/expect";
import { findCompatible, otherVersions, withoutVersion } from "./semver.ts";

Deno.test("the exact version comes first, then the newest compatible one", () => {
  const host = ["a:b/c@0.2.3", "a:b/c@0.2.12", "a:b/c@0.2.9", "a:b/c@0.3.0"];
  expect(findCompatible("a:b/c@0.2.9", host)).toBe("a:b/c@0.2.9");
  expect(findCompatible("a:b/c@0.2.0", host)).toBe("a:b/c@0.2.12");
  expect(findCompatible("a:b/c@0.3.1", host)).toBe("a:b/c@0.3.0");
});

Deno.test("a different track is not compatible", () => {
  expect(findCompatible("a:b/c@0.1.0", ["a:b/c@0.2.0"])).toBeUndefined();
  expect(findCompatible("a:b/c@1.2.0", ["a:b/c@2.2.0"])).toBeUndefined();
  expect(findCompatible("a:b/c@1.2.0", ["a:b/c@1.9.7"])).toBe("a:b/c@1.9.7");
  expect(findCompatible("a:b/c@0.0.1", ["a:b/c@0.0.2"])).toBeUndefined();
  expect(findCompatible("a:b/c@0.2.0", ["a:b/d@0.2.0"])).toBeUndefined();
});

Deno.test("a prerelease only matches itself", () => {
  const host = ["a:b/c@0.2.0-rc-2", "a:b/c@0.2.1"];
  expect(findCompatible("a:b/c@0.2.0-rc-1", host)).toBeUndefined();
  expect(findCompatible("a:b/c@0.2.0-rc-2", host)).toBe("a:b/c@0.2.0-rc-2");
  expect(findCompatible("a:b/c@0.2.0", ["a:b/c@0.2.0-rc-2"])).toBeUndefined();
});

Deno.test("names without a version match exactly", () => {
  expect(findCompatible("local", ["local"])).toBe("local");
  expect(findCompatible("local", ["local@1.0.0"])).toBeUndefined();
  expect(withoutVersion("wasi:io/poll@0.2.3")).toBe("wasi:io/poll");
  expect(withoutVersion("local")).toBe("local");
});

Deno.test("who needs a release candidate that there is not is told what to do", () => {
  expect(otherVersions("wasi:io/poll@0.2.0-rc-2023-12-05", ["wasi:io/poll@0.2.12", "wasi:io/error@0.2.12"])).toBe(
    "the host has wasi:io/poll@0.2.12; it is of a release candidate: build the component again with tools for WASI " +
      "0.2.0 or later",
  );
  expect(otherVersions("my:own/thing@1.0.0-rc-1", ["my:own/thing@1.0.0"])).toBe("the host has my:own/thing@1.0.0");
  expect(otherVersions("my:own/thing@1.0.0", [])).toBe("no version of it");
});
