/**
 * Work that runs in a throw-away Deno process: what may trap, hang on to memory, or spoil its process for the next job.
 *
 * @module
 */
import { inLine, type LineOptions } from "./line.ts";

/** What to run, and what it may do. */
export interface ChildOptions extends LineOptions {
  /** Deno's own arguments before the script: permissions, mostly. */
  readonly flags?: readonly string[];
  /** The script: a path or a file URL. */
  readonly script: string | URL;
  readonly args?: readonly string[];
  readonly cwd?: string | URL;
  /** The whole of its standard input. */
  readonly stdin?: Uint8Array<ArrayBuffer>;
  /** Aborts by killing the process. */
  readonly signal?: AbortSignal;
}

/** How it went. */
export interface ChildResult {
  readonly code: number;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: string;
}

/**
 * Runs a script in a process of its own, when its turn has come: see {@linkcode inLine}.
 *
 * The child sees nothing of this process's environment but what Deno itself needs to find its cache.
 */
export function runChild(options: ChildOptions): Promise<ChildResult> {
  return inLine(() => spawn(options), options);
}

async function spawn(options: ChildOptions): Promise<ChildResult> {
  const script = options.script instanceof URL ? options.script.href : options.script;
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-lock",
      ...options.flags ?? [],
      script,
      ...options.args ?? [],
    ],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    clearEnv: true,
    env: cacheEnvironment(),
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  });
  const child = command.spawn();
  children.add(child);
  try {
    const [{ code, stdout, stderr }] = await Promise.all([
      child.output(),
      options.stdin === undefined ? undefined : feed(child, options.stdin),
    ]);
    return { code, stdout, stderr: new TextDecoder().decode(stderr) };
  } finally {
    children.delete(child);
  }
}

const children = new Set<Deno.ChildProcess>();

// Nobody is left to take what they make.
globalThis.addEventListener("unload", () => {
  for (const child of children) child.kill("SIGKILL");
});

async function feed(
  child: Deno.ChildProcess,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch {
    // The child has ended without reading all of it: its exit code says more than the broken pipe.
  }
}

/** Where Deno keeps compiled scripts, by platform; with `NO_COLOR`, so that messages come without escapes. */
function cacheEnvironment(): Record<string, string> {
  const env: Record<string, string> = { NO_COLOR: "1" };
  for (
    const name of [
      "DENO_DIR",
      "HOME",
      "XDG_CACHE_HOME",
      "LOCALAPPDATA",
      "USERPROFILE",
      "SystemRoot",
      "TEMP",
      "TMP",
      "TMPDIR",
      "PATH",
    ]
  ) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}
