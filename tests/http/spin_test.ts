/**
 * Whole requests of a guest that speaks Spin's async interfaces, in WASI 0.3.
 *
 * @module
 */
import { expect } from "@std/expect";
import { kvOn, MemoryBackend } from "../../runtime/capabilities/kv/mod.ts";
import { onEachEngine, serve } from "./_serve.ts";

onEachEngine(
  "a guest keeps keys by Spin's async interface, lists them as a stream, and its neighbour has others",
  async (engine) => {
    const backend = new MemoryBackend();
    const grants = { config: { values: { greeting: "Hello" } }, kv: { stores: { default: true, carts: "shop" } } };
    await using server = await serve({
      engine,
      capabilities: [kvOn(() => backend)],
      guests: {
        f: { fixture: "c-spin3", grants },
        neighbour: { fixture: "c-spin3", grants },
        c: { fixture: "c-caps", grants: { ...grants, log: {} } },
      },
    });
    const ask = async (path: string) => await (await server.request(path)).text();
    expect(await ask("/f/get?key=a")).toBe("none");
    for (const key of ["a", "b", "c", "d", "e"]) expect(await ask(`/f/set?key=${key}&value=${key}!`)).toBe("there");
    expect(await ask("/f/get?key=c")).toBe("c!");
    expect(await ask("/f/delete?key=c")).toBe("not there");
    // Read two at a time.
    expect(await ask("/f/keys")).toBe("a b d e and no more");
    expect(await ask("/neighbour/keys")).toBe("and no more");
    expect(await ask("/f/get?store=others&key=a")).toBe("error: access-denied");
    expect(await ask("/f/set?store=carts&key=s&value=shared")).toBe("there");
    expect(await ask("/c/get?store=carts&key=s")).toBe("shared");
    expect(await ask(`/f/set?key=${"k".repeat(1025)}&value=x`)).toBe(
      "error: other the key has 1025 bytes, and may have 1024",
    );
    expect(await ask("/f/variable?key=greeting")).toBe("Hello");
    expect(await ask("/f/variable?key=nothing")).toBe('error: undefined no variable "nothing"');
    expect(await ask("/f/variable?key=No%20name")).toMatch(/^error: invalid-name/);
  },
);
