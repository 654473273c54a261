/**
 * The settings of a server, from its environment: read once, strictly.
 *
 * @module
 */
import { SkerryError } from "./errors.ts";
import { GRANT_LIMIT_NAMES, GRANT_LIMITS, type GrantCeilings, type GrantLimitName } from "./grant_limits.ts";
import {
  type Ceilings,
  DEFAULT_MAX_ISOLATES,
  DEFAULT_MAX_OUTGOING_CONNECTIONS,
  FUNCTION_LIMITS,
  type LimitName,
  STOP_GRACE_MS,
} from "./limits.ts";
import { oneOf, suggest } from "./manifest/suggest.ts";

/** Which engine runs components. */
export type EngineChoice = "native" | "jco";

/** The settings of a server, defaults applied. */
export interface Settings {
  /** `dev`: build, watch, and show callers what an operator sees. Default: `production`. */
  readonly mode: "dev" | "production";
  /** The folder of functions; `null` for `dist/components` in production if that is there, and `components` otherwise. */
  readonly functions: string | null;
  /** 0 is any that is free. Default: 8000. */
  readonly port: number;
  /** The address to listen on. Default: `127.0.0.1` in `dev`, all addresses in production. */
  readonly host: string;
  /** How long running requests may go on after SIGINT or SIGTERM, in milliseconds. */
  readonly stopGraceMs: number;
  /** Log records as lines for people or for machines. Default: `pretty` in `dev`, `json` in production. */
  readonly log: "pretty" | "json";
  /** `native`, which leaves to jco what it does not support yet, or `jco` for every component. Default: `native`. */
  readonly engine: EngineChoice;
  /** Load a function when its first request comes, not at the start. Default: only on Deno Deploy. */
  readonly lazy: boolean;
  /**
   * Run a small function of Skerry's own before listening, so that the first one of an operator's meets code that has run.
   * Default: where functions are loaded lazily, but not on Deno Deploy, which starts a process for a request that waits.
   */
  readonly warm: boolean;
  /** Isolates at once in the whole process; more requests wait. */
  readonly maxIsolates: number;
  /** Linear memory of all isolates in the process, in MiB; `null` for a share of what the machine has, on Deno Deploy 384. */
  readonly memoryMb: number | null;
  /** Connections to other servers at once in the whole process, half of them for any one function; more requests wait. */
  readonly maxOutgoingConnections: number;
  /** The most that functions of this process may have, whatever their manifests say. Default: what manifests may say. */
  readonly ceilings: Ceilings;
  /** The same for the quotas in their grants. */
  readonly grantCeilings: GrantCeilings;
  /** Whether `/-/metrics` answers. Default: only in `dev`, for it tells the names of functions and how they are used. */
  readonly metrics: boolean;
  /** Measure and bound the CPU time, memory and tables of guests. Default: yes. */
  readonly meter: boolean;
}

const PREFIX = "SKERRY_";

/** Deno Deploy kills an instance 5 seconds after it has told it to stop. */
const DEPLOY_STOP_GRACE_MS = 4_000;

/** Half of the 768 MB that an app on Deno Deploy has unless it is given more; the machine around it has many times that. */
const DEPLOY_MEMORY_MB = 384;

/** Every setting has a line here. */
const NAMES = {
  mode: "SKERRY_MODE",
  functions: "SKERRY_FUNCTIONS",
  port: "PORT",
  host: "SKERRY_HOST",
  stopGraceMs: "SKERRY_STOP_GRACE_MS",
  log: "SKERRY_LOG",
  engine: "SKERRY_ENGINE",
  lazy: "SKERRY_LAZY",
  warm: "SKERRY_WARM",
  maxIsolates: "SKERRY_MAX_ISOLATES",
  memoryMb: "SKERRY_MEMORY_MB",
  maxOutgoingConnections: "SKERRY_MAX_OUTGOING_CONNECTIONS",
  metrics: "SKERRY_METRICS",
  meter: "SKERRY_METER",
} as const satisfies Record<Exclude<keyof Settings, "ceilings" | "grantCeilings">, string>;

/**
 * The setting with the ceiling of a limit: `cpuMs` has `SKERRY_MAX_CPU_MS`, `kv.maxBytes` has `SKERRY_MAX_KV_BYTES`. That
 * of isolates has a name of its own, for `SKERRY_MAX_ISOLATES` is about the process as a whole.
 */
export function ceilingSetting(name: LimitName | GrantLimitName): string {
  if (name === "isolates") return `${PREFIX}MAX_FUNCTION_ISOLATES`;
  return `${PREFIX}MAX_${name.replace(".max", "").replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/**
 * Reads the settings from environment variables. A variable that begins with `SKERRY_` and is no setting is an error: it
 * is one misspelt.
 *
 * @throws {SkerryError} `setting-invalid`, with what to write instead.
 *
 * @example
 * ```ts
 * import { readSettings } from "./settings.ts";
 *
 * const settings = readSettings({ PORT: "8080", SKERRY_MODE: "dev" });
 * console.assert(settings.port === 8080 && settings.host === "127.0.0.1");
 * ```
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const main: readonly string[] = Object.values(NAMES);
  const known = [...main, ...LIMIT_NAMES.map(ceilingSetting), ...GRANT_LIMIT_NAMES.map(ceilingSetting)];
  for (const name of Object.keys(environment)) {
    if (!name.startsWith(PREFIX) || known.includes(name)) continue;
    // What all names have in common says nothing about which one was meant.
    const near = suggest(withoutPrefix(name), known.map(withoutPrefix));
    const instead = near === undefined
      ? oneOf(main)
      : JSON.stringify(known.find((other) => withoutPrefix(other) === near));
    throw invalid(name, `no such setting; write ${instead}`);
  }
  // An empty variable is how a shell or a container unsets one.
  const read = (setting: keyof typeof NAMES) => environment[NAMES[setting]] || undefined;
  const mode = choice("mode", read("mode"), ["dev", "production"], "production");
  const isOnDeploy = Boolean(environment.DENO_DEPLOYMENT_ID);
  const lazy = choice("lazy", read("lazy"), ["0", "1"], isOnDeploy ? "1" : "0") === "1";
  return {
    mode,
    functions: read("functions") ?? null,
    port: whole(NAMES.port, read("port"), 65_535, 8000),
    host: read("host") ?? (mode === "dev" ? "127.0.0.1" : "0.0.0.0"),
    stopGraceMs: whole(
      NAMES.stopGraceMs,
      read("stopGraceMs"),
      3_600_000,
      isOnDeploy ? DEPLOY_STOP_GRACE_MS : STOP_GRACE_MS,
    ),
    log: choice("log", read("log"), ["pretty", "json"], mode === "dev" ? "pretty" : "json"),
    engine: choice("engine", read("engine"), ["native", "jco"], "native"),
    lazy,
    warm: choice("warm", read("warm"), ["0", "1"], lazy && !isOnDeploy ? "1" : "0") === "1",
    maxIsolates: whole(NAMES.maxIsolates, read("maxIsolates"), 1_000_000, DEFAULT_MAX_ISOLATES, 1),
    memoryMb: read("memoryMb") === undefined
      ? isOnDeploy ? DEPLOY_MEMORY_MB : null
      : whole(NAMES.memoryMb, read("memoryMb"), 2 ** 24, 0, 1),
    maxOutgoingConnections: whole(
      NAMES.maxOutgoingConnections,
      read("maxOutgoingConnections"),
      1_000_000,
      DEFAULT_MAX_OUTGOING_CONNECTIONS,
      1,
    ),
    ceilings: readCeilings(environment, LIMIT_NAMES, FUNCTION_LIMITS),
    grantCeilings: readCeilings(environment, GRANT_LIMIT_NAMES, GRANT_LIMITS),
    metrics: choice("metrics", read("metrics"), ["0", "1"], mode === "dev" ? "1" : "0") === "1",
    meter: choice("meter", read("meter"), ["0", "1"], "1") === "1",
  };
}

const withoutPrefix = (name: string): string => name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;

const LIMIT_NAMES = Object.keys(FUNCTION_LIMITS) as LimitName[];

function readCeilings<Name extends LimitName | GrantLimitName>(
  environment: Readonly<Record<string, string | undefined>>,
  names: readonly Name[],
  limits: Readonly<Record<Name, { readonly most: number }>>,
): { readonly [Each in Name]?: number } {
  const ceilings: { [Each in Name]?: number } = {};
  for (const name of names) {
    const setting = ceilingSetting(name);
    const written = environment[setting] || undefined;
    if (written !== undefined) ceilings[name] = whole(setting, written, limits[name].most, 0, 1);
  }
  return ceilings;
}

function choice<T extends string>(
  setting: keyof typeof NAMES,
  written: string | undefined,
  allowed: readonly [T, ...T[]],
  byDefault: T,
): T {
  if (written === undefined) return byDefault;
  if ((allowed as readonly string[]).includes(written)) return written as T;
  const near = suggest(written, allowed);
  const instead = near === undefined ? oneOf(allowed) : JSON.stringify(near);
  throw invalid(NAMES[setting], `${JSON.stringify(written)} is not understood; write ${instead}`);
}

function whole(
  setting: string,
  written: string | undefined,
  most: number,
  byDefault: number,
  least = 0,
): number {
  if (written === undefined) return byDefault;
  const number = /^\d{1,16}$/.test(written) ? Number(written) : NaN;
  if (number >= least && number <= most) return number;
  throw invalid(
    setting,
    `${JSON.stringify(written)} is not understood; write a whole number ${
      least > 0 ? `from ${least} ` : ""
    }up to ${most}`,
  );
}

function invalid(name: string, message: string): SkerryError {
  return new SkerryError("setting-invalid", `reading the environment: ${name}: ${message}.`);
}
