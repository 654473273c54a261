/**
 * `wasi:cli` 0.3.0.
 *
 * @module
 */
import type { HostImports } from "../../engine/mod.ts";
import { readGuestStream, type Result, toGuestStream } from "../../engine/streams.ts";
import { GuestExit } from "../../errors.ts";
import { type ByteSink, emptySource } from "../../streams/bytes.ts";
import { yieldTurn } from "../../streams/turn.ts";
import { waitAny } from "../../streams/waitable.ts";
import { type GuestOutput, guestOutput } from "./stdio.ts";

/** `wasi:cli/types.error-code`. */
export type CliErrorCode = "io" | "illegal-byte-sequence" | "pipe";

/** What the futures of `wasi:cli` resolve with. */
export type CliResult = Result<undefined, CliErrorCode>;

/** A terminal to read from. A guest never gets one. */
class TerminalInput {
  [Symbol.dispose](): void {}
}

/** A terminal to write to. A guest never gets one. */
class TerminalOutput {
  [Symbol.dispose](): void {}
}

/** Writes all of a guest's stream to `sink`. A sink that goes to the log never fails and always has room. */
async function writeAll(stream: unknown, sink: ByteSink): Promise<CliResult> {
  const source = readGuestStream(stream);
  while (true) {
    const chunk = source.take(sink.room);
    if (chunk.byteLength > 0) {
      sink.write(chunk);
      await yieldTurn();
    } else if (source.state === "open") await waitAny([source]);
    else return source.state === "closed" ? { tag: "ok" } : { tag: "err", val: "pipe" };
  }
}

/** `wasi:cli` for a function that sees the variables of `env` and none of the host's. */
export function p3(
  env: Readonly<Record<string, string>>,
  { stdout, stderr }: GuestOutput = guestOutput(),
): HostImports {
  const environment = Object.entries(env);
  return {
    "wasi:cli/types@0.3.0": {},
    "wasi:cli/environment@0.3.0": {
      getEnvironment: (): [string, string][] => environment,
      getArguments: (): string[] => [],
      getInitialCwd: () => undefined,
    },
    "wasi:cli/exit@0.3.0": {
      exit(status: Result<undefined, undefined>): never {
        throw new GuestExit(status.tag === "ok" ? 0 : 1);
      },
      exitWithCode(code: number): never {
        throw new GuestExit(code);
      },
    },
    "wasi:cli/stdin@0.3.0": {
      readViaStream: (): [unknown, Promise<CliResult>] => [toGuestStream(emptySource), Promise.resolve({ tag: "ok" })],
    },
    // The future is the result, not a wait: these are not async, for the WIT's functions return at once.
    "wasi:cli/stdout@0.3.0": {
      writeViaStream: (data: unknown): Promise<CliResult> => writeAll(data, stdout()),
    },
    "wasi:cli/stderr@0.3.0": {
      writeViaStream: (data: unknown): Promise<CliResult> => writeAll(data, stderr()),
    },
    "wasi:cli/terminal-input@0.3.0": { TerminalInput },
    "wasi:cli/terminal-output@0.3.0": { TerminalOutput },
    "wasi:cli/terminal-stdin@0.3.0": { getTerminalStdin: () => undefined },
    "wasi:cli/terminal-stdout@0.3.0": { getTerminalStdout: () => undefined },
    "wasi:cli/terminal-stderr@0.3.0": { getTerminalStderr: () => undefined },
  };
}
