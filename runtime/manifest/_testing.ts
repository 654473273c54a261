/**
 * What the tests of manifests need.
 *
 * @module
 */
import { ManifestError } from "../manifest.ts";

/** What `parse` finds wrong with a manifest, without the file's name. */
export function problemsOf(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    return error.problems.map(({ key, message }) => `${key}: ${message}`);
  }
  return [];
}
