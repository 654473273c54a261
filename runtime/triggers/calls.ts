/**
 * The ways in which a function is called that no request asks for: by a POST of our own, or by an exported function.
 *
 * @module
 */
import { INCOMING_HANDLER } from "../capabilities/queue/deliver.ts";
import { currentTask } from "../context.ts";
import type { Dispatcher } from "../dispatcher.ts";
import type { Isolate, LoadedComponent } from "../engine/mod.ts";
import { guestError } from "../engine/streams.ts";
import { GuestExit, SkerryError } from "../errors.ts";
import { findHandler, type Handler, type ServedFunction } from "../handler.ts";
import { Fields } from "../http/fields.ts";
import type { LogSink } from "../log.ts";
import type { QueueTrigger, ScheduleTrigger } from "../manifest.ts";
import { ByteChannel, type ByteSource } from "../streams/bytes.ts";
import { latin1Text } from "../streams/latin1.ts";
import { waitAny } from "../streams/waitable.ts";
import { formatTraceParent } from "../trace.ts";
import type { Clock } from "./clock.ts";

/** What whoever calls a function unasked is made of. */
export interface CallerOptions {
  /** The function's name. */
  readonly function: string;
  /** The version in service. */
  readonly ready: () => Promise<ServedFunction>;
  readonly call: Dispatcher["call"];
  readonly sink: LogSink;
  readonly clock: Clock;
}

/** What of an answer that is no success is told to the operator, in bytes. */
const TOLD_BYTES = 500;

const DRAIN_BYTES = 64 * 1024;

/** A POST that the host makes itself. */
export interface Post {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * Sends a POST to the function's HTTP handler. Call it inside the isolate's task. Resolves when it was answered with 2xx,
 * the body has come to its end, and the guest has returned.
 *
 * @throws {SkerryError} `guest-error`, when it answered with another status.
 */
export async function post(served: ServedFunction, isolate: Isolate, { path, headers, body }: Post): Promise<void> {
  const encoder = new TextEncoder();
  const { trace } = currentTask();
  const entries = Object.entries({
    ...headers,
    "content-length": `${body.byteLength}`,
    traceparent: formatTraceParent(trace),
  });
  const { source, sink } = new ByteChannel();
  sink.write(body.slice());
  sink.close();
  const exchange = served.handler.serve(isolate, served.handler.interface, {
    method: "POST",
    scheme: "http",
    authority: `${served.name}.internal`,
    pathWithQuery: path,
    fields: Fields.received(entries.map(([name, value]) => [name, latin1Text(encoder.encode(value))])),
    body: { source, trailers: Promise.resolve(undefined), length: body.byteLength },
  });
  const response = await exchange.response;
  const said = response.body === null ? "" : await drain(response.body.source);
  await exchange.finished;
  if (response.status >= 200 && response.status < 300) return;
  throw new SkerryError(
    "guest-error",
    `calling ${served.name}: it answered POST ${path} with ${response.status}${said === "" ? "" : `: ${said}`}`,
  );
}

/** Reads to the end. Resolves to the beginning, as text. */
async function drain(source: ByteSource): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  while (source.state === "open") {
    const chunk = source.take(DRAIN_BYTES);
    if (text.length < TOLD_BYTES) text += decoder.decode(chunk.subarray(0, TOLD_BYTES), { stream: true });
    if (chunk.byteLength === 0) await waitAny([source]);
  }
  if (source.state === "errored") throw source.error;
  return text.slice(0, TOLD_BYTES).trim();
}

/** The interface `name` among `exports`, in whatever version if it names none. */
function findInterface(exports: readonly string[], name: string): string | undefined {
  return exports.find((exported) => exported === name || (!name.includes("@") && exported.startsWith(`${name}@`)));
}

/**
 * Calls an exported function without parameters, as `INTERFACE#FUNCTION`. Call it inside the isolate's task.
 *
 * @throws {SkerryError} `guest-error` when it answers with an error, `guest-exited`, `guest-trapped`.
 */
export async function callExport(isolate: Isolate, named: string): Promise<void> {
  const { function: owner } = currentTask();
  const [path, member] = named.split("#") as [string, string];
  const found = findInterface(Object.keys(isolate.exports), path);
  const camel = member.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const exported = found === undefined ? undefined : isolate.exports[found]?.[camel];
  if (exported === undefined) throw new SkerryError("component-no-handler", `calling ${owner}: it exports no ${named}`);
  try {
    await exported();
    // A function that is async may run on after it has given its result.
    await isolate.ended;
  } catch (thrown) {
    // A command that ends with exit(0) has ended well.
    if (thrown instanceof GuestExit && thrown.exitCode === 0) return;
    if (thrown instanceof SkerryError) throw thrown;
    const error = guestError(thrown);
    if (error === undefined) {
      const detail = thrown instanceof Error ? thrown.message : String(thrown);
      throw new SkerryError("guest-trapped", `calling ${owner}: ${detail}`, { cause: thrown });
    }
    const said = error.payload === undefined ? "" : ` ${JSON.stringify(error.payload, clipped)}`;
    throw new SkerryError("guest-error", `calling ${owner}: ${named} answered with an error${said}`);
  }
}

/** How much of each string and list of a guest's error is told: as JSON, a megabyte of bytes is twelve, and takes as long. */
const MAX_CLIPPED = 1000;

function clipped(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  const isLong = (typeof value === "string" || Array.isArray(value)) && value.length > MAX_CLIPPED;
  return isLong ? value.slice(0, MAX_CLIPPED) : value;
}

/** What calls a function. */
export interface Called {
  readonly routes: readonly unknown[];
  readonly queues: readonly QueueTrigger[];
  readonly schedule: readonly ScheduleTrigger[];
}

/**
 * The HTTP handler of a component, after a look whether it exports all that its manifest wants to be called. One that is
 * only called otherwise need not have one: then what comes by HTTP all the same, from a neighbour, is refused.
 *
 * @throws {SkerryError} `component-no-handler`, with what to write instead.
 */
export function handlerOf(component: Pick<LoadedComponent, "exports">, name: string, called: Called): Handler {
  const { exports } = component;
  const { routes, queues, schedule } = called;
  const refusal = (what: string, instead: string) => {
    const there = exports.join(", ") || "nothing";
    return new SkerryError("component-no-handler", `loading ${name}: ${what}, but it exports ${there}. ${instead}`);
  };
  for (const queue of queues) {
    if (queue.path !== null || exports.includes(INCOMING_HANDLER)) continue;
    throw refusal(
      `it receives the queue "${queue.name}", which calls ${INCOMING_HANDLER}`,
      'Export that, or give the queue a "path" in function.json, to be called with a POST.',
    );
  }
  for (const { name: schedule_, call } of schedule) {
    if (!("export" in call) || findInterface(exports, call.export.split("#")[0]!) !== undefined) continue;
    throw refusal(`its schedule "${schedule_}" calls ${call.export}`, 'Export that, or write a "path" instead.');
  }
  const byHttp = routes.length > 0 || queues.some(({ path }) => path !== null) ||
    schedule.some(({ call }) => "path" in call) || (queues.length === 0 && schedule.length === 0);
  try {
    return findHandler(component, name);
  } catch (error) {
    if (byHttp) throw error;
    return {
      interface: "",
      serve() {
        throw error;
      },
    };
  }
}
