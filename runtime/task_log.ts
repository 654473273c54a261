/**
 * What is logged of one task.
 *
 * @module
 */
import { enterTask } from "./context.ts";
import { isOwnSink, type LogLevel, type LogRecord, type LogSink } from "./log.ts";

/** What a log record counts at least, of a task's log. */
const MIN_RECORD_BYTES = 64;

type Fields = Readonly<Record<string, unknown>>;

/** Whose log it is. */
interface Logged {
  readonly id: string;
  readonly function: string;
  readonly trace: { readonly traceId: string };
  readonly limits: { readonly logBytes: number };
}

/** The logs of tasks that were given a secret. */
const keepers = new WeakMap<object, TaskLog>();

/**
 * `text`, which is to be shown of a task, without the secrets that it was given, as far as they stand in it as they are.
 *
 * @example
 * ```ts
 * import { Task } from "./task.ts";
 * import { withoutSecrets } from "./task_log.ts";
 *
 * const task = new Task({ function: "f" });
 * task.keepSecret("hunter2");
 * console.assert(withoutSecrets(task, "the key is hunter2") === "the key is [secret]");
 * task.end();
 * ```
 */
export function withoutSecrets(task: object, text: string): string {
  return keepers.get(task)?.masked(text) ?? text;
}

/** The log of a task: its records carry the task's ids, and none of its secrets. */
export class TaskLog {
  readonly #of: Logged;
  readonly #sink: LogSink;
  /** For an error page; `undefined` where nothing is recorded. */
  readonly #recorded: LogRecord[] | undefined;
  #bytes = 0;
  #dropped = 0;
  #secrets: Set<string> | undefined;

  constructor(of: Logged, sink: LogSink, recorded: LogRecord[] | undefined) {
    this.#of = of;
    this.#sink = sink;
    this.#recorded = recorded;
  }

  /** Counts a record against the limit. Answers whether there is room for it. */
  hasRoom(message: string): boolean {
    // An empty line is a record too.
    this.#bytes += Math.max(message.length, MIN_RECORD_BYTES);
    if (this.#bytes <= this.#of.limits.logBytes) return true;
    this.#dropped++;
    return false;
  }

  /** Says how many records there was no room for, if any. */
  sayDropped(): void {
    if (this.#dropped === 0) return;
    const { logBytes } = this.#of.limits;
    this.write("warn", `${this.#dropped} log records dropped past ${logBytes} bytes (limits.logBytes)`, "host");
  }

  /** From now on `secret` stands in no record, as far as it is written there as it is. */
  keepSecret(secret: string): void {
    if (secret === "") return;
    (this.#secrets ??= new Set()).add(secret);
    keepers.set(this.#of, this);
  }

  /** Writes a record, whatever there is room for. */
  write(level: LogLevel, message: string, source: string, fields?: Fields): void {
    const record: LogRecord = {
      time: Date.now(),
      level,
      message: this.masked(message),
      source: this.masked(source),
      function: this.#of.function,
      task: this.#of.id,
      trace: this.#of.trace.traceId,
      ...(fields === undefined ? {} : { fields: this.#maskedFields(fields) }),
    };
    this.#recorded?.push(record);
    if (!isOwnSink(this.#sink)) enterTask();
    this.#sink(record);
  }

  /** `text` without the secrets. */
  masked(text: string): string {
    if (this.#secrets === undefined) return text;
    let masked = text;
    for (const secret of this.#secrets) masked = masked.replaceAll(secret, "[secret]");
    return masked;
  }

  #maskedFields(fields: Fields): Fields {
    if (this.#secrets === undefined) return fields;
    const entries = Object.entries(fields);
    return Object.fromEntries(
      entries.map(([key, value]) => [key, typeof value === "string" ? this.masked(value) : value]),
    );
  }
}
