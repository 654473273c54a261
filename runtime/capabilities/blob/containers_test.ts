import { expect } from "@std/expect";
import { blobstore, get, hostOf, names, onEachBackend, put } from "./_testing.ts";

onEachBackend(
  "no name of a function's container runs into another's, or out of where they are kept",
  async (backend) => {
    const labels = [
      "default",
      "a",
      "A",
      "a/b",
      "../a",
      "..",
      ".",
      "a\\b",
      "=a",
      "é",
      "e\u0301",
      "con",
      "x".repeat(63),
      "€".repeat(63),
    ];
    const owners = [["f", labels], ["a", ["b", "default"]], ["shared", ["default", "a"]], ["functions", [
      "f",
    ]]] as const;
    const all: { which: string; host: ReturnType<typeof hostOf>; label: string }[] = [];
    for (const [owner, own] of owners) {
      const host = hostOf(backend, owner, { containers: Object.fromEntries(own.map((label) => [label, true])) });
      for (const label of own) {
        const which = `${owner}: ${label}`;
        expect([which, await blobstore(host).containerExists(label)]).toEqual([which, false]);
        using container = await blobstore(host).createContainer(label);
        await put(host, container, "object", which);
        all.push({ which, host, label });
      }
    }
    for (const { which, host, label } of all) {
      using container = await blobstore(host).getContainer(label);
      expect(await get(host, container, "object")).toBe(which);
      expect(await names(container)).toEqual(["object"]);
    }
    // What one of them deletes, the others keep.
    const [first, ...rest] = all;
    await blobstore(first!.host).deleteContainer(first!.label);
    for (const { which, host, label } of rest) {
      expect([which, await blobstore(host).containerExists(label)]).toEqual([which, true]);
    }
  },
);
