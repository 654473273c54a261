/**
 * Log records: one shape, whoever writes them.
 *
 * @module
 */

export type LogLevel =
  | "trace"
  | "debug"
  | "info"
  | "warn"
  | "error"
  | "critical";

/** One line of a log. `task` and `trace` say which request it belongs to. */
export interface LogRecord {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly level: LogLevel;
  readonly message: string;
  /** Where it came from: `stdout`, `stderr`, `host`, or a `wasi:logging` context. */
  readonly source: string;
  readonly function?: string;
  /** The task's id. */
  readonly task?: string;
  /** The trace id of the task's `traceparent`, 32 hex digits. */
  readonly trace?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Takes records; must not throw and must not wait. */
export type LogSink = (record: LogRecord) => void;

/** Drops every record. */
export const silentSink: LogSink = () => {};

/** One JSON object a line, for machines. */
export const jsonSink: LogSink = (record) => console.log(JSON.stringify(record));

/** What moves the cursor, changes colours or the title of a terminal: C0 but for tab and newline, DEL, and C1. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/**
 * Text that a terminal shows and does not obey, for guests write what they like. Further lines are set off, so that none
 * of them passes for a record.
 */
function harmless(text: string): string {
  return text.replace(CONTROL, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`)
    .replaceAll("\n", "\n  ");
}

/** One short line a record, for a person at a terminal. */
export const prettySink: LogSink = (record) => {
  const time = new Date(record.time).toISOString().slice(11, 23);
  const who = [record.function, record.task?.slice(0, 8)].filter(Boolean).join(" ");
  const { stack, ...rest } = record.fields ?? {};
  const fields = Object.keys(rest).length === 0 ? "" : ` ${JSON.stringify(rest)}`;
  // A stack is read line by line.
  const lines = typeof stack === "string" ? `\n${stack}` : "";
  const text = harmless(`${record.source}: ${record.message}${fields}${lines}`);
  console.log(`${time} ${record.level.padEnd(5)} ${who && `[${who}] `}${text}`);
};

const OWN: ReadonlySet<LogSink> = new Set([silentSink, jsonSink, prettySink]);

/** Whether a sink is one of these, which leave nothing to run later. One that somebody else has written may. */
export function isOwnSink(sink: LogSink): boolean {
  return OWN.has(sink);
}
