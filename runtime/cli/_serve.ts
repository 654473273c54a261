/**
 * What `dev` and `start` have in common: main.ts, listening.
 *
 * @module
 */
import { SkerryError } from "../errors.ts";
import { jsonSink, type LogLevel, prettySink } from "../log.ts";
import { listen, shownUrl, stopOnSignals } from "../server.ts";
import type { Settings } from "../settings.ts";

/** Serves main.ts in a mode until a signal ends the process. */
export async function serveMain(mode: Settings["mode"]): Promise<void> {
  Deno.env.set("SKERRY_MODE", mode);
  // Imported now, for it reads its settings when it is loaded.
  const { default: app, runtime, settings } = await import("../../main.ts");
  const sink = settings.log === "json" ? jsonSink : prettySink;
  const say = (level: LogLevel, message: string) => sink({ time: Date.now(), level, message, source: "host" });
  const server = listen(app.fetch, settings, (message) => say("error", message));
  stopOnSignals(runtime, settings, server);
  const url = shownUrl(server);
  say("info", `listening at ${url}`);
  if (runtime.functions.length === 0) {
    const folder = settings.functions ?? "components";
    say(
      "warn",
      `there is no function in ${folder}: make a folder in it, with a function.json and what that names as source`,
    );
  }
}

/** Runs a command. A failure that has a name is told in its own words, without a stack, and ends the process with 1. */
export async function run(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    // A file that may not be read or written is the operator's to change, and Deno says which.
    const known = error instanceof SkerryError || error instanceof Deno.errors.NotCapable || isUsageError(error);
    if (!known) throw error;
    console.error(toldTo(error));
    Deno.exit(1);
  }
}

/** A failure's own words, and what to do where they do not say so. */
function toldTo(error: Error): string {
  const { message } = error;
  if (error instanceof Deno.errors.NotCapable) {
    return `${message}. \`deno task\` gives each command the permissions that it needs: deno.json lists them.`;
  }
  return isUsageError(error) ? `${message.split(". ")[0]}. See --help.` : message;
}

/** What `parseArgs` throws at an option that there is not. */
function isUsageError(error: unknown): error is TypeError {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
