/**
 * Where a run was made.
 *
 * @module
 */
import os from "node:os";
import type { Machine } from "./results.ts";

/** This machine. */
export function thisMachine(): Machine {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim().replace(/\s+/g, " ") ?? "unknown CPU",
    cores: navigator.hardwareConcurrency,
    memory_gb: Math.round(os.totalmem() / 2 ** 30),
    os: `${Deno.build.os} ${Deno.build.arch}`,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
  };
}

/** The commit of the working tree, with a `+` when files in it differ; `unknown` where there is no git. */
export async function thisCommit(): Promise<string> {
  const git = async (...args: string[]) => {
    const { success, stdout } = await new Deno.Command("git", {
      args,
      cwd: import.meta.dirname!,
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  };
  try {
    const commit = await git("rev-parse", "--short=12", "HEAD");
    if (commit === undefined) return "unknown";
    return `${commit}${await git("status", "--porcelain", "--untracked-files=no") ? "+" : ""}`;
  } catch {
    return "unknown";
  }
}
