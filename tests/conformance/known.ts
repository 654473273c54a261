/**
 * Where an engine and a script differ, and both may be right: what such a command says, and why it is no failure.
 *
 * @module
 */

interface Difference {
  /** How the path of the script ends. */
  readonly script: string;
  /** What the failure says. */
  readonly says: RegExp;
  readonly why: string;
}

const DIFFERENCES: readonly Difference[] = [
  {
    script: "component-model/big-strings.wast",
    says: /got the trap "string is too long"/,
    why:
      "it passes strings of more than 2²⁸ - 1 bytes, the specification's limit, which the script's engine does not have",
  },
  {
    script: "component-model/strings.wast",
    says: /expected a trap "unaligned pointer", got the trap "unreachable"/,
    why: "it wants an alignment of 2 where the specification asks the allocator for one of 1",
  },
  {
    script: "component-model/import.wast",
    says: /expected instance found func/,
    why: "an instance without functions or resources needs nothing of the host, so it is not looked for",
  },
  {
    script: "component-model/restrictions.wast",
    says: /accepted, but: (?:exporting a component|root-level component imports|component export `f` is a reexport)/,
    why: "it is valid; the script's engine does not run it",
  },
  {
    script: "component-model/import.wast",
    says: /accepted, but: component export `x` is a reexport/,
    why: "it is valid; the script's engine does not run it",
  },
  {
    script: "component-model/simple.wast",
    says: /accepted, but: (?:exporting a component|root-level component imports)/,
    why: "it is valid; the script's engine does not run it",
  },
  {
    script: "component-model/implements-disabled.wast",
    says: /accepted, but: the `cm-implements` feature is not active/,
    why: "it is about a feature that is on here",
  },
];

/** Why this failure of a script is none; `undefined` if it is one. */
export function knownDifference(path: string, reason: string): string | undefined {
  return DIFFERENCES.find(({ script, says }) => path.endsWith(script) && says.test(reason))?.why;
}
