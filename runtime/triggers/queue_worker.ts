/**
 * Calls a function for the messages of a queue.
 *
 * @module
 */
import { deliver } from "../capabilities/queue/deliver.ts";
import type { Claim, QueueStore } from "../capabilities/queue/store.ts";
import { SkerryError, toSkerryError } from "../errors.ts";
import { MAX_QUEUE_BACKOFF_MS } from "../limits.ts";
import type { LogLevel } from "../log.ts";
import type { QueueTrigger } from "../manifest.ts";
import { type CallerOptions, post } from "./calls.ts";

/** How often a queue is looked at that nothing was heard of: what other processes send is not always told. */
const POLL_MS = 2000;

/** How long to wait when another process was faster. */
const CONTENDED_MS = 50;

/** How long a message waits for which there was no place. */
const PAUSE_MS = 1000;

/** Failures that say nothing about the message: it is handed out again as if it had not been. */
const UNCOUNTED: ReadonlySet<string> = new Set([
  "function-broken",
  "function-busy",
  "overloaded",
  "server-stopping",
]);

/** What a worker is made of. */
export interface QueueWorkerOptions extends CallerOptions {
  readonly store: QueueStore;
  readonly queue: QueueTrigger;
}

/** Calls one function for one queue until it is stopped. */
export class QueueWorker {
  readonly #options: QueueWorkerOptions;
  readonly #stopped = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #woken = Promise.withResolvers<void>();
  /** What was last told of what keeps it from looking, so that it is told once. */
  #complaint = "";
  readonly #loop: Promise<void>;

  constructor(options: QueueWorkerOptions) {
    this.#options = options;
    const forget = options.store.onSent(options.queue.name, () => this.#wake());
    this.#loop = this.#run().finally(forget);
  }

  #wake(): void {
    this.#woken.resolve();
  }

  /** Takes no more messages. Resolves when those that it has are handled, or given back. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      this.#woken = Promise.withResolvers();
      const pause = await this.#look();
      if (pause === 0 || signal.aborted) continue;
      const enough = new AbortController();
      await Promise.race([this.#woken.promise, clock.sleep(pause, enough.signal)]);
      enough.abort();
    }
  }

  /** Begins to handle what is due. Resolves to how long to wait before the next look, if nothing is heard before. */
  async #look(): Promise<number> {
    const { store, queue, clock, ready } = this.#options;
    const free = queue.concurrency - this.#running.size;
    if (free <= 0) return POLL_MS;
    try {
      const next = await store.next(queue.name);
      if (next === undefined) return POLL_MS;
      const wait = next - clock.now();
      if (wait > 0) return Math.min(wait, POLL_MS);
      // Nothing is handed out while there is nobody to take it.
      await ready();
      const claims = await store.claim(queue.name, free);
      for (const claim of claims) this.#start(claim);
      this.#complaint = "";
      return claims.length > 0 ? 0 : CONTENDED_MS;
    } catch (error) {
      // The database may be away for a while, and a function broken: what was sent waits.
      const complaint = `looking for messages: ${error instanceof Error ? error.message : error}`;
      if (this.#complaint !== complaint) this.#log("error", complaint);
      this.#complaint = complaint;
      return POLL_MS;
    }
  }

  #start(claim: Claim): void {
    const handled = this.#handle(claim).catch((error) => {
      // It comes back by itself when the claim has run out.
      this.#log("error", `message ${claim.id}: ${error instanceof Error ? error.message : error}`);
    }).finally(() => {
      this.#running.delete(handled);
      this.#wake();
    });
    this.#running.add(handled);
  }

  async #handle(claim: Claim): Promise<void> {
    const { store, queue } = this.#options;
    const error = claim.attempts > queue.attempts
      // Who ends the process with it would do so for ever.
      ? new SkerryError("internal", claim.lastError ?? "it was handed out too often")
      : this.#stopped.signal.aborted
      ? new SkerryError("server-stopping", "claiming a message: the server is stopping")
      : await this.#attempt(claim);
    if (error === undefined) {
      if (await store.done(queue.name, claim)) return;
      return this.#log("warn", `message ${claim.id}: was handled, but too late: it is handled again`);
    }
    if (UNCOUNTED.has(error.code)) {
      const delayMs = error.code === "server-stopping" ? 0 : PAUSE_MS;
      await store.retry(queue.name, claim, { delayMs, error: error.message, uncounted: true });
      return;
    }
    if (claim.attempts >= queue.attempts) {
      await store.bury(queue.name, claim, error.message);
      const why = `given up after ${Math.min(claim.attempts, queue.attempts)} attempts: ${error.message}`;
      return this.#log("error", `message ${claim.id}: ${why}. See \`deno task queue dead ${queue.name}\`.`);
    }
    const most = Math.min(queue.backoffMs * 2 ** (claim.attempts - 1), MAX_QUEUE_BACKOFF_MS);
    // Messages that failed together do not all come back together.
    const delayMs = Math.round(most * (0.5 + Math.random() / 2));
    await store.retry(queue.name, claim, { delayMs, error: error.message });
  }

  /** Calls the function. Resolves to why that failed. */
  async #attempt(claim: Claim): Promise<SkerryError | undefined> {
    const { store, queue, ready, call, function: name } = this.#options;
    const { id, message, attempts } = claim;
    let renewal: Promise<unknown> | undefined;
    const timer = setInterval(() => {
      // One at a time: a second would contradict the first, and what is handled then could not be noted.
      renewal ??= store.renew(queue.name, claim).catch(() => {}).finally(() => renewal = undefined);
    }, store.leaseMs / 3);
    try {
      const served = await ready();
      const label = `queue ${queue.name}, attempt ${attempts} of ${queue.attempts}`;
      await call(
        served,
        { label, requestId: id, traceparent: message.traceparent },
        (isolate) =>
          queue.path === null
            ? deliver(isolate, queue.name, message)
            : post(served, isolate, { path: queue.path, headers: headersOf(queue.name, claim), body: message.data }),
      );
      return undefined;
    } catch (thrown) {
      return toSkerryError(thrown, `calling ${name}`);
    } finally {
      clearInterval(timer);
      await renewal;
    }
  }

  #log(level: LogLevel, what: string): void {
    const { queue, function: name, sink } = this.#options;
    sink({ time: Date.now(), level, message: `queue ${queue.name}: ${what}`, source: "host", function: name });
  }
}

/** The headers of the POST for a message. */
function headersOf(queue: string, { id, attempts, message }: Claim): Record<string, string> {
  const { contentType, metadata, sender, sentAt } = message;
  return {
    "content-type": contentType !== undefined && isVisible(contentType) ? contentType : "application/octet-stream",
    "x-skerry-queue": queue,
    "x-skerry-message": id,
    "x-skerry-attempt": `${attempts}`,
    "x-skerry-sender": sender,
    "x-skerry-sent-at": new Date(sentAt).toISOString(),
    ...(metadata === undefined ? {} : { "x-skerry-metadata": ascii(JSON.stringify(Object.fromEntries(metadata))) }),
  };
}

const isVisible = (text: string) => /^[\x20-\x7e]+$/.test(text);

/** JSON of visible ASCII alone, which any header may be. */
function ascii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
