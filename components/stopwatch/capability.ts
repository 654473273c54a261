// The host of wit/stopwatch.wit. Grant it with  "grants": { "stopwatch": {} }  in function.json.
//
// The laps of a request are a plain array: no lock, no key, no request id handed from call to call. taskLocal() finds
// the array of the request that is running, before an await and after it, in a method and in a destructor.
import { currentTask, defineCapability, taskLocal, z } from "../../runtime/mod.ts";

const laps = taskLocal<string[]>(() => []);

class Lap {
  readonly #label: string;
  readonly #began = performance.now();
  #stopped = false;

  constructor(label: string) {
    this.#label = label;
  }

  async stop(): Promise<number> {
    const ms = performance.now() - this.#began;
    this.#stopped = true;
    await file(); // Only this guest sleeps meanwhile; other requests go on.
    laps().push(`${this.#label}: ${ms.toFixed(2)} ms`);
    return ms;
  }

  /** The guest has dropped its handle, or its isolate has ended. */
  [Symbol.dispose]() {
    if (!this.#stopped) currentTask().log("warn", `lap "${this.#label}" was never stopped`, "stopwatch");
  }
}

/** Stands for whatever takes a while: a database, another service. */
const file = () => new Promise((done) => setTimeout(done, 1));

export const stopwatch = defineCapability({
  name: "stopwatch",
  interfaces: ["example:stopwatch/stopwatch@0.1.0"],
  grant: z.strictObject({}),
  open: () => undefined,
  link: () => ({
    "example:stopwatch/stopwatch@0.1.0": {
      requestId: () => currentTask().id,
      report: () => laps(),
      Lap,
    },
  }),
});
