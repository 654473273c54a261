/**
 * Figures of a run, by file and by group.
 *
 * @module
 */
import { dirname } from "node:path";
import type { Outcome, Sort } from "./execute.ts";

export interface FileReport {
  /** Relative to the folder that was asked for. */
  readonly path: string;
  readonly outcomes: readonly Outcome[];
  /** Why none of its commands was executed. */
  readonly skipped?: string;
}

type Figures = Record<Outcome["status"], number>;

function count(outcomes: Iterable<Outcome>, sort: Sort): Figures {
  const figures: Figures = { passed: 0, failed: 0, skipped: 0 };
  for (const outcome of outcomes) if (outcome.sort === sort) figures[outcome.status]++;
  return figures;
}

function cells({ passed, failed, skipped }: Figures): string {
  if (passed + failed + skipped === 0) return " ".repeat(18);
  return [passed, failed, skipped].map((n) => (n === 0 ? "·" : String(n)).padStart(6)).join("");
}

const HEADER = `${"".padEnd(60)}               run          validate\n${
  "".padEnd(60)
}  pass  fail  skip  pass  fail  skip`;

function row(name: string, outcomes: readonly Outcome[]): string {
  return `${name.padEnd(60)}${cells(count(outcomes, "run"))}${cells(count(outcomes, "validate"))}`;
}

/** Everything as text: each file, why commands failed or were skipped, and sums by folder. */
export function render(files: readonly FileReport[], { verbose = false }: { readonly verbose?: boolean } = {}): string {
  const lines: string[] = [HEADER];
  for (const { path, outcomes, skipped } of files) {
    lines.push(skipped === undefined ? row(path, outcomes) : `${path.padEnd(60)}  skipped: ${skipped}`);
    for (const { line, type, status, reason } of outcomes) {
      if (status === "failed" || verbose) lines.push(`    ${status} line ${line}, ${type}: ${reason ?? ""}`);
    }
  }
  const reasons = new Map<string, number>();
  for (const { reason } of files.flatMap((f) => f.outcomes).filter((o) => o.status === "skipped")) {
    reasons.set(reason!, (reasons.get(reason!) ?? 0) + 1);
  }
  lines.push("", "skipped:");
  for (const [reason, n] of [...reasons].sort((a, b) => b[1] - a[1])) {
    lines.push(`  ${String(n).padStart(5)} × ${reason}`);
  }
  for (const { path, skipped } of files) if (skipped !== undefined) lines.push(`  ${path}: ${skipped}`);
  lines.push("", HEADER);
  const groups = Map.groupBy(files, ({ path }) => dirname(path));
  for (const [group, members] of groups) lines.push(row(group, members.flatMap((f) => f.outcomes)));
  lines.push(row("in sum", files.flatMap((f) => f.outcomes)));
  return lines.join("\n");
}
