/**
 * Cron expressions: five fields, in UTC.
 *
 * @module
 */

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Names for the numbers from `least` on. */
  readonly names?: readonly string[];
  /** What it is in an example. */
  readonly example: string;
}

const FIELDS: readonly Field[] = [
  { name: "minute", least: 0, most: 59, example: "*/15" },
  { name: "hour", least: 0, most: 23, example: "3" },
  { name: "day of the month", least: 1, most: 31, example: "1,15" },
  {
    name: "month",
    least: 1,
    most: 12,
    names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    example: "JAN-JUN",
  },
  {
    name: "day of the week",
    least: 0,
    most: 7,
    names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    example: "MON-FRI",
  },
];

const NICKNAMES: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** A leap day may be eight years off, when a century comes between. */
const MAX_DAYS_AHEAD = 366 * 9;

/** A schedule, parsed. */
export interface Cron {
  /** As it was written. */
  readonly text: string;
  /** The first minute after `time` that it names, in milliseconds since the epoch. */
  next(time: number): number;
  /** Whether it names the minute that `time` is in. */
  matches(time: number): boolean;
  /**
   * The same as one or two expressions in which no reader can mistake a day of the week: names, and never both kinds of day
   * at once. Deno's own cron counts the days of the week from 1, and joins both kinds of day as it likes.
   */
  plain(): string[];
}

/** What is wrong with a cron expression, and what to write; `undefined` if it may stand. */
export function cronProblem(text: string): string | undefined {
  try {
    parseCron(text);
    return undefined;
  } catch (error) {
    if (error instanceof CronError) return error.message;
    throw error;
  }
}

/** Thrown by {@linkcode parseCron}. */
export class CronError extends Error {
  override readonly name = "CronError";
}

/**
 * Parses a cron expression: minute, hour, day of the month, month, day of the week, each `*`, a number, a name, a range, a
 * step or a list of these; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. Where both kinds of day are given, one
 * of them is enough, as in every cron.
 *
 * @throws {CronError} with what is wrong, and what to write.
 *
 * @example
 * ```ts
 * import { parseCron } from "./cron.ts";
 *
 * const nightly = parseCron("30 3 * * MON-FRI");
 * console.assert(nightly.next(Date.UTC(2026, 0, 2, 3, 30)) === Date.UTC(2026, 0, 5, 3, 30));
 * ```
 */
export function parseCron(text: string): Cron {
  const nickname = text.startsWith("@");
  const expanded = nickname ? NICKNAMES[text] : text;
  if (expanded === undefined) {
    throw new CronError(`is no nickname; write ${Object.keys(NICKNAMES).join(", ")}, or five fields`);
  }
  const written = expanded.trim().split(/\s+/);
  if (written.length !== FIELDS.length) {
    const count = expanded.trim() === "" ? 0 : written.length;
    const why = count === 6 ? "there are no seconds" : `these are ${count}`;
    throw new CronError(
      `needs five fields: minute, hour, day of the month, month, day of the week; ${why}; write for example "0 3 * * *"`,
    );
  }
  const sets = written.map((field, index) => parseField(field, FIELDS[index]!));
  const [minutes, hours, days, months, weekdays] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  if (weekdays.delete(7)) weekdays.add(0);
  // A star, even with a step, says nothing of its own about the day.
  const anyDay = written[2]!.startsWith("*");
  const anyWeekday = written[4]!.startsWith("*");
  const dayMatches = (date: Date): boolean => {
    if (!months.has(date.getUTCMonth() + 1)) return false;
    const day = days.has(date.getUTCDate());
    const weekday = weekdays.has(date.getUTCDay());
    return anyDay || anyWeekday ? day && weekday : day || weekday;
  };
  const next = (time: number): number | undefined => {
    const from = (Math.floor(time / MINUTE_MS) + 1) * MINUTE_MS;
    for (let ahead = 0; ahead < MAX_DAYS_AHEAD; ahead++) {
      const midnight = (Math.floor(from / DAY_MS) + ahead) * DAY_MS;
      if (!dayMatches(new Date(midnight))) continue;
      for (const hour of hours) {
        for (const minute of minutes) {
          const at = midnight + (hour * 60 + minute) * MINUTE_MS;
          if (at >= from) return at;
        }
      }
    }
    return undefined;
  };
  if (next(0) === undefined) throw new CronError(`names a day that never comes; write another`);
  return {
    text,
    next: (time) => next(time)!,
    matches(time) {
      const minute = Math.floor(time / MINUTE_MS) * MINUTE_MS;
      return next(minute - 1) === minute;
    },
    plain() {
      const [minute, hour, day, month] = [minutes, hours, days, months].map((set, index) =>
        set.size > FIELDS[index]!.most - FIELDS[index]!.least ? "*" : [...set].join(",")
      );
      const weekday = weekdays.size === 7 ? "*" : [...weekdays].map((number) => FIELDS[4]!.names![number]).join(",");
      const expressions = anyDay || anyWeekday || day === "*" || weekday === "*"
        ? [[day, weekday]]
        : [[day, "*"], ["*", weekday]];
      return expressions.map(([day, weekday]) => [minute, hour, day, month, weekday].join(" "));
    },
  };
}

function parseField(text: string, field: Field): Set<number> {
  const { name, least, most, example } = field;
  const wrong = (part: string, why: string) =>
    new CronError(
      `has the ${name} ${JSON.stringify(part)}, which ${why}; write ${least} to ${most}, or for example "${example}"`,
    );
  const numbers = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part);
    if (match === null) throw wrong(part, "is not understood");
    const [, star, first, last, step] = match;
    const from = star === undefined ? numberOf(first!, field) : least;
    // "5/10" goes on to the end, as in every cron that knows it.
    const to = star !== undefined || (last === undefined && step !== undefined)
      ? (name === "day of the week" ? 6 : most)
      : last === undefined
      ? from
      : numberOf(last, field);
    if (from === undefined || to === undefined) throw wrong(part, "is not understood");
    if (from < least || from > most || to > most) throw wrong(part, "is out of range");
    if (from > to) throw wrong(part, "runs backwards");
    const by = Number(step ?? 1);
    if (by < 1 || by > most) throw wrong(part, "has a step that is no use");
    for (let number = from; number <= to; number += by) numbers.add(number);
  }
  return new Set([...numbers].sort((a, b) => a - b));
}

function numberOf(text: string, { least, names }: Field): number | undefined {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const index = names?.indexOf(text.toUpperCase()) ?? -1;
  return index < 0 ? undefined : index + least;
}
