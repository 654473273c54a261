/**
 * Which version of a host interface serves an import.
 *
 * @module
 */

interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  readonly pre: string;
}

const NAME = /^(.*)@(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/s;

function parse(name: string): { base: string; version: Version | undefined } {
  const match = NAME.exec(name);
  if (match === null) return { base: name, version: undefined };
  return {
    base: match[1]!,
    version: {
      major: Number(match[2]),
      minor: Number(match[3]),
      patch: Number(match[4]),
      pre: match[5] ?? "",
    },
  };
}

/** What two versions must share to be compatible. */
function track(version: Version): string {
  if (version.pre !== "") {
    return `${version.major}.${version.minor}.${version.patch}-${version.pre}`;
  }
  if (version.major > 0) return `${version.major}`;
  if (version.minor > 0) return `0.${version.minor}`;
  return `0.0.${version.patch}`;
}

function newer(a: Version, b: Version): boolean {
  return a.major !== b.major ? a.major > b.major : a.minor !== b.minor ? a.minor > b.minor : a.patch > b.patch;
}

/** The name of an interface without its version: `wasi:io/poll@0.2.3` → `wasi:io/poll`. */
export function withoutVersion(name: string): string {
  return parse(name).base;
}

/**
 * The host's name for `importName`: the exact one, or the newest compatible version. Compatible are versions of the same
 * major, for 0.x of the same minor, for 0.0.x of the same patch; a prerelease only matches itself.
 *
 * @example
 * ```ts
 * import { findCompatible } from "./semver.ts";
 *
 * const host = ["wasi:io/poll@0.2.12", "wasi:io/poll@0.3.0"];
 * console.assert(findCompatible("wasi:io/poll@0.2.0", host) === "wasi:io/poll@0.2.12");
 * console.assert(findCompatible("wasi:io/poll@1.0.0", host) === undefined);
 * ```
 */
export function findCompatible(
  importName: string,
  hostNames: Iterable<string>,
): string | undefined {
  const wanted = parse(importName);
  let best: { name: string; version: Version } | undefined;
  for (const name of hostNames) {
    if (name === importName) return name;
    // Most are of another interface, which takes less time to see than to parse their names.
    if (wanted.version === undefined || !name.startsWith(wanted.base)) continue;
    const offered = parse(name);
    if (offered.base !== wanted.base || offered.version === undefined) continue;
    if (track(offered.version) !== track(wanted.version)) continue;
    if (best === undefined || newer(offered.version, best.version)) {
      best = { name, version: offered.version };
    }
  }
  return best?.name;
}

/**
 * For a message: what a host has in the place of `wanted`, which it does not have.
 *
 * @example
 * ```ts
 * import { otherVersions } from "./semver.ts";
 *
 * console.assert(otherVersions("a:b/c@1.0.0", ["a:b/c@2.0.0"]) === "the host has a:b/c@2.0.0");
 * ```
 */
export function otherVersions(wanted: string, hostNames: Iterable<string>): string {
  const { base, version } = parse(wanted);
  const others = [...hostNames].filter((name) => withoutVersion(name) === base);
  if (others.length === 0) return "no version of it";
  const has = `the host has ${others.join(", ")}`;
  if (!base.startsWith("wasi:") || !version?.pre.startsWith("rc-")) return has;
  return `${has}; it is of a release candidate: build the component again with tools for WASI 0.2.0 or later`;
}
