/**
 * What is otherwise on Deno Deploy than on a server of one's own.
 *
 * @module
 */
import { SkerryError } from "./errors.ts";

/** Whether this process is an instance on Deno Deploy. */
export function isOnDeploy(): boolean {
  return Deno.env.has("DENO_DEPLOYMENT_ID");
}

/**
 * Refuses to keep data in a folder where no disk is kept: on Deno Deploy each instance may write to one of its own, and
 * what it wrote goes with it.
 *
 * @param attempted What the folder is wanted for, as a message begins.
 * @throws {SkerryError} `setting-invalid`, on Deno Deploy.
 *
 * @example
 * ```ts
 * import { refuseDisk } from "./deploy.ts";
 *
 * refuseDisk("opening the objects", "Set BLOB_URL to a bucket.");
 * ```
 */
export function refuseDisk(attempted: string, instead: string): void {
  if (!isOnDeploy()) return;
  throw new SkerryError(
    "setting-invalid",
    `${attempted}: Deno Deploy keeps no disk, and all would be lost. ${instead}`,
  );
}
