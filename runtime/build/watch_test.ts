import { expect } from "@std/expect";
import { join } from "node:path";
import { changeKind, type FunctionChange, watchFunctions } from "./watch.ts";

Deno.test("a change names the function's folder and what of it changed", async () => {
  const dir = await Deno.makeTempDir();
  const stop = new AbortController();
  const told = new Set<string>();
  let heard = Promise.withResolvers<void>();
  const onChange = ({ folder, kinds }: FunctionChange) => {
    for (const kind of kinds) told.add(`${folder} ${kind}`);
    heard.resolve();
  };
  await Deno.mkdir(join(dir, "hello", "lib"), { recursive: true });
  await Deno.mkdir(join(dir, "shared"));
  const usedBy = (path: string) => path.endsWith("used.ts") ? ["other"] : [];
  const watching = watchFunctions(dir, onChange, { signal: stop.signal, usedBy });
  const changed = async (wanted: string, name: string) => {
    await Deno.writeTextFile(join(dir, name), "{}");
    while (!told.has(wanted)) {
      heard = Promise.withResolvers();
      await heard.promise;
    }
  };
  try {
    await changed("hello source", "hello/lib/a.ts");
    expect(told).toEqual(new Set(["hello source"]));
    await changed("hello manifest", "hello/function.json");
    await Deno.writeTextFile(join(dir, "shared", ".used.ts.swp"), "1");
    await changed("other source", "shared/used.ts");
    await changed("shared wit", "shared/a.wit");
    expect(told).toEqual(
      new Set(["hello source", "hello manifest", "shared source", "shared wit", "other source"]),
    );
  } finally {
    stop.abort();
    await watching;
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("files are told apart by their names", () => {
  expect(changeKind("a/function.json")).toBe("manifest");
  expect(changeKind("a/b.wasm")).toBe("wasm");
  expect(changeKind("a/wit/b.wit")).toBe("wit");
  expect(changeKind("a/b.ts")).toBe("source");
});
