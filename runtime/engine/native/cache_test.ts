import { expect } from "@std/expect";
import { withFolder } from "../../../tests/_folder.ts";
import { decodeComponent } from "../../component/mod.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { call, inIsolate } from "./_testing.ts";
import { CodeCache } from "./cache.ts";
import { elaborate } from "./elaborate.ts";
import { type Preparation, prepare, type PreparedCode } from "./load.ts";
import { createNativeEngine } from "./mod.ts";
import { withoutShims } from "./shim.ts";
import { MAX_RANGE_CODE_BYTES } from "./tracking.ts";

const read = (name: string) => Deno.readFileSync(new URL(`testdata/${name}.wasm`, import.meta.url));
const BYTES = read("starts");
const PREPARATION: Preparation = { restore: true, limits: DEFAULT_LIMITS, left: 100 };

const planOf = (bytes: Uint8Array<ArrayBuffer>) =>
  withoutShims(bytes, elaborate(bytes, decodeComponent(bytes, "test"), "test"));

function rewrite(bytes: Uint8Array<ArrayBuffer>, preparation: Preparation): PreparedCode {
  return prepare(bytes, planOf(bytes), preparation);
}

const filesIn = async (folder: string) => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);

/** Asks a cache as a new process would; says whether it had to be made. */
async function ask(folder: string, bytes = BYTES, preparation = PREPARATION, readOnly = false) {
  let made = false;
  const code = await new CodeCache({ folder, readOnly }).get({ bytes, plan: planOf(bytes) }, preparation, () => {
    made = true;
    return rewrite(bytes, preparation);
  });
  return { code, made };
}

Deno.test("what has been rewritten is found again as it was", async () => {
  for (const name of ["starts", "traces", "grow", "gc_constants", "values"]) {
    await withFolder(async (folder) => {
      const bytes = read(name);
      const first = await ask(folder, bytes);
      const second = await ask(folder, bytes);
      expect([first.made, second.made]).toEqual([true, false]);
      expect(second.code).toEqual(first.code);
      expect(first.code).toEqual(rewrite(bytes, PREPARATION));
    });
  }
});

Deno.test("what is for another component or other limits is not taken", async () => {
  await withFolder(async (folder) => {
    await ask(folder);
    const others: readonly (readonly [Uint8Array<ArrayBuffer>, Preparation])[] = [
      [read("starts_host"), PREPARATION],
      [BYTES, { ...PREPARATION, restore: false }],
      [BYTES, { ...PREPARATION, left: 101 }],
      [BYTES, { ...PREPARATION, rangeCodeBytes: 0 }],
      [BYTES, { ...PREPARATION, limits: undefined }],
      [BYTES, { ...PREPARATION, limits: { ...DEFAULT_LIMITS, memoryMb: DEFAULT_LIMITS.memoryMb - 1 } }],
      [BYTES, { ...PREPARATION, limits: { ...DEFAULT_LIMITS, tableElements: 7 } }],
    ];
    for (const [bytes, preparation] of others) expect((await ask(folder, bytes, preparation)).made).toBe(true);
    expect((await filesIn(folder)).length).toBe(1 + others.length);
    expect((await ask(folder)).made).toBe(false);
    // The default is the same, said or not.
    expect((await ask(folder, BYTES, { ...PREPARATION, rangeCodeBytes: MAX_RANGE_CODE_BYTES })).made).toBe(false);
  });
});

/** A component with one module, whose memory has this data at this address. */
function withData(text: string, at: number): Uint8Array<ArrayBuffer> {
  const vec = (bytes: readonly number[]) => [bytes.length, ...bytes];
  const memory = [5, ...vec([1, 0, 1])];
  const types = [1, ...vec([1, 0x60, 0, 1, 0x7f])];
  const code = [10, ...vec([1, ...vec([0, 0x41, 1, 0x40, 0, 0x0b])])];
  const address = [0x41, at & 0x7f | 0x80, at >> 7 & 0x7f | 0x80, at >> 14, 0x0b];
  const data = [11, ...vec([1, 0, ...address, ...vec([...new TextEncoder().encode(text)])])];
  const module = [...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], ...types, 3, ...vec([1, 0]), ...memory, ...code, ...data];
  const instance = [2, ...vec([1, 0, 0, 0])];
  return new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 1, ...vec(module), ...instance]);
}

Deno.test("components that differ in their data alone share what is kept, and each has its own data", async () => {
  await withFolder(async (folder) => {
    const one = withData("one", 64);
    expect((await ask(folder, one)).made).toBe(true);
    for (
      const [text, at] of [["two", 64], ["and a longer one", 64], ["", 64], ["one", 30_000], ["one", 65_533]] as const
    ) {
      const other = withData(text, at);
      const { code, made } = await ask(folder, other);
      expect([text, at, made]).toEqual([text, at, false]);
      expect(code).toEqual(rewrite(other, PREPARATION));
    }
    // Data beyond the memory is another case: it has no room to grow in.
    const beyond = withData("one", 65_534);
    expect((await ask(folder, beyond)).made).toBe(true);
    expect((await ask(folder, beyond)).code).toEqual(rewrite(beyond, PREPARATION));
    expect((await ask(folder, one)).code).toEqual(rewrite(one, PREPARATION));
  });
});

Deno.test("a component that is broken is refused in the same words, with a folder and without", async () => {
  await withFolder(async (folder) => {
    // Its data runs over the end of its section.
    const broken = withData("one", 64);
    broken[broken.indexOf(0x6f) - 1] = 9;
    const messages: string[] = [];
    for (const engine of [createNativeEngine(), createNativeEngine({ cacheDir: folder })]) {
      await engine.load(broken, { name: "broken" }).catch((error) => messages.push(`${error.code} ${error.message}`));
    }
    expect(messages).toEqual([expect.stringContaining("component-malformed"), messages[0]]);
    expect(await filesIn(folder)).toEqual([]);
  });
});

Deno.test("a file that is not whole is made again", async () => {
  await withFolder(async (folder) => {
    const { code } = await ask(folder);
    const path = `${folder}/${(await filesIn(folder))[0]}`;
    const whole = await Deno.readFile(path);
    for (const part of [0, 11, 12, whole.length - 1]) {
      await Deno.writeFile(path, whole.subarray(0, part));
      const again = await ask(folder);
      expect([part, again.made]).toEqual([part, true]);
      expect(again.code).toEqual(code);
    }
    expect(await Deno.readFile(path)).toEqual(whole);
  });
});

Deno.test("a folder to read from is not written to, and one that is not there does not matter", async () => {
  await withFolder(async (folder) => {
    expect((await ask(folder, BYTES, PREPARATION, true)).made).toBe(true);
    expect(await filesIn(folder)).toEqual([]);
    expect((await ask(`${folder}/none`, BYTES, PREPARATION, true)).made).toBe(true);
    // Nor does one that cannot be made.
    await Deno.writeTextFile(`${folder}/file`, "");
    expect((await ask(`${folder}/file/under`)).made).toBe(true);
  });
});

Deno.test("isolates of what was kept are those of what was just made", async () => {
  await withFolder(async (folder) => {
    const states = async (readOnly: boolean) => {
      const engine = createNativeEngine({ cacheDir: folder, readOnly });
      const linked = await (await engine.load(BYTES, { name: "starts" })).link({
        "test:starts/host": { number: () => 3 },
      });
      const found: unknown[] = [];
      for (let i = 0; i < 3; i++) {
        await inIsolate(linked, async (isolate) => {
          found.push(await call(isolate, "state"));
          await call(isolate, "leave");
        });
      }
      return found;
    };
    expect(await states(false)).toEqual([80106, 80106, 80106]);
    expect((await filesIn(folder)).length).toBe(1);
    expect(await states(true)).toEqual([80106, 80106, 80106]);
  });
});
