import { expect } from "@std/expect";
import { GRANT_LIMIT_NAMES } from "./grant_limits.ts";
import { FUNCTION_LIMITS, type LimitName } from "./limits.ts";
import { ceilingSetting, readSettings } from "./settings.ts";

Deno.test("readSettings() applies every default", () => {
  expect(readSettings({})).toEqual({
    mode: "production",
    functions: null,
    port: 8000,
    host: "0.0.0.0",
    stopGraceMs: 10_000,
    log: "json",
    engine: "native",
    lazy: false,
    warm: false,
    maxIsolates: 4000,
    memoryMb: null,
    maxOutgoingConnections: 2000,
    ceilings: {},
    grantCeilings: {},
    metrics: false,
    meter: true,
  });
});

Deno.test("readSettings() shows a developer more, and nobody else", () => {
  expect(readSettings({ SKERRY_MODE: "dev" })).toMatchObject({ mode: "dev", host: "127.0.0.1", log: "pretty" });
});

Deno.test("readSettings() takes what is written, and an empty variable for none", () => {
  const settings = readSettings({
    SKERRY_MODE: "production",
    SKERRY_FUNCTIONS: "./mine",
    PORT: "0",
    SKERRY_HOST: "::1",
    SKERRY_STOP_GRACE_MS: "500",
    SKERRY_LOG: "pretty",
    SKERRY_LAZY: "",
    SKERRY_MAX_ISOLATES: "1",
    SKERRY_MEMORY_MB: "512",
    SKERRY_MAX_OUTGOING_CONNECTIONS: "8",
    SKERRY_MAX_CPU_MS: "1000",
    SKERRY_MAX_REQUEST_BODY_BYTES: "1099511627776",
    SKERRY_MAX_KV_BYTES: "1073741824",
    SKERRY_MAX_QUEUE_MESSAGES: "",
    SKERRY_METRICS: "1",
    SKERRY_METER: "0",
    HOME: "/home/me",
  });
  expect(settings).toEqual({
    mode: "production",
    functions: "./mine",
    port: 0,
    host: "::1",
    stopGraceMs: 500,
    log: "pretty",
    engine: "native",
    lazy: false,
    warm: false,
    maxIsolates: 1,
    memoryMb: 512,
    maxOutgoingConnections: 8,
    ceilings: { cpuMs: 1000, requestBodyBytes: 1_099_511_627_776 },
    grantCeilings: { "kv.maxBytes": 2 ** 30 },
    metrics: true,
    meter: false,
  });
});

Deno.test("readSettings() warms up where functions are loaded lazily, but not while a request waits for the process", () => {
  expect(readSettings({ SKERRY_LAZY: "1" }).warm).toBe(true);
  expect(readSettings({ SKERRY_LAZY: "1", SKERRY_WARM: "0" }).warm).toBe(false);
  expect(readSettings({ DENO_DEPLOYMENT_ID: "abc" }).warm).toBe(false);
  expect(readSettings({ SKERRY_WARM: "1" }).warm).toBe(true);
});

Deno.test("readSettings() loads functions when they are asked for on Deno Deploy", () => {
  expect(readSettings({ DENO_DEPLOYMENT_ID: "abc" }).lazy).toBe(true);
  expect(readSettings({ DENO_DEPLOYMENT_ID: "abc", SKERRY_LAZY: "0" }).lazy).toBe(false);
});

Deno.test("readSettings() lets requests finish on Deno Deploy for less than the 5 seconds that it gives", () => {
  expect(readSettings({ DENO_DEPLOYMENT_ID: "abc" }).stopGraceMs).toBeLessThan(5000);
  expect(readSettings({ DENO_DEPLOYMENT_ID: "abc", SKERRY_STOP_GRACE_MS: "1" }).stopGraceMs).toBe(1);
  expect(readSettings({}).stopGraceMs).toBe(10_000);
});

Deno.test("readSettings() leaves half of an app's memory on Deno Deploy to the rest of the process", () => {
  expect(readSettings({ DENO_DEPLOYMENT_ID: "abc" }).memoryMb).toBe(384);
  expect(readSettings({ DENO_DEPLOYMENT_ID: "abc", SKERRY_MEMORY_MB: "2048" }).memoryMb).toBe(2048);
  expect(readSettings({}).memoryMb).toBe(null);
});

Deno.test("readSettings() has a ceiling for each limit of a function, isolates among them", () => {
  for (const name of Object.keys(FUNCTION_LIMITS) as LimitName[]) {
    expect(readSettings({ [ceilingSetting(name)]: "7" }).ceilings).toEqual({ [name]: 7 });
  }
  expect(ceilingSetting("isolates")).not.toBe("SKERRY_MAX_ISOLATES");
});

Deno.test("readSettings() has a ceiling for each quota of a grant, under a name of its own", () => {
  for (const name of GRANT_LIMIT_NAMES) {
    expect(readSettings({ [ceilingSetting(name)]: "7" }).grantCeilings).toEqual({ [name]: 7 });
  }
  const names = [...Object.keys(FUNCTION_LIMITS) as LimitName[], ...GRANT_LIMIT_NAMES].map(ceilingSetting);
  expect(new Set(names).size).toBe(names.length);
});

const MISTAKES: [environment: Record<string, string>, message: string][] = [
  [{ SKERRY_MODES: "dev" }, 'SKERRY_MODES: no such setting; write "SKERRY_MODE".'],
  [
    { SKERRY_X: "" },
    'SKERRY_X: no such setting; write "SKERRY_MODE", "SKERRY_FUNCTIONS", "PORT", "SKERRY_HOST", ' +
    '"SKERRY_STOP_GRACE_MS", "SKERRY_LOG", "SKERRY_ENGINE", "SKERRY_LAZY", "SKERRY_WARM", "SKERRY_MAX_ISOLATES", ' +
    '"SKERRY_MEMORY_MB", "SKERRY_MAX_OUTGOING_CONNECTIONS", "SKERRY_METRICS" or "SKERRY_METER".',
  ],
  [{ SKERRY_PORT: "8080" }, 'SKERRY_PORT: no such setting; write "PORT".'],
  [{ SKERRY_PROT: "8080" }, 'SKERRY_PROT: no such setting; write "PORT".'],
  [{ SKERRY_MODE: "Dev" }, 'SKERRY_MODE: "Dev" is not understood; write "dev".'],
  [{ SKERRY_MODE: "staging" }, 'SKERRY_MODE: "staging" is not understood; write "dev" or "production".'],
  [{ PORT: "http" }, 'PORT: "http" is not understood; write a whole number up to 65535.'],
  [{ PORT: "65536" }, 'PORT: "65536" is not understood; write a whole number up to 65535.'],
  [
    { SKERRY_MAX_ISOLATES: "0" },
    'SKERRY_MAX_ISOLATES: "0" is not understood; write a whole number from 1 up to 1000000.',
  ],
  [{ SKERRY_MAX_CPU: "1" }, 'SKERRY_MAX_CPU: no such setting; write "SKERRY_MAX_CPU_MS".'],
  [
    { SKERRY_MAX_WALL_MS: "3600001" },
    'SKERRY_MAX_WALL_MS: "3600001" is not understood; write a whole number from 1 up to 3600000.',
  ],
  [
    { SKERRY_MAX_RANDOM_BYTES: "1kB" },
    'SKERRY_MAX_RANDOM_BYTES: "1kB" is not understood; write a whole number from 1 up to 134217728.',
  ],
  [{ PORT: "-1" }, 'PORT: "-1" is not understood; write a whole number up to 65535.'],
  [
    { SKERRY_STOP_GRACE_MS: "10s" },
    'SKERRY_STOP_GRACE_MS: "10s" is not understood; write a whole number up to 3600000.',
  ],
];

for (const [environment, message] of MISTAKES) {
  Deno.test(`readSettings() refuses ${JSON.stringify(environment)}`, () => {
    expect(() => readSettings(environment)).toThrow(`reading the environment: ${message}`);
  });
}
