import { expect } from "@std/expect";
import type { Engine } from "../engine/mod.ts";
import { nativeEngine } from "../engine/native/mod.ts";
import { processAdmission } from "../admission.ts";
import { silentSink } from "../log.ts";
import { openRuntime } from "../open.ts";
import { readSettings } from "../settings.ts";
import { warmUp } from "./mod.ts";

/** An engine that counts what it is asked, and may not be asked for what a function without grants has not. */
function counting(engine: Engine): { engine: Engine; loads: string[] } {
  const loads: string[] = [];
  return {
    loads,
    engine: {
      name: engine.name,
      load(bytes, options) {
        loads.push(options?.name ?? "");
        return engine.load(bytes, options);
      },
    },
  };
}

Deno.test("warmUp() loads, links and serves with the engine that it is given, and leaves no task behind", async () => {
  const { engine, loads } = counting(nativeEngine);
  await warmUp(engine);
  expect(loads.length).toBeGreaterThan(1);
  expect(new Set(loads)).toEqual(new Set(["warm"]));
  expect(processAdmission.running).toBe(0);
});

Deno.test("warmUp() says that an engine cannot load its component", async () => {
  const broken: Engine = { name: "broken", load: () => Promise.reject(new Error("no")) };
  await expect(warmUp(broken)).rejects.toThrow("no");
});

Deno.test("a server that loads functions lazily has warmed up when it opens, unless it was told not to", async () => {
  const functions = await Deno.makeTempDir({ prefix: "skerry-warm-" });
  const opened = async (environment: Record<string, string>) => {
    const { engine, loads } = counting(nativeEngine);
    const settings = readSettings({ SKERRY_FUNCTIONS: functions, ...environment });
    await (await openRuntime(settings, { engine, sink: silentSink })).stop(0);
    return new Set(loads);
  };
  try {
    expect(await opened({ SKERRY_LAZY: "1" })).toEqual(new Set(["warm"]));
    expect(await opened({ SKERRY_LAZY: "1", SKERRY_WARM: "0" })).toEqual(new Set());
    expect(await opened({})).toEqual(new Set());
  } finally {
    await Deno.remove(functions);
  }
});
