/**
 * Reads V8 CPU profiles: where the time of one request goes.
 *
 * @module
 */
import { formatNumber, renderTable } from "./table.ts";

/** What Deno writes with `--cpu-prof`. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** The node that ran at each sample. */
  readonly samples: readonly number[];
  /** Microseconds between a sample and the one before. */
  readonly timeDeltas: readonly number[];
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** Microseconds for one operation. */
export interface Cost {
  readonly name: string;
  readonly selfUs: number;
  /** With all it called, as far as it was on one stack: what comes after an await is not. */
  readonly totalUs: number;
}

export interface ProfileReading {
  /** What V8 did on its main thread, without idling. Deno's own part of HTTP counts as idling. */
  readonly busyUs: number;
  readonly functions: readonly Cost[];
  /** By file; a package and a Deno extension count as one file. */
  readonly files: readonly Cost[];
}

/**
 * The costs of one operation, the most expensive first.
 *
 * @param lastMs Only samples of so many milliseconds before the end: what came before was start and warming.
 * @param operations How many there were in that time.
 */
export function readProfile(profile: CpuProfile, lastMs: number, operations: number): ProfileReading {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const node of profile.nodes) {
    for (const child of node.children ?? []) parents.set(child, node.id);
  }
  const functions = new Tally();
  const files = new Tally();
  let busy = 0;
  let time = 0;
  // A sample's time goes on until the next, so the last has none that is known.
  for (let i = profile.samples.length - 2; i >= 0 && time < lastMs * 1000; i--) {
    const us = profile.timeDeltas[i + 1]!;
    time += us;
    const stack: ProfileNode[] = [];
    for (let id: number | undefined = profile.samples[i]!; id !== undefined; id = parents.get(id)) {
      stack.push(nodes.get(id)!);
    }
    if (stack[0]!.callFrame.functionName === "(idle)") continue;
    busy += us;
    const frames = stack.filter(({ callFrame }) => callFrame.functionName !== "(root)");
    functions.add(us, frames.map(functionOf));
    files.add(us, frames.map(fileOf));
  }
  return { busyUs: busy / operations, functions: functions.costs(operations), files: files.costs(operations) };
}

class Tally {
  readonly #self = new Map<string, number>();
  readonly #total = new Map<string, number>();

  add(us: number, stack: readonly string[]): void {
    const [top] = stack;
    if (top !== undefined) this.#self.set(top, (this.#self.get(top) ?? 0) + us);
    for (const name of new Set(stack)) this.#total.set(name, (this.#total.get(name) ?? 0) + us);
  }

  costs(operations: number): Cost[] {
    return [...this.#total].map(([name, total]) => ({
      name,
      selfUs: (this.#self.get(name) ?? 0) / operations,
      totalUs: total / operations,
    })).sort((a, b) => b.selfUs - a.selfUs);
  }
}

function functionOf(node: ProfileNode): string {
  const { functionName, url, lineNumber } = node.callFrame;
  const name = functionName === "" ? "(anonymous)" : functionName;
  return url === "" || url.startsWith("wasm:") ? name : `${name} ${shortUrl(url)}:${lineNumber + 1}`;
}

function fileOf({ callFrame: { functionName, url } }: ProfileNode): string {
  if (url.startsWith("wasm:")) return "WebAssembly";
  if (url === "") return functionName.startsWith("(") ? functionName : "built into V8";
  return shortUrl(url);
}

function shortUrl(url: string): string {
  const dependency = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url);
  if (dependency !== null) return dependency[1]!;
  const cached = /\/\.skerry\/.*?([^/]+)$/.exec(url);
  if (cached !== null) return `generated ${cached[1]}`;
  return url.replace(/^file:\/\/.*\/(?=(runtime|routes|tests)\/)/, "");
}

/** A reading as text: by file, by function, and what functions cost with all they called. */
export function renderReading(reading: ProfileReading, { most = 30 }: { readonly most?: number } = {}): string {
  const us = (value: number) => formatNumber(value);
  const share = (value: number) => `${(value / reading.busyUs * 100).toFixed(1)} %`;
  const table = (costs: readonly Cost[], of: (cost: Cost) => number) =>
    renderTable<Cost>([
      { title: "µs", cell: (cost) => us(of(cost)) },
      { title: "share", cell: (cost) => share(of(cost)) },
      { title: "where", cell: ({ name }) => name, align: "left" },
    ], costs.slice(0, most));
  const self = ({ selfUs }: Cost) => selfUs;
  const total = ({ totalUs }: Cost) => totalUs;
  return [
    `${us(reading.busyUs)} µs in V8 for each operation, on its main thread.`,
    `By file, without what it called:\n\n${table(reading.files, self)}`,
    `By function, without what it called:\n\n${table(reading.functions, self)}`,
    `By function, with what it called:\n\n${table([...reading.functions].sort((a, b) => total(b) - total(a)), total)}`,
  ].join("\n\n");
}
