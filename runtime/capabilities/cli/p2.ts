/**
 * `wasi:cli` 0.2.12.
 *
 * @module
 */
import { atOnce, type HostImports } from "../../engine/mod.ts";
import { GuestExit } from "../../errors.ts";
import { emptySource } from "../../streams/bytes.ts";
import { InputStream, OutputStream } from "../../streams/p2/mod.ts";
import { type GuestOutput, guestOutput } from "./stdio.ts";

/** A terminal to read from. A guest never gets one. */
class TerminalInput {
  [Symbol.dispose](): void {}
}

/** A terminal to write to. A guest never gets one. */
class TerminalOutput {
  [Symbol.dispose](): void {}
}

const getArguments = (): string[] => [];
const nothing = () => undefined;
const getStdin = () => new InputStream(emptySource);
atOnce(getArguments, nothing, getStdin);

/** `wasi:cli` for a function that sees the variables of `env` and none of the host's. */
export function p2(
  env: Readonly<Record<string, string>>,
  { stdout, stderr }: GuestOutput = guestOutput(),
): HostImports {
  const environment = Object.entries(env);
  const getEnvironment = (): [string, string][] => environment;
  const getStdout = () => new OutputStream(stdout());
  const getStderr = () => new OutputStream(stderr());
  atOnce(getEnvironment, getStdout, getStderr);
  return {
    "wasi:cli/environment@0.2.12": {
      getEnvironment,
      getArguments,
      initialCwd: nothing,
    },
    "wasi:cli/exit@0.2.12": {
      exit(status: { tag: "ok" | "err" }): never {
        throw new GuestExit(status.tag === "ok" ? 0 : 1);
      },
      exitWithCode(code: number): never {
        throw new GuestExit(code);
      },
    },
    "wasi:cli/stdin@0.2.12": { getStdin },
    "wasi:cli/stdout@0.2.12": { getStdout },
    "wasi:cli/stderr@0.2.12": { getStderr },
    "wasi:cli/terminal-input@0.2.12": { TerminalInput },
    "wasi:cli/terminal-output@0.2.12": { TerminalOutput },
    "wasi:cli/terminal-stdin@0.2.12": { getTerminalStdin: nothing },
    "wasi:cli/terminal-stdout@0.2.12": { getTerminalStdout: nothing },
    "wasi:cli/terminal-stderr@0.2.12": { getTerminalStderr: nothing },
  };
}
